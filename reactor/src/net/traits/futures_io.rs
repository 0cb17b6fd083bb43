//! `futures_io::{AsyncRead, AsyncWrite}`.
use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::net::bytes::{self, ReadEnd, WriteEnd};
use crate::net::{TcpStream, UnixStream, tcp, unix};

macro_rules! readers {
    ($($type:ty),* $(,)?) => {$(
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                bytes::poll_read(self.read_io(), cx, buf)
            }

            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                bytes::poll_read_vectored(self.read_io(), cx, bufs)
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

            fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_close(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.close_writing())
            }
        }
    )*};
}

readers!(TcpStream, tcp::ReadHalf<'_>, tcp::OwnedReadHalf);
readers!(UnixStream, unix::ReadHalf<'_>, unix::OwnedReadHalf, unix::pipe::Receiver);
writers!(TcpStream, tcp::WriteHalf<'_>, tcp::OwnedWriteHalf);
writers!(UnixStream, unix::WriteHalf<'_>, unix::OwnedWriteHalf, unix::pipe::Sender);
