//! By libc.
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::RawFd;

use super::counted;

/// Where there is no such flag the sockets of std and mio are made so that they raise none.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: libc::c_int = 0;
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: libc::c_int = libc::MSG_NOSIGNAL;

/// As `recv(2)` without flags.
pub(crate) fn recv(socket: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is as long as said.
    counted(unsafe { libc::recv(socket, buf.as_mut_ptr().cast(), buf.len(), 0) })
}

/// As [`recv`]: as many bytes as it returns are initialised.
pub(crate) fn recv_uninit(socket: RawFd, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // SAFETY: the buffer is as long as said.
    counted(unsafe { libc::recv(socket, buf.as_mut_ptr().cast(), buf.len(), 0) })
}

/// As `send(2)`, without a signal where that can be said.
pub(crate) fn send(socket: RawFd, buf: &[u8]) -> io::Result<usize> {
    // SAFETY: the buffer is as long as said.
    counted(unsafe { libc::send(socket, buf.as_ptr().cast(), buf.len(), NO_SIGNAL) })
}

/// As `writev(2)`, of as many slices as the system takes.
pub(crate) fn send_vectored(socket: RawFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let count = bufs.len().min(1024) as libc::c_int;
    // SAFETY: an `IoSlice` is an `iovec`, and there are as many as said.
    counted(unsafe { libc::writev(socket, bufs.as_ptr().cast(), count) })
}
