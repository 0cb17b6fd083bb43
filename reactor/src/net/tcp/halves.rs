use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use super::TcpStream;

stream_halves!(TcpStream, std::net::TcpStream, SocketAddr);

macro_rules! peek_methods {
    ($half:ty) => {
        impl $half {
            /// Reads what comes next into `buf` and leaves it there to be read again.
            ///
            /// # Errors
            ///
            /// The operating system's.
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing is consumed.
            pub async fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                std::future::poll_fn(|cx| self.stream.poll_peek(cx, buf)).await
            }

            /// [`peek`](Self::peek) as a poll function.
            ///
            /// # Errors
            ///
            /// The operating system's.
            pub fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
                self.stream.poll_peek(cx, buf)
            }
        }
    };
}

peek_methods!(ReadHalf<'_>);
peek_methods!(OwnedReadHalf);
