use std::io;
use std::net::Shutdown;
use std::os::unix::net;
use std::path::Path;
use std::sync::Arc;

use super::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::{SocketAddr, UCred, ucred};
use crate::interest::Direction;
use crate::io::Io;
use crate::net::bytes::{self, ReadEnd, WriteEnd};
use crate::net::open;
use crate::net::pace::pause;

/// A connection over a Unix socket.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use reactor::net::UnixStream;
///
/// let (mut one, mut other) = UnixStream::pair()?;
/// one.write_all(b"hello").await?;
/// one.shutdown().await?;
/// let mut got = Vec::new();
/// other.read_to_end(&mut got).await?;
/// assert_eq!(got, b"hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct UnixStream {
    pub(super) io: Io<net::UnixStream>,
}

impl UnixStream {
    /// Connects to the listener at a path.
    ///
    /// # Errors
    ///
    /// The operating system's: `NotFound` where there is no file, `ConnectionRefused` where nobody listens.
    ///
    /// # Cancel safety
    ///
    /// Safe: a connection under way is closed.
    pub async fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        UnixStream::connect_addr(&SocketAddr::from_path(path.as_ref())?).await
    }

    /// Connects to the listener at an address.
    ///
    /// While the listener's backlog is full it tries again every 20 ms: Linux reports no event for that.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// Safe: a connection under way is closed.
    pub async fn connect_addr(address: &SocketAddr) -> io::Result<UnixStream> {
        loop {
            match mio::net::UnixStream::connect_addr(address.as_std()) {
                Ok(socket) => return UnixStream::connecting(socket.into()).await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => pause().await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for the end of a connect under way.
    pub(super) async fn connecting(socket: net::UnixStream) -> io::Result<UnixStream> {
        let stream = UnixStream::over(socket)?;
        stream
            .io
            .io(Direction::Write, |socket| open::connected(|| socket.peer_addr(), || socket.take_error()))
            .await?;
        Ok(stream)
    }

    /// Two streams connected to each other.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = mio::net::UnixStream::pair()?;
        Ok((UnixStream::over(one.into())?, UnixStream::over(other.into())?))
    }

    /// Around a socket that is known to be non-blocking.
    pub(super) fn over(socket: net::UnixStream) -> io::Result<UnixStream> {
        Ok(UnixStream { io: Io::new(socket)? })
    }

    read_methods!();
    write_methods!();
    ready_methods!(io);
    readable_methods!(io);
    writable_methods!(io);
    try_read_methods!(io);
    try_write_methods!(io);
    io_methods!();
    poll_ready_method! {
        /// Ready when it may be read; see [`readable`](Self::readable).
        poll_read_ready, Read
    }
    poll_ready_method! {
        /// Ready when it may be written; see [`writable`](Self::writable).
        poll_write_ready, Write
    }

    /// Two halves that borrow the stream, for one task that reads and writes at the same time.
    ///
    /// Where `futures::AsyncReadExt` is imported, write `UnixStream::split(&mut stream)`: its `split` takes the stream
    /// itself, so that the compiler finds it first.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        (ReadHalf { stream: self }, WriteHalf { stream: self })
    }

    /// Two halves that own the stream together, for two tasks. The writing half ends its direction when dropped.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let stream = Arc::new(self);
        (OwnedReadHalf { stream: Arc::clone(&stream) }, OwnedWriteHalf { stream, shut_down_on_drop: true })
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr().map(Into::into)
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr().map(Into::into)
    }

    /// Who was at the other end when the connection was made.
    ///
    /// # Errors
    ///
    /// The operating system's; `Unsupported` where it cannot tell.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        ucred::of_peer(self.io.get_ref())
    }

    /// The error that is pending on the socket (`SO_ERROR`), which is thereby cleared.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }

    pub(super) fn shut_down_writing(&self) -> io::Result<()> {
        bytes::shut_down(self.io.get_ref(), Shutdown::Write)
    }
}

impl ReadEnd for UnixStream {
    type Socket = net::UnixStream;

    fn read_io(&self) -> &Io<net::UnixStream> {
        &self.io
    }
}

impl WriteEnd for UnixStream {
    type Socket = net::UnixStream;

    fn write_io(&self) -> &Io<net::UnixStream> {
        &self.io
    }

    fn close_writing(&mut self) -> io::Result<()> {
        self.shut_down_writing()
    }
}

impl AsRef<UnixStream> for UnixStream {
    fn as_ref(&self) -> &UnixStream {
        self
    }
}

std_conversions!(UnixStream, net::UnixStream);
