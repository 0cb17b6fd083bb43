use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::SockRef;

use super::ToSocketAddrs;
use super::resolve::{first, try_each};
use crate::interest::Direction;
use crate::io::Io;

/// A UDP socket. All of its operations take `&self`: an `Arc` shares it among tasks.
///
/// A datagram longer than the buffer it is received into is cut. An empty one is received as zero bytes, which is no
/// end of anything. On a connected socket an ICMP error comes back as an error of a later operation.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use reactor::net::UdpSocket;
///
/// let one = UdpSocket::bind("127.0.0.1:0").await?;
/// let other = UdpSocket::bind("127.0.0.1:0").await?;
/// one.send_to(b"hello", other.local_addr()?).await?;
/// let mut buf = [0; 64];
/// let (n, from) = other.recv_from(&mut buf).await?;
/// assert_eq!((&buf[..n], from), (&b"hello"[..], one.local_addr()?));
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct UdpSocket {
    pub(super) io: Io<std::net::UdpSocket>,
}

impl UdpSocket {
    /// A socket bound to the first address that can be. Port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// The address cannot be resolved, or none can be bound: the error of the last one.
    pub async fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<UdpSocket> {
        try_each(addr, async |address| UdpSocket::over(mio::net::UdpSocket::bind(address)?.into())).await
    }

    fn over(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        Ok(UdpSocket { io: Io::new(socket)? })
    }

    /// Sets the address that `send` sends to; only from there will anything be received.
    ///
    /// # Errors
    ///
    /// The address cannot be resolved, or none is accepted: the error of the last one.
    pub async fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        try_each(addr, async |address| self.io.get_ref().connect(address)).await
    }

    operation! {
        /// Sends a datagram to the connected address, and returns how many bytes.
        send, poll_send, try_send: Write WRITABLE (buf: &[u8]) -> usize, |socket| socket.send(buf)
    }

    operation! {
        /// Receives a datagram from the connected address, and returns how many bytes.
        recv, poll_recv, try_recv: Read READABLE (buf: &mut [u8]) -> usize, |socket| socket.recv(buf)
    }

    operation! {
        /// Receives a datagram, and returns how many bytes and from where.
        recv_from, poll_recv_from, try_recv_from: Read READABLE
        (buf: &mut [u8]) -> (usize, SocketAddr), |socket| socket.recv_from(buf)
    }

    operation! {
        /// As [`recv`](Self::recv), and leaves the datagram there to be received again.
        peek, poll_peek, try_peek: Read READABLE (buf: &mut [u8]) -> usize, |socket| socket.peek(buf)
    }

    operation! {
        /// As [`recv_from`](Self::recv_from), and leaves the datagram there to be received again.
        peek_from, poll_peek_from, try_peek_from: Read READABLE
        (buf: &mut [u8]) -> (usize, SocketAddr), |socket| socket.peek_from(buf)
    }

    operation! {
        /// Where the next datagram is from; it is left there to be received.
        peek_sender, poll_peek_sender, try_peek_sender: Read READABLE
        () -> SocketAddr, |socket| sender(socket)
    }

    /// Sends a datagram to the first address that `target` resolves to, and returns how many bytes.
    ///
    /// # Errors
    ///
    /// The address cannot be resolved, or the operating system's.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing was sent when it is dropped unresolved.
    pub async fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], target: A) -> io::Result<usize> {
        let target = first(target).await?;
        self.io.io(Direction::Write, |socket| socket.send_to(buf, target)).await
    }

    operation!(@poll send_to, poll_send_to: Write (buf: &[u8], target: SocketAddr) -> usize,
        |socket| socket.send_to(buf, target));
    operation!(@try send_to, try_send_to: WRITABLE (buf: &[u8], target: SocketAddr) -> usize,
        |socket| socket.send_to(buf, target));

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
        self.io.get_ref().local_addr()
    }

    /// The address it is connected to.
    ///
    /// # Errors
    ///
    /// `NotConnected` when it is not; otherwise the operating system's.
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
}

/// A getter and a setter of one option.
macro_rules! option {
    ($(#[$doc:meta])* $get:ident, $set:ident: $type:ty) => {
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// The operating system's.
        pub fn $get(&self) -> io::Result<$type> {
            self.io.get_ref().$get()
        }

        #[doc = concat!("Sets [`", stringify!($get), "`](Self::", stringify!($get), ").")]
        ///
        /// # Errors
        ///
        /// The operating system's.
        pub fn $set(&self, value: $type) -> io::Result<()> {
            self.io.get_ref().$set(value)
        }
    };
}

impl UdpSocket {
    option! {
        /// Whether it may send to broadcast addresses (`SO_BROADCAST`).
        broadcast, set_broadcast: bool
    }

    option! {
        /// Whether what it sends to a multicast group comes back to this host (`IP_MULTICAST_LOOP`).
        multicast_loop_v4, set_multicast_loop_v4: bool
    }

    option! {
        /// The time to live of what it sends to a multicast group (`IP_MULTICAST_TTL`), in hops.
        multicast_ttl_v4, set_multicast_ttl_v4: u32
    }

    option! {
        /// Whether what it sends to a multicast group comes back to this host (`IPV6_MULTICAST_LOOP`).
        multicast_loop_v6, set_multicast_loop_v6: bool
    }

    option! {
        /// The time to live of what it sends (`IP_TTL`), in hops.
        ttl, set_ttl: u32
    }

    /// The type of service of what it sends over IPv4 (`IP_TOS`).
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn tos_v4(&self) -> io::Result<u32> {
        SockRef::from(self).tos_v4()
    }

    /// Sets [`tos_v4`](Self::tos_v4).
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
        SockRef::from(self).set_tos_v4(tos)
    }

    /// The traffic class of what it sends over IPv6 (`IPV6_TCLASS`).
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn tclass_v6(&self) -> io::Result<u32> {
        SockRef::from(self).tclass_v6()
    }

    /// Sets [`tclass_v6`](Self::tclass_v6).
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_tclass_v6(&self, tclass: u32) -> io::Result<()> {
        SockRef::from(self).set_tclass_v6(tclass)
    }

    /// The network interface it is bound to (`SO_BINDTODEVICE`).
    ///
    /// # Errors
    ///
    /// The operating system's.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        SockRef::from(self).device()
    }

    /// Binds it to a network interface, or to none (`SO_BINDTODEVICE`).
    ///
    /// # Errors
    ///
    /// The operating system's.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        SockRef::from(self).bind_device(interface)
    }

    /// Joins a multicast group on the interface with the address `interface`; unspecified lets the system choose.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn join_multicast_v4(&self, multiaddr: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.get_ref().join_multicast_v4(&multiaddr, &interface)
    }

    /// Joins a multicast group on the interface of index `interface`; zero lets the system choose.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn join_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get_ref().join_multicast_v6(multiaddr, interface)
    }

    /// Leaves a group that was joined with the same arguments.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn leave_multicast_v4(&self, multiaddr: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.get_ref().leave_multicast_v4(&multiaddr, &interface)
    }

    /// Leaves a group that was joined with the same arguments.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn leave_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get_ref().leave_multicast_v6(multiaddr, interface)
    }
}

fn sender(socket: &std::net::UdpSocket) -> io::Result<SocketAddr> {
    let sender = SockRef::from(socket).peek_sender()?;
    sender.as_socket().ok_or_else(|| io::Error::other("the sender has no IP address"))
}

std_conversions!(UdpSocket, std::net::UdpSocket);
