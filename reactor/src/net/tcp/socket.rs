use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::net::{TcpListener, TcpStream, open};

/// A TCP socket that has not been connected and does not listen yet: for options that must be set before.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let socket = reactor::net::TcpSocket::new_v4()?;
/// socket.set_reuseaddr(true)?;
/// socket.bind("127.0.0.1:0".parse().unwrap())?;
/// let listener = socket.listen(1024)?;
/// # drop(listener); std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct TcpSocket {
    pub(in crate::net) socket: Socket,
}

/// A getter and a setter of one option.
macro_rules! option {
    ($(#[$doc:meta])* $get:ident, $set:ident: $type:ty = $inner_get:ident, $inner_set:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// The operating system's.
        pub fn $get(&self) -> io::Result<$type> {
            self.socket.$inner_get()
        }

        #[doc = concat!("Sets [`", stringify!($get), "`](Self::", stringify!($get), ").")]
        ///
        /// # Errors
        ///
        /// The operating system's.
        pub fn $set(&self, value: $type) -> io::Result<()> {
            self.socket.$inner_set(value)
        }
    };
}

impl TcpSocket {
    /// A socket for IPv4.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn new_v4() -> io::Result<TcpSocket> {
        Ok(TcpSocket { socket: open::socket(Domain::IPV4, Type::STREAM)? })
    }

    /// A socket for IPv6.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn new_v6() -> io::Result<TcpSocket> {
        Ok(TcpSocket { socket: open::socket(Domain::IPV6, Type::STREAM)? })
    }

    /// Takes over a socket of std, connected or not, to set its options. It is put into non-blocking mode.
    ///
    /// # Panics
    ///
    /// When the operating system refuses the mode: the descriptor is closed.
    #[track_caller]
    pub fn from_std_stream(stream: std::net::TcpStream) -> TcpSocket {
        let socket = Socket::from(stream);
        socket
            .set_nonblocking(true)
            .expect("TcpSocket::from_std_stream: an open socket can be made non-blocking");
        TcpSocket { socket }
    }

    option! {
        /// Whether an address may be bound while connections of a former listener linger (`SO_REUSEADDR`).
        reuseaddr, set_reuseaddr: bool = reuse_address, set_reuse_address
    }

    option! {
        /// Whether several sockets may be bound to the same address and share what arrives (`SO_REUSEPORT`).
        reuseport, set_reuseport: bool = reuse_port, set_reuse_port
    }

    option! {
        /// Whether idle connections are probed (`SO_KEEPALIVE`).
        keepalive, set_keepalive: bool = keepalive, set_keepalive
    }

    option! {
        /// Whether small packets are sent at once (`TCP_NODELAY`).
        nodelay, set_nodelay: bool = tcp_nodelay, set_tcp_nodelay
    }

    option! {
        /// How long a close waits for unsent data (`SO_LINGER`), in whole seconds. A close that waits blocks the
        /// thread that drops the stream.
        linger, set_linger: Option<Duration> = linger, set_linger
    }

    option! {
        /// The type of service of what is sent over IPv4 (`IP_TOS`).
        tos_v4, set_tos_v4: u32 = tos_v4, set_tos_v4
    }

    option! {
        /// The traffic class of what is sent over IPv6 (`IPV6_TCLASS`).
        tclass_v6, set_tclass_v6: u32 = tclass_v6, set_tclass_v6
    }

    /// Makes the close discard unsent data and reset the connection: `SO_LINGER` of zero, which blocks nobody.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// The size of the send buffer (`SO_SNDBUF`), in bytes. Linux doubles what is set.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        self.socket.send_buffer_size().map(saturate)
    }

    /// Sets the size of the send buffer (`SO_SNDBUF`), in bytes.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_send_buffer_size(size as usize)
    }

    /// The size of the receive buffer (`SO_RCVBUF`), in bytes. Linux doubles what is set.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        self.socket.recv_buffer_size().map(saturate)
    }

    /// Sets the size of the receive buffer (`SO_RCVBUF`), in bytes.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_recv_buffer_size(size as usize)
    }

    /// The network interface it is bound to (`SO_BINDTODEVICE`).
    ///
    /// # Errors
    ///
    /// The operating system's.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        self.socket.device()
    }

    /// Binds it to a network interface, or to none (`SO_BINDTODEVICE`).
    ///
    /// # Errors
    ///
    /// The operating system's.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        self.socket.bind_device(interface)
    }

    /// The address it is bound to.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?;
        address.as_socket().ok_or_else(|| io::Error::other("the socket has no IP address"))
    }

    /// The error that is pending on the socket (`SO_ERROR`), which is thereby cleared.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }

    /// Binds it to an address.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.socket.bind(&addr.into())
    }

    /// Connects it.
    ///
    /// # Errors
    ///
    /// The operating system's.
    ///
    /// # Cancel safety
    ///
    /// Safe: the socket is closed.
    pub async fn connect(self, addr: SocketAddr) -> io::Result<TcpStream> {
        match self.socket.connect(&addr.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => TcpStream::connecting(self.socket.into()).await,
        }
    }

    /// Listens; at most `backlog` connections wait to be accepted.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        self.socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        TcpListener::from_std(self.socket.into())
    }
}

fn saturate(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
