//! The option that is there with the feature `tokio-compat` only.
use super::Builder;
use crate::tokio_compat::Wanted;

impl Builder {
    /// Whether futures that need tokio's own reactor or timers run here: tokio's sockets and timers, and the libraries
    /// built on them. Default: off. With it one thread drives tokio's reactor for the whole process, from now until the
    /// last runtime that asked for it is gone; a poll costs nothing more.
    ///
    /// Switch it on for a library that is tied to tokio; sockets and timers of this crate work without, and faster. See
    /// [`tokio_compat`](crate::tokio_compat) for what runs where.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = runtime::Runtime::builder().tokio_compat(true).build()?;
    /// runtime.block_on(async {
    ///     let connected = runtime::spawn(tokio::net::TcpStream::connect("127.0.0.1:1"));
    ///     let refused = tokio::time::timeout(Duration::from_secs(5), connected).await;
    ///     assert!(refused.is_ok());
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn tokio_compat(&mut self, wanted: bool) -> &mut Self {
        self.config.tokio = Wanted(wanted);
        self
    }
}
