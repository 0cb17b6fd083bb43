use std::fmt;
use std::io;
use std::os::unix::net;
use std::path::Path;

/// The address of a Unix socket: a path, an abstract name, or none.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let (stream, _other) = reactor::net::UnixStream::pair()?;
/// assert!(stream.peer_addr()?.is_unnamed());
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct SocketAddr(net::SocketAddr);

impl SocketAddr {
    /// Whether it is no address at all: the socket was never bound.
    pub fn is_unnamed(&self) -> bool {
        self.0.is_unnamed()
    }

    /// The path it is bound to, if it is.
    pub fn as_pathname(&self) -> Option<&Path> {
        self.0.as_pathname()
    }

    /// The abstract name, without the zero byte before it, if it has one. Linux only; `None` elsewhere.
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        #[cfg(target_os = "android")]
        return std::os::android::net::SocketAddrExt::as_abstract_name(&self.0);
        #[cfg(target_os = "linux")]
        return std::os::linux::net::SocketAddrExt::as_abstract_name(&self.0);
        #[cfg(not(any(target_os = "android", target_os = "linux")))]
        None
    }

    pub(super) fn as_std(&self) -> &net::SocketAddr {
        &self.0
    }

    /// The address that a user's path means.
    pub(super) fn from_path(path: &Path) -> io::Result<SocketAddr> {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        {
            #[cfg(target_os = "android")]
            use std::os::android::net::SocketAddrExt;
            #[cfg(target_os = "linux")]
            use std::os::linux::net::SocketAddrExt;
            use std::os::unix::ffi::OsStrExt;

            if let Some((0, name)) = path.as_os_str().as_bytes().split_first() {
                return net::SocketAddr::from_abstract_name(name).map(SocketAddr);
            }
        }
        net::SocketAddr::from_pathname(path).map(SocketAddr).map_err(|error| {
            io::Error::new(error.kind(), format!("{path:?} is no address of a Unix socket: {error}"))
        })
    }
}

impl fmt::Debug for SocketAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<net::SocketAddr> for SocketAddr {
    fn from(address: net::SocketAddr) -> SocketAddr {
        SocketAddr(address)
    }
}

impl From<SocketAddr> for net::SocketAddr {
    fn from(address: SocketAddr) -> net::SocketAddr {
        address.0
    }
}
