//! The option that is there with the feature `fs` only.
use super::Builder;

impl Builder {
    /// Whether operations on files that the kernel promises not to wait for are done by the thread that polls them.
    /// Default: on, which spares them a visit to the blocking pool. See [`fs`](crate::fs) for which these are.
    ///
    /// Switch it off where that promise is not to be relied on: below a program that answers for a file system or allows
    /// each open (fanotify), or to have all of it in the pool's figures.
    ///
    /// ```
    /// let runtime = runtime::Runtime::builder().fs_inline(false).build()?;
    /// let manifest = runtime.block_on(runtime::fs::read_to_string("Cargo.toml"))?;
    /// assert!(manifest.contains("[package]"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn fs_inline(&mut self, wanted: bool) -> &mut Self {
        self.config.fs_inline = wanted;
        self
    }
}
