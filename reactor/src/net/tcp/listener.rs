use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use crate::interest::Direction;
use crate::io::{Io, check_nonblocking};
use crate::net::pace::Exhaustion;
use crate::net::resolve::try_each;
use crate::net::{TcpStream, ToSocketAddrs};

/// A TCP socket that accepts connections.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use reactor::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let client = TcpStream::connect(listener.local_addr()?).await?;
/// let (served, peer) = listener.accept().await?;
/// assert_eq!(peer, client.local_addr()?);
/// # drop(served); std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct TcpListener {
    // mio's type, because it accepts with `accept4` where there is one.
    io: Io<mio::net::TcpListener>,
    exhaustion: Exhaustion,
}

impl TcpListener {
    /// Listens on the first address that can be bound, with `SO_REUSEADDR` set. Port 0 lets the system choose.
    ///
    /// For other options see [`TcpSocket`](crate::net::TcpSocket).
    ///
    /// # Errors
    ///
    /// The address cannot be resolved, or none can be bound: the error of the last one.
    pub async fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        try_each(addr, async |address| TcpListener::over(mio::net::TcpListener::bind(address)?)).await
    }

    fn over(socket: mio::net::TcpListener) -> io::Result<TcpListener> {
        Ok(TcpListener { io: Io::new(socket)?, exhaustion: Exhaustion::default() })
    }

    /// Waits for a connection, and returns it with its peer's address. Several tasks may wait.
    ///
    /// # Errors
    ///
    /// The operating system's. When descriptors or memory have run out (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`) the
    /// error is returned once, and the next call waits at most 20 ms before it tries again: a loop that only logs
    /// errors does not spin, and goes on by itself when there are descriptors again.
    ///
    /// # Cancel safety
    ///
    /// Safe: no connection is lost.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        std::future::poll_fn(|cx| self.exhaustion.poll_over(cx)).await;
        let accepted = self.io.io(Direction::Read, |socket| socket.accept()).await;
        self.finish(accepted)
    }

    /// [`accept`](Self::accept) as a poll function; of several tasks that call it, only the last one is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        ready!(self.exhaustion.poll_over(cx));
        let accepted = ready!(self.io.poll_io(cx, Direction::Read, |socket| socket.accept()));
        Poll::Ready(self.finish(accepted))
    }

    fn finish(
        &self,
        accepted: io::Result<(mio::net::TcpStream, SocketAddr)>,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        self.exhaustion.note(&accepted);
        let (socket, peer) = accepted?;
        Ok((TcpStream::accepted(socket.into()), peer))
    }

    /// Takes over a listener of std, which must be in non-blocking mode.
    ///
    /// # Errors
    ///
    /// It is in blocking mode, or is no open descriptor.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        check_nonblocking(listener.as_raw_fd())?;
        TcpListener::over(mio::net::TcpListener::from_std(listener))
    }

    /// Gives the listener back to std, still in non-blocking mode.
    ///
    /// # Errors
    ///
    /// The operating system's, when it can't be taken out of the reactor.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        self.io.into_inner().map(Into::into)
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// The time to live of what it sends (`IP_TTL`), in hops.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.get_ref().ttl()
    }

    /// Sets the time to live (`IP_TTL`), in hops; accepted connections inherit it.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.get_ref().set_ttl(ttl)
    }
}

impl TryFrom<std::net::TcpListener> for TcpListener {
    type Error = io::Error;

    /// As `from_std`.
    fn try_from(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }
}

descriptor!(TcpListener);
