//! Receiving into a `bytes::BufMut`: tokio's `try_read_buf`, `recv_buf` and their kin.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use ::bytes::BufMut;
use socket2::SockRef;

use super::bytes::{ByteStream, ReadEnd};
use super::{TcpStream, UdpSocket, UnixDatagram, UnixStream, tcp, uninit, unix};
use crate::interest::{Direction, Interest};
use crate::sys;

/// Has `receive` write into the room that `buf` has, and adds that to `buf`.
///
/// # Safety
///
/// `receive` initialises the first bytes of what it is given, as many as it says.
unsafe fn fill<B, T>(
    buf: &mut B,
    receive: impl FnOnce(&mut [MaybeUninit<u8>]) -> io::Result<(usize, T)>,
) -> io::Result<(usize, T)>
where
    B: BufMut,
{
    // SAFETY: the slice is only passed on to be received into: nothing that is initialised becomes uninitialised.
    let room = unsafe { buf.chunk_mut().as_uninit_slice_mut() };
    let len = room.len();
    let (n, from) = receive(room)?;
    assert!(n <= len, "more was received than there was room for");
    // SAFETY: promise of the caller; and the chunk has as many bytes.
    unsafe { buf.advance_mut(n) };
    Ok((n, from))
}

fn try_read<R: ReadEnd, B: BufMut>(end: &R, buf: &mut B) -> io::Result<usize> {
    // SAFETY: promise of `recv_uninit`.
    let read = |socket: &R::Socket| unsafe { fill(buf, |room| Ok((socket.recv_uninit(room)?, ()))) };
    end.read_io().try_io(Interest::READABLE, read).map(|(n, ())| n)
}

macro_rules! readers {
    ($($type:ty),* $(,)?) => {$(
        impl $type {
            /// Reads what is there into the room that `buf` has, without waiting; zero is the end of the stream, or there was
            /// no room.
            ///
            /// # Errors
            ///
            /// As [`try_read`](Self::try_read).
            pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
                try_read(self, buf)
            }
        }
    )*};
}

readers!(TcpStream, tcp::ReadHalf<'_>, tcp::OwnedReadHalf);
readers!(UnixStream, unix::ReadHalf<'_>, unix::OwnedReadHalf, unix::pipe::Receiver);

fn recv<S: AsRawFd, B: BufMut>(socket: &S, buf: &mut B) -> io::Result<usize> {
    let receive =
        |room: &mut [MaybeUninit<u8>]| Ok((sys::socket::recv_uninit(socket.as_raw_fd(), room)?, ()));
    // SAFETY: the kernel writes as many bytes as it says.
    unsafe { fill(buf, receive) }.map(|(n, ())| n)
}

fn recv_from<B: BufMut>(socket: &std::net::UdpSocket, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
    let receive = |room: &mut [MaybeUninit<u8>]| {
        let (n, from) = SockRef::from(socket).recv_from(room)?;
        let from = from.as_socket().ok_or_else(|| io::Error::other("the sender has no IP address"))?;
        Ok((n, from))
    };
    // SAFETY: the kernel writes as many bytes as it says.
    unsafe { fill(buf, receive) }
}

fn recv_from_unix<B: BufMut>(
    socket: &std::os::unix::net::UnixDatagram,
    buf: &mut B,
) -> io::Result<(usize, unix::SocketAddr)> {
    let receive = |room: &mut [MaybeUninit<u8>]| {
        socket.recv_from(uninit::zeroed(room)).map(|(n, from)| (n, from.into()))
    };
    // SAFETY: all of it is zeroed first.
    unsafe { fill(buf, receive) }
}

macro_rules! receivers {
    ($($type:ty: $address:ty, $recv_from:ident;)*) => {$(
        impl $type {
            /// Receives a datagram into the room that `buf` has, and returns how many bytes. What there is no room for is cut
            /// off: a `Vec` makes some, but does not know how long the datagram is, so reserve as much as may come.
            ///
            /// # Errors
            ///
            /// The operating system's.
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing was received when it is dropped unresolved.
            pub async fn recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
                self.io.io(Direction::Read, |socket| recv(socket, buf)).await
            }

            /// As [`recv_buf`](Self::recv_buf), and says from where it came.
            ///
            /// # Errors
            ///
            /// The operating system's.
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing was received when it is dropped unresolved.
            pub async fn recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, $address)> {
                self.io.io(Direction::Read, |socket| $recv_from(socket, buf)).await
            }

            /// [`recv_buf`](Self::recv_buf) without waiting.
            ///
            /// # Errors
            ///
            /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when it would have to wait; otherwise the operating system's.
            pub fn try_recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
                self.io.try_io(Interest::READABLE, |socket| recv(socket, buf))
            }

            /// [`recv_buf_from`](Self::recv_buf_from) without waiting.
            ///
            /// # Errors
            ///
            /// As [`try_recv_buf`](Self::try_recv_buf).
            pub fn try_recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, $address)> {
                self.io.try_io(Interest::READABLE, |socket| $recv_from(socket, buf))
            }
        }
    )*};
}

receivers! {
    UdpSocket: SocketAddr, recv_from;
    UnixDatagram: unix::SocketAddr, recv_from_unix;
}
