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
