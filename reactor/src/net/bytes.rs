//! Byte streams: the poll functions that every trait family and every inherent method stands on.
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};

use crate::interest::{Direction, Interest};
use crate::io::{Io, Progress};
use crate::sys;

/// A non-blocking descriptor that carries a stream of bytes. Each method is one system call.
pub(super) trait ByteStream: AsRawFd {
    /// Whether a read that returns less than it had room for has emptied the socket, so that the next one can wait
    /// for an event without asking first.
    ///
    /// Not so for Unix streams (a read stops behind passed descriptors, and where the sender's credentials change)
    /// nor for pipes (packet mode): there, bytes left behind would cause no further edge. On TCP a read stops at
    /// urgent data; that is known where it is reported as an event of its own.
    const SHORT_READ_DRAINS: bool;
    fn recv(&self, buf: &mut [u8]) -> io::Result<usize>;
    fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
    /// On success the first bytes of `buf`, as many as returned, are initialised.
    fn recv_uninit(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize>;
    fn send(&self, buf: &[u8]) -> io::Result<usize>;
    fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;
}

const URGENT_IS_REPORTED: bool = cfg!(any(target_os = "android", target_os = "linux"));

macro_rules! socket_stream {
    ($type:ty, drains: $drains:expr) => {
        impl ByteStream for $type {
            const SHORT_READ_DRAINS: bool = $drains;

            fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
                sys::socket::recv(self.as_raw_fd(), buf)
            }

            fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                Read::read_vectored(&mut { self }, bufs)
            }

            fn recv_uninit(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
                sys::socket::recv_uninit(self.as_raw_fd(), buf)
            }

            fn send(&self, buf: &[u8]) -> io::Result<usize> {
                sys::socket::send(self.as_raw_fd(), buf)
            }

            fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                sys::socket::send_vectored(self.as_raw_fd(), bufs)
            }
        }
    };
}

socket_stream!(std::net::TcpStream, drains: URGENT_IS_REPORTED);
socket_stream!(std::os::unix::net::UnixStream, drains: false);

impl ByteStream for std::fs::File {
    const SHORT_READ_DRAINS: bool = false;

    fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut { self }, buf)
    }

    fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Read::read_vectored(&mut { self }, bufs)
    }

    fn recv_uninit(&self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        Read::read(&mut { self }, super::uninit::zeroed(buf))
    }

    fn send(&self, buf: &[u8]) -> io::Result<usize> {
        Write::write(&mut { self }, buf)
    }

    fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Write::write_vectored(&mut { self }, bufs)
    }
}

/// Something that reads from a byte stream: the stream, or its reading half.
pub(super) trait ReadEnd {
    type Socket: ByteStream;
    fn read_io(&self) -> &Io<Self::Socket>;
}

/// Something that writes to a byte stream: the stream, or its writing half.
pub(super) trait WriteEnd {
    type Socket: ByteStream;
    fn write_io(&self) -> &Io<Self::Socket>;
    /// No more will be written: the peer reads to the end.
    fn close_writing(&mut self) -> io::Result<()>;
}

/// The kernel takes at most this many bytes, and this many slices, at a time (Linux: `MAX_RW_COUNT`, `UIO_MAXIOV`). A
/// transfer cut there is not short.
const MAX_BYTES: usize = 0x7fff_f000;
const MAX_SLICES: usize = 1024;

fn total(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.take(MAX_SLICES).fold(0, usize::saturating_add)
}

/// Whether a transfer of `n` bytes left its direction as it was. If less than `len` could be moved, the kernel's buffer
/// is drained (reading) or full (writing). The end of a stream is no such thing: it can be read again.
fn progress(n: usize, len: usize) -> Progress {
    if n > 0 && n < len.min(MAX_BYTES) { Progress::Partial } else { Progress::Full }
}

/// As [`progress`], of a read: where a short one may have another reason than that nothing is left, it says nothing.
fn read_progress<S: ByteStream>(io: &Io<S>, n: usize, len: usize) -> (usize, Progress) {
    let progress = progress(n, len);
    let drained = progress == Progress::Partial
        && S::SHORT_READ_DRAINS
        && !io.look(Interest::PRIORITY).ready.is_priority();
    (n, if drained { Progress::Partial } else { Progress::Full })
}

pub(super) fn poll_read<S: ByteStream>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    buf: &mut [u8],
) -> Poll<io::Result<usize>> {
    if buf.is_empty() {
        return Poll::Ready(Ok(0));
    }
    let len = buf.len();
    io.poll_io_partial(cx, Direction::Read, |socket| socket.recv(buf).map(|n| read_progress(io, n, len)))
}

pub(super) fn poll_read_uninit<S: ByteStream>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    buf: &mut [MaybeUninit<u8>],
) -> Poll<io::Result<usize>> {
    if buf.is_empty() {
        return Poll::Ready(Ok(0));
    }
    let len = buf.len();
    io.poll_io_partial(cx, Direction::Read, |socket| {
        socket.recv_uninit(buf).map(|n| read_progress(io, n, len))
    })
}

pub(super) fn poll_read_vectored<S: ByteStream>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    bufs: &mut [IoSliceMut<'_>],
) -> Poll<io::Result<usize>> {
    let len = total(bufs.iter().map(|buf| buf.len()));
    if len == 0 {
        return Poll::Ready(Ok(0));
    }
    io.poll_io_partial(cx, Direction::Read, |socket| {
        socket.recv_vectored(bufs).map(|n| read_progress(io, n, len))
    })
}

pub(super) fn poll_write<S: ByteStream>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    buf: &[u8],
) -> Poll<io::Result<usize>> {
    if buf.is_empty() {
        return Poll::Ready(Ok(0));
    }
    io.poll_io_partial(cx, Direction::Write, |socket| socket.send(buf).map(|n| (n, progress(n, buf.len()))))
}

pub(super) fn poll_write_vectored<S: ByteStream>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    bufs: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let len = total(bufs.iter().map(|buf| buf.len()));
    if len == 0 {
        return Poll::Ready(Ok(0));
    }
    io.poll_io_partial(cx, Direction::Write, |socket| {
        socket.send_vectored(bufs).map(|n| (n, progress(n, len)))
    })
}

/// `shutdown(2)`; a peer that is gone already is no error.
pub(super) fn shut_down<'s, S>(socket: &'s S, how: std::net::Shutdown) -> io::Result<()>
where
    socket2::SockRef<'s>: From<&'s S>,
{
    match socket2::SockRef::from(socket).shutdown(how) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_transfer_that_stopped_early_is_partial() {
        assert_eq!(progress(4, 8), Progress::Partial);
        assert_eq!(progress(8, 8), Progress::Full);
        assert_eq!(progress(0, 8), Progress::Full, "the end of the stream");
        assert_eq!(progress(MAX_BYTES, usize::MAX), Progress::Full, "cut by the kernel's limit");
    }

    #[test]
    fn slices_beyond_the_kernels_limit_do_not_count() {
        assert_eq!(total((0..2000).map(|_| 1)), MAX_SLICES);
        assert_eq!(total([usize::MAX, 2].into_iter()), usize::MAX);
    }
}
