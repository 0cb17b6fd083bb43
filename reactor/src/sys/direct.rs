//! By `syscall(2)`.
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr;

use super::counted;

/// As `recv(2)` without flags.
#[inline]
pub(crate) fn recv(socket: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is as long as said; the kernel writes initialised bytes.
    unsafe { recv_into(socket, buf.as_mut_ptr(), buf.len()) }
}

/// As [`recv`]: as many bytes as it returns are initialised.
#[inline]
pub(crate) fn recv_uninit(socket: RawFd, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // SAFETY: the buffer is as long as said.
    unsafe { recv_into(socket, buf.as_mut_ptr().cast(), buf.len()) }
}

/// # Safety
///
/// `len` bytes from `buf` may be written.
#[inline]
unsafe fn recv_into(socket: RawFd, buf: *mut u8, len: usize) -> io::Result<usize> {
    let nobody = ptr::null::<libc::c_void>();
    // SAFETY: the caller's promise; no address is asked for.
    counted(unsafe { libc::syscall(libc::SYS_recvfrom, socket, buf, len, 0, nobody, nobody) } as isize)
}

/// As `send(2)`, without a signal.
#[inline]
pub(crate) fn send(socket: RawFd, buf: &[u8]) -> io::Result<usize> {
    let (nobody, flags) = (ptr::null::<libc::c_void>(), libc::MSG_NOSIGNAL);
    // SAFETY: the buffer is as long as said; no address is given.
    counted(
        unsafe { libc::syscall(libc::SYS_sendto, socket, buf.as_ptr(), buf.len(), flags, nobody, 0usize) }
            as isize,
    )
}

/// As `writev(2)`, of as many slices as the kernel takes.
#[inline]
pub(crate) fn send_vectored(socket: RawFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let count = bufs.len().min(libc::UIO_MAXIOV as usize);
    // SAFETY: an `IoSlice` is an `iovec`, and there are as many as said.
    counted(unsafe { libc::syscall(libc::SYS_writev, socket, bufs.as_ptr(), count) } as isize)
}
