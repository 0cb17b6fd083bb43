//! System calls that std has no name for.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;

/// The status flags of an open file description.
pub(crate) fn flags(fd: RawFd) -> io::Result<libc::c_int> {
    // SAFETY: F_GETFL takes no argument and touches no memory; a descriptor that is not open is an error.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    if flags < 0 { Err(io::Error::last_os_error()) } else { Ok(flags) }
}

/// Whether `fd` is a regular file or a directory.
pub(crate) fn is_file(fd: RawFd) -> io::Result<bool> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the place has the size that `fstat` fills; a descriptor that is not open is an error.
    if unsafe { libc::fstat(fd, stat.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fstat` succeeded and filled it.
    let stat = unsafe { stat.assume_init() };
    Ok(matches!(stat.st_mode & libc::S_IFMT, libc::S_IFREG | libc::S_IFDIR))
}

/// Waits until `fd` is readable, for at most `timeout`.
#[cfg(target_os = "linux")]
pub(crate) fn wait_readable(fd: RawFd, timeout: std::time::Duration) -> io::Result<()> {
    let mut polled = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // SAFETY: one entry, which lives through the call, as does the time; no signal mask is given.
    let ready = unsafe { libc::ppoll(&raw mut polled, 1, &raw const timeout, std::ptr::null()) };
    if ready < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
