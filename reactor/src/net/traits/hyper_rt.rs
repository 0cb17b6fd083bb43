//! `hyper::rt::{Read, Write}`.
#![allow(unsafe_code)]

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::io::Io;
use crate::net::bytes::{self, ByteStream, ReadEnd, WriteEnd};
use crate::net::{TcpStream, UnixStream, tcp, unix};

fn poll_read<S: ByteStream>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    mut buf: ReadBufCursor<'_>,
) -> Poll<io::Result<()>> {
    // SAFETY: the slice is only passed on to be read into: nothing that is initialised becomes uninitialised.
    let room = unsafe { buf.as_mut() };
    let n = ready!(bytes::poll_read_uninit(io, cx, room))?;
    assert!(n <= buf.remaining(), "a read returned more than it was given room for");
    // SAFETY: `poll_read_uninit` has initialised the first `n` bytes of the unfilled part, which has that many.
    unsafe { buf.advance(n) };
    Poll::Ready(Ok(()))
}

macro_rules! readers {
    ($($type:ty),* $(,)?) => {$(
        impl Read for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: ReadBufCursor<'_>,
            ) -> Poll<io::Result<()>> {
                poll_read(self.read_io(), cx, buf)
            }
        }
    )*};
}

macro_rules! writers {
    ($($type:ty),* $(,)?) => {$(
        impl Write for $type {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                bytes::poll_write(self.write_io(), cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                bytes::poll_write_vectored(self.write_io(), cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.close_writing())
            }
        }
    )*};
}

readers!(TcpStream, tcp::ReadHalf<'_>, tcp::OwnedReadHalf);
readers!(UnixStream, unix::ReadHalf<'_>, unix::OwnedReadHalf, unix::pipe::Receiver);
writers!(TcpStream, tcp::WriteHalf<'_>, tcp::OwnedWriteHalf);
writers!(UnixStream, unix::WriteHalf<'_>, unix::OwnedWriteHalf, unix::pipe::Sender);
