//! Who is at the other end of a Unix socket.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::net::UnixStream;

/// The credentials of the process at the other end.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let (stream, _other) = reactor::net::UnixStream::pair()?;
/// assert_eq!(stream.peer_cred()?.pid(), Some(std::process::id() as i32));
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UCred {
    pid: Option<libc::pid_t>,
    uid: libc::uid_t,
    gid: libc::gid_t,
}

impl UCred {
    /// The user, as it was in effect.
    pub fn uid(&self) -> libc::uid_t {
        self.uid
    }

    /// The group, as it was in effect.
    pub fn gid(&self) -> libc::gid_t {
        self.gid
    }

    /// The process, where the system tells.
    pub fn pid(&self) -> Option<libc::pid_t> {
        self.pid
    }
}

#[cfg(any(target_os = "android", target_os = "linux"))]
pub(super) fn of_peer(socket: &UnixStream) -> io::Result<UCred> {
    use std::os::fd::AsRawFd;

    let mut cred = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes into `cred`, which has that many, and the length into `len`; both
    // live throughout the call.
    let outcome = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut cred).cast(),
            &raw mut len,
        )
    };
    match outcome {
        0 => Ok(UCred { pid: Some(cred.pid), uid: cred.uid, gid: cred.gid }),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(any(target_os = "dragonfly", target_os = "freebsd", target_os = "macos", target_os = "openbsd"))]
pub(super) fn of_peer(socket: &UnixStream) -> io::Result<UCred> {
    use std::os::fd::AsRawFd;

    let (mut uid, mut gid) = (0, 0);
    // SAFETY: both pointers are to live variables of the type asked for.
    match unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut uid, &raw mut gid) } {
        0 => Ok(UCred { pid: None, uid, gid }),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(not(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "macos",
    target_os = "openbsd"
)))]
pub(super) fn of_peer(_socket: &UnixStream) -> io::Result<UCred> {
    Err(io::ErrorKind::Unsupported.into())
}
