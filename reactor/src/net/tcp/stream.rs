use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;

use super::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use crate::affinity::Part;
use crate::interest::{Direction, Interest};
use crate::io::Io;
use crate::net::bytes::{self, ReadEnd, WriteEnd};
use crate::net::resolve::try_each;
use crate::net::{ToSocketAddrs, open};

/// A TCP connection.
///
/// Its own `read` and `write` need no trait; with the features `futures-io`, `tokio-io` and `hyper` it implements
/// those crates' I/O traits too. Dropping it closes the connection.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// # use reactor::net::{TcpListener, TcpStream};
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let address = listener.local_addr()?;
/// let mut stream = TcpStream::connect(address).await?;
/// stream.write_all(b"hello").await?;
/// # let (mut served, _) = listener.accept().await?;
/// # let mut got = [0; 5];
/// # served.read_exact(&mut got).await?; served.write_all(&got).await?;
/// let mut answer = [0; 5];
/// stream.read_exact(&mut answer).await?;
/// assert_eq!(&answer, b"hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct TcpStream {
    pub(super) io: Io<std::net::TcpStream>,
}

impl TcpStream {
    /// Connects to the first address that answers; each one is tried in turn.
    ///
    /// # Errors
    ///
    /// The address cannot be resolved, or none can be connected to: the error of the last one.
    ///
    /// # Cancel safety
    ///
    /// Safe: a connection under way is closed.
    pub async fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
        try_each(addr, async |address| {
            let socket = mio::net::TcpStream::connect(address)?;
            TcpStream::connecting(socket.into()).await
        })
        .await
    }

    /// Waits for the end of a connect under way.
    pub(super) async fn connecting(socket: std::net::TcpStream) -> io::Result<TcpStream> {
        let stream = TcpStream::over(socket)?;
        stream
            .io
            .io(Direction::Write, |socket| open::connected(|| socket.peer_addr(), || socket.take_error()))
            .await?;
        // Who connects speaks first, as a rule, and is answered later.
        stream.io.assume_nothing_to_read();
        Ok(stream)
    }

    /// Around a socket that is known to be non-blocking.
    pub(super) fn over(socket: std::net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream::with_part(socket, Part::Leads))
    }

    /// Around one that a listener has accepted: it goes to where the one who connected is.
    pub(super) fn accepted(socket: std::net::TcpStream) -> TcpStream {
        TcpStream::with_part(socket, Part::Follows)
    }

    /// Urgent data is asked for because it cuts reads short.
    fn with_part(socket: std::net::TcpStream, part: Part) -> TcpStream {
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
        TcpStream { io: Io::with_part(socket, interest, part) }
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

    /// Reads what comes next into `buf` and leaves it there to be read again.
    ///
    /// # Errors
    ///
    /// The operating system's.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is consumed.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.io(Direction::Read, |socket| socket.peek(buf)).await
    }

    /// [`peek`](Self::peek) as a poll function; of several tasks that call it, only the last one is woken.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_io(cx, Direction::Read, |socket| socket.peek(buf))
    }

    /// Two halves that borrow the stream, for one task that reads and writes at the same time.
    ///
    /// Where `futures::AsyncReadExt` is imported, write `TcpStream::split(&mut stream)`: its `split` takes the stream
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
        self.io.get_ref().local_addr()
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// The error that is pending on the socket (`SO_ERROR`), which is thereby cleared.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }

    /// Whether small packets are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.get_ref().nodelay()
    }

    /// Sets whether small packets are sent at once (`TCP_NODELAY`). Off by default: the system gathers them.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get_ref().set_nodelay(nodelay)
    }

    /// Whether what arrives is acknowledged at once (`TCP_QUICKACK`).
    ///
    /// # Errors
    ///
    /// The operating system's.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn quickack(&self) -> io::Result<bool> {
        SockRef::from(self).tcp_quickack()
    }

    /// Sets whether what arrives is acknowledged at once (`TCP_QUICKACK`). The kernel may change it back.
    ///
    /// # Errors
    ///
    /// The operating system's.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        SockRef::from(self).set_tcp_quickack(quickack)
    }

    /// How long a close waits for unsent data (`SO_LINGER`), in whole seconds.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self).linger()
    }

    /// Sets how long a close waits for unsent data (`SO_LINGER`), in whole seconds. A close that waits blocks the
    /// thread that drops the stream; zero makes it discard the data and reset the connection.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        SockRef::from(self).set_linger(linger)
    }

    /// Makes the close discard unsent data and reset the connection: `SO_LINGER` of zero, which blocks nobody.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// The time to live of what it sends (`IP_TTL`), in hops.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.get_ref().ttl()
    }

    /// Sets the time to live (`IP_TTL`), in hops.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.get_ref().set_ttl(ttl)
    }

    pub(super) fn shut_down_writing(&self) -> io::Result<()> {
        bytes::shut_down(self.io.get_ref(), Shutdown::Write)
    }
}

impl ReadEnd for TcpStream {
    type Socket = std::net::TcpStream;

    fn read_io(&self) -> &Io<std::net::TcpStream> {
        &self.io
    }
}

impl WriteEnd for TcpStream {
    type Socket = std::net::TcpStream;

    fn write_io(&self) -> &Io<std::net::TcpStream> {
        &self.io
    }

    fn close_writing(&mut self) -> io::Result<()> {
        self.shut_down_writing()
    }
}

impl AsRef<TcpStream> for TcpStream {
    fn as_ref(&self) -> &TcpStream {
        self
    }
}

std_conversions!(TcpStream, std::net::TcpStream);
