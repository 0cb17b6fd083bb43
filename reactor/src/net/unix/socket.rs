use std::io;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use super::SocketAddr;
use crate::net::pace::pause;
use crate::net::{UnixDatagram, UnixListener, UnixStream, open};

/// A Unix socket that has not been connected and does not listen yet.
///
/// # Examples
///
/// ```
/// # #[cfg(target_os = "linux")]
/// # futures::executor::block_on(async {
/// let socket = reactor::net::UnixSocket::new_stream()?;
/// socket.bind(format!("\0example-socket-{}", std::process::id()))?;
/// let listener = socket.listen(16)?;
/// # drop(listener); std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct UnixSocket {
    pub(in crate::net) socket: Socket,
}

impl UnixSocket {
    /// A socket for connections.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn new_stream() -> io::Result<UnixSocket> {
        Ok(UnixSocket { socket: open::socket(Domain::UNIX, Type::STREAM)? })
    }

    /// A socket for datagrams.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn new_datagram() -> io::Result<UnixSocket> {
        Ok(UnixSocket { socket: open::socket(Domain::UNIX, Type::DGRAM)? })
    }

    /// Binds it to a path.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn bind(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.socket.bind(&address(path.as_ref())?)
    }

    /// Listens; at most `backlog` connections wait to be accepted.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a socket for datagrams; otherwise the operating system's.
    pub fn listen(self, backlog: u32) -> io::Result<UnixListener> {
        self.must_be(Type::STREAM, "listen")?;
        self.socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        UnixListener::from_std(self.socket.into())
    }

    /// Connects it, as [`UnixStream::connect`].
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a socket for datagrams; otherwise the operating system's.
    ///
    /// # Cancel safety
    ///
    /// Safe: the socket is closed.
    pub async fn connect(self, path: impl AsRef<Path>) -> io::Result<UnixStream> {
        self.must_be(Type::STREAM, "connect")?;
        let address = address(path.as_ref())?;
        loop {
            match self.socket.connect(&address) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => pause().await,
                Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
                _ => return UnixStream::connecting(self.socket.into()).await,
            }
        }
    }

    /// The socket for datagrams, to be used as one.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a socket for connections.
    pub fn datagram(self) -> io::Result<UnixDatagram> {
        self.must_be(Type::DGRAM, "datagram")?;
        UnixDatagram::from_std(self.socket.into())
    }

    fn must_be(&self, kind: Type, operation: &str) -> io::Result<()> {
        if self.socket.r#type()? == kind {
            return Ok(());
        }
        let made = if kind == Type::STREAM { "new_stream" } else { "new_datagram" };
        let message = format!("UnixSocket::{operation} needs a socket made by {made}");
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }
}

/// The same paths are accepted, and refused, as everywhere else.
fn address(path: &Path) -> io::Result<SockAddr> {
    SocketAddr::from_path(path)?;
    SockAddr::unix(path)
}
