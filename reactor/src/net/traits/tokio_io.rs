//! `tokio::io::{AsyncRead, AsyncWrite}`. Only tokio's traits are used, no tokio runtime.
#![allow(unsafe_code)]

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::io::Io;
use crate::net::bytes::{self, ByteStream, ReadEnd, WriteEnd};
use crate::net::{TcpStream, UnixStream, tcp, unix};

fn poll_read<S: ByteStream>(io: &Io<S>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    // SAFETY: the slice is only passed on to be read into: nothing that is initialised becomes uninitialised.
    let room = unsafe { buf.unfilled_mut() };
    let n = ready!(bytes::poll_read_uninit(io, cx, room))?;
    // SAFETY: `poll_read_uninit` has initialised the first `n` bytes of the unfilled part.
    unsafe { buf.assume_init(n) };
    buf.advance(n);
    Poll::Ready(Ok(()))
}

macro_rules! readers {
    ($($type:ty),* $(,)?) => {$(
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                poll_read(self.read_io(), cx, buf)
            }
        }
    )*};
}

macro_rules! writers {
    ($($type:ty),* $(,)?) => {$(
        impl AsyncWrite for $type {
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
