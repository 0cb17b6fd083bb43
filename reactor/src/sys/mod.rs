//! System calls that std has no name for.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;

pub(crate) mod core;
#[cfg(target_os = "linux")]
pub(crate) mod epoll;
/// Reading and writing: the system calls themselves, where every kernel has them, else libc's functions of their names.
///
/// Those are places where a thread may be cancelled, and say so with two atomic operations each: 20 ns of the 175 of a read
/// in vain (glibc 2.36).
#[cfg_attr(all(target_os = "linux", target_pointer_width = "64"), path = "direct.rs")]
pub(crate) mod socket;

/// What a call says it did so much of.
#[inline]
fn counted(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// The status flags of an open file description.
pub(crate) fn flags(fd: RawFd) -> io::Result<libc::c_int> {
    // SAFETY: F_GETFL takes no argument and touches no memory; a descriptor that is not open is an error.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    if flags < 0 { Err(io::Error::last_os_error()) } else { Ok(flags) }
}

/// Whether `poll(2)` says that `fd` can be written now.
pub(crate) fn is_writable(fd: RawFd) -> bool {
    let mut asked = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: there is one, as said, and it does not wait.
    let found = unsafe { libc::poll(&raw mut asked, 1, 0) };
    found == 1 && asked.revents & libc::POLLOUT != 0
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
