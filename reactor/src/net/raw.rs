//! Descriptors of the sockets that are neither connected nor listening yet.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use socket2::Socket;

use super::{TcpSocket, UnixSocket};

macro_rules! raw {
    ($type:ident) => {
        impl AsRawFd for $type {
            fn as_raw_fd(&self) -> RawFd {
                self.socket.as_raw_fd()
            }
        }

        impl AsFd for $type {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.socket.as_fd()
            }
        }

        impl IntoRawFd for $type {
            fn into_raw_fd(self) -> RawFd {
                self.socket.into_raw_fd()
            }
        }

        impl From<$type> for OwnedFd {
            fn from(socket: $type) -> OwnedFd {
                socket.socket.into()
            }
        }

        impl FromRawFd for $type {
            /// Takes over a socket, which must be in non-blocking mode.
            ///
            /// # Safety
            ///
            /// The descriptor must be open and belong to nobody else.
            unsafe fn from_raw_fd(fd: RawFd) -> $type {
                // SAFETY: the caller's duty is the same.
                $type { socket: unsafe { Socket::from_raw_fd(fd) } }
            }
        }
    };
}

raw!(TcpSocket);
raw!(UnixSocket);
