//! Cores: which one a thread is on, and which one has fed a socket.
#![allow(unsafe_code)]

use std::os::fd::RawFd;

/// So many there may be: their numbers are smaller.
pub(crate) fn count() -> usize {
    // SAFETY: it takes no memory.
    let cores = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_CONF) };
    usize::try_from(cores).unwrap_or(0)
}

/// The one on which this thread is at the moment.
#[cfg(target_os = "linux")]
pub(crate) fn here() -> Option<usize> {
    // SAFETY: it takes nothing.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// The one on which the kernel has handed over what came to the socket last: over loopback, that of who wrote it; over a network card, that of the
/// card's queue.
#[cfg(target_os = "linux")]
pub(crate) fn feeding(fd: RawFd) -> Option<usize> {
    let mut core: libc::c_int = -1;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    let place = (&raw mut core).cast();
    // SAFETY: there is room for as much as `length` says; what is no socket is an error.
    let asked =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_INCOMING_CPU, place, &raw mut length) };
    if asked == 0 { usize::try_from(core).ok() } else { None }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn here() -> Option<usize> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn feeding(_: RawFd) -> Option<usize> {
    None
}
