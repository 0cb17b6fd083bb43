use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::task::{Context, Poll, ready};

use super::SocketAddr;
use crate::interest::Direction;
use crate::io::{Io, check_nonblocking};
use crate::net::UnixStream;
use crate::net::pace::Exhaustion;

/// A Unix socket that accepts connections.
///
/// The path it is bound to stays behind when it is dropped; remove it to bind it again. An abstract address (a path
/// that begins with a zero byte, Linux) goes with the socket.
///
/// # Examples
///
/// ```
/// # #[cfg(target_os = "linux")]
/// # futures::executor::block_on(async {
/// use reactor::net::{UnixListener, UnixStream};
///
/// let name = format!("\0example-{}", std::process::id());
/// let listener = UnixListener::bind(&name)?;
/// let client = UnixStream::connect(&name).await?;
/// let (served, _peer) = listener.accept().await?;
/// # drop((client, served)); std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct UnixListener {
    // mio's type, because it accepts with `accept4` where there is one.
    io: Io<mio::net::UnixListener>,
    exhaustion: Exhaustion,
}

impl UnixListener {
    /// Listens on a path.
    ///
    /// # Errors
    ///
    /// The operating system's: `AddrInUse` when there is a file at the path, even of a listener that is gone.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::bind_addr(&SocketAddr::from_path(path.as_ref())?)
    }

    /// Listens on an address.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixListener> {
        UnixListener::over(mio::net::UnixListener::bind_addr(address.as_std())?)
    }

    fn over(socket: mio::net::UnixListener) -> io::Result<UnixListener> {
        Ok(UnixListener { io: Io::new(socket)?, exhaustion: Exhaustion::default() })
    }

    /// Waits for a connection, and returns it with its peer's address. Several tasks may wait.
    ///
    /// # Errors
    ///
    /// The operating system's. When descriptors or memory have run out, the error is returned once and the next call
    /// waits, as in [`TcpListener::accept`](crate::net::TcpListener::accept).
    ///
    /// # Cancel safety
    ///
    /// Safe: no connection is lost.
    pub async fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        std::future::poll_fn(|cx| self.exhaustion.poll_over(cx)).await;
        let accepted = self.io.io(Direction::Read, |socket| socket.accept()).await;
        self.finish(accepted)
    }

    /// [`accept`](Self::accept) as a poll function; of several tasks that call it, only the last one is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        ready!(self.exhaustion.poll_over(cx));
        let accepted = ready!(self.io.poll_io(cx, Direction::Read, |socket| socket.accept()));
        Poll::Ready(self.finish(accepted))
    }

    fn finish(
        &self,
        accepted: io::Result<(mio::net::UnixStream, std::os::unix::net::SocketAddr)>,
    ) -> io::Result<(UnixStream, SocketAddr)> {
        self.exhaustion.note(&accepted);
        let (socket, peer) = accepted?;
        Ok((UnixStream::over(socket.into())?, peer.into()))
    }

    /// Takes over a listener of std, which must be in non-blocking mode.
    ///
    /// # Errors
    ///
    /// It is in blocking mode, or is no open descriptor.
    pub fn from_std(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
        check_nonblocking(listener.as_raw_fd())?;
        UnixListener::over(mio::net::UnixListener::from_std(listener))
    }

    /// Gives the listener back to std, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// The operating system's, when it can't be taken out of the reactor.
    pub fn into_std(self) -> io::Result<std::os::unix::net::UnixListener> {
        self.io.into_inner().map(Into::into)
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr().map(Into::into)
    }

    /// The error that is pending on the socket (`SO_ERROR`), which is thereby cleared.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }
}

impl TryFrom<std::os::unix::net::UnixListener> for UnixListener {
    type Error = io::Error;

    /// As `from_std`.
    fn try_from(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
        UnixListener::from_std(listener)
    }
}

descriptor!(UnixListener);
