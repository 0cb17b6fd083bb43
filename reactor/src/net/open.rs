//! Sockets that are non-blocking and close-on-exec from birth.
use std::io;

use socket2::{Domain, Socket, Type};

/// One system call where the kernel takes the flags along.
pub(super) fn socket(domain: Domain, kind: Type) -> io::Result<Socket> {
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "illumos",
        target_os = "linux",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    return Socket::new(domain, kind.nonblocking(), None);

    #[cfg(not(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "illumos",
        target_os = "linux",
        target_os = "netbsd",
        target_os = "openbsd"
    )))]
    {
        let socket = Socket::new(domain, kind, None)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// What a connect under way has come to; `WouldBlock` while it goes on.
///
/// On loopback it is over before the first look, so that no epoll event need be waited for. A socket that has a peer has no
/// error to tell of its connect: one call is enough then.
pub(super) fn connected<A>(
    peer: impl FnOnce() -> io::Result<A>,
    error: impl FnOnce() -> io::Result<Option<io::Error>>,
) -> io::Result<()> {
    let Err(no_peer) = peer() else {
        return Ok(());
    };
    match error()? {
        Some(error) => Err(error),
        None if no_peer.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        None => Err(no_peer),
    }
}
