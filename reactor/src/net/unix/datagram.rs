use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use reactor_hook::budget;

use super::SocketAddr;
use crate::interest::{Direction, Interest};
use crate::io::Io;
use crate::net::pace::Pause;
use crate::sys;

/// How often a sender looks again at once, for a receiver that is reading: some 100 µs.
const YIELDS: u32 = 16;

/// A Unix socket for datagrams. All of its operations take `&self`: an `Arc` shares it among tasks.
///
/// Datagrams arrive whole, in order, and are not lost: a sender waits while the receiver's queue is full. One longer
/// than the buffer it is received into is cut.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use reactor::net::UnixDatagram;
///
/// let (one, other) = UnixDatagram::pair()?;
/// one.send(b"hello").await?;
/// let mut buf = [0; 64];
/// let n = other.recv(&mut buf).await?;
/// assert_eq!(&buf[..n], b"hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct UnixDatagram {
    pub(in crate::net) io: Io<net::UnixDatagram>,
}

impl UnixDatagram {
    /// A socket bound to a path, which stays behind when it is dropped.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        let address = SocketAddr::from_path(path.as_ref())?;
        UnixDatagram::over(mio::net::UnixDatagram::bind_addr(address.as_std())?.into())
    }

    /// A socket bound to nothing: it can send, and cannot be sent to.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::over(mio::net::UnixDatagram::unbound()?.into())
    }

    /// Two sockets connected to each other.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = mio::net::UnixDatagram::pair()?;
        Ok((UnixDatagram::over(one.into())?, UnixDatagram::over(other.into())?))
    }

    fn over(socket: net::UnixDatagram) -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { io: Io::new(socket)? })
    }

    /// Sets the address that `send` sends to; only from there will anything be received.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.io.get_ref().connect_addr(SocketAddr::from_path(path.as_ref())?.as_std())
    }

    operation! {
        /// Sends a datagram to the connected address, and returns how many bytes.
        send, poll_send, try_send: Write WRITABLE (buf: &[u8]) -> usize, |socket| socket.send(buf)
    }

    operation! {
        /// Receives a datagram, and returns how many bytes.
        recv, poll_recv, try_recv: Read READABLE (buf: &mut [u8]) -> usize, |socket| socket.recv(buf)
    }

    operation! {
        /// Receives a datagram, and returns how many bytes and from where.
        recv_from, poll_recv_from, try_recv_from: Read READABLE
        (buf: &mut [u8]) -> (usize, SocketAddr),
        |socket| socket.recv_from(buf).map(|(n, from)| (n, from.into()))
    }

    /// Sends a datagram to the socket at a path, and returns how many bytes.
    ///
    /// While the receiver's queue is full it tries again, a few times at once and then every 20 ms: Linux reports no room to a
    /// socket that is not connected. One that is [connected](Self::connect) sends as soon as there is room.
    ///
    /// # Errors
    ///
    /// The operating system's: `NotFound` where there is no file, `ConnectionRefused` where nobody receives.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing was sent when it is dropped unresolved.
    pub async fn send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> io::Result<usize> {
        let target = SocketAddr::from_path(target.as_ref())?;
        let mut waiting = pin!(self.io.io(Direction::Write, |socket| send_to(socket, buf, &target)));
        let mut yields = YIELDS;
        std::future::poll_fn(|cx| {
            self.poll_sent(cx, buf, &target, &mut yields, |cx| waiting.as_mut().poll(cx))
        })
        .await
    }

    /// [`send_to`](Self::send_to) as a poll function; of several tasks that call one of this direction, only the last
    /// one is woken.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to).
    pub fn poll_send_to<P: AsRef<Path>>(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: P,
    ) -> Poll<io::Result<usize>> {
        let target = SocketAddr::from_path(target.as_ref())?;
        let wait = |cx: &mut Context<'_>| {
            self.io.poll_io(cx, Direction::Write, |socket| send_to(socket, buf, &target))
        };
        self.poll_sent(cx, buf, &target, &mut 0, wait)
    }

    /// Tries at each poll. `wait` tries again, and waits for an event. README: *Where the kernel reports nothing*.
    fn poll_sent(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: &SocketAddr,
        yields: &mut u32,
        wait: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let charge = ready!(budget::poll_proceed(cx));
        let socket = self.io.get_ref();
        if let Poll::Ready(outcome) = not_blocked(send_to(socket, buf, target)) {
            charge.made_progress();
            return Poll::Ready(outcome);
        }
        if !sys::is_writable(socket.as_raw_fd()) {
            if let Poll::Ready(outcome) = wait(cx) {
                return Poll::Ready(outcome);
            }
        } else if *yields > 0 {
            *yields -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if Pause::new().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// [`send_to`](Self::send_to) without waiting.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; otherwise the operating system's.
    pub fn try_send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> io::Result<usize> {
        let target = SocketAddr::from_path(target.as_ref())?;
        self.io.try_io(Interest::WRITABLE, |socket| send_to(socket, buf, &target))
    }

    ready_methods!(io);
    readable_methods!(io);
    writable_methods!(io);
    io_methods!();
    poll_ready_method! {
        /// Ready when a datagram or an error may be received; see [`readable`](Self::readable).
        poll_recv_ready, Read
    }
    poll_ready_method! {
        /// Ready when a datagram may be sent; see [`writable`](Self::writable).
        poll_send_ready, Write
    }

    /// The address it is bound to.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr().map(Into::into)
    }

    /// The address it is connected to.
    ///
    /// # Errors
    ///
    /// `NotConnected` when it is not; otherwise the operating system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr().map(Into::into)
    }

    /// The error that is pending on the socket (`SO_ERROR`), which is thereby cleared.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }

    /// Ends one direction, or both.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }
}

fn send_to(socket: &net::UnixDatagram, buf: &[u8], target: &SocketAddr) -> io::Result<usize> {
    socket.send_to_addr(buf, target.as_std())
}

fn not_blocked<T>(outcome: io::Result<T>) -> Poll<io::Result<T>> {
    match outcome {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Poll::Pending
        }
        outcome => Poll::Ready(outcome),
    }
}

std_conversions!(UnixDatagram, net::UnixDatagram);
