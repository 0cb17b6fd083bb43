//! Unix domain sockets and pipes.
//!
//! Where a path is taken, one that begins with a zero byte is an abstract address (Linux).
mod addr;
mod datagram;
mod halves;
mod listener;
pub mod pipe;
mod socket;
mod stream;
mod ucred;

pub use addr::SocketAddr;
pub use datagram::UnixDatagram;
pub use halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use listener::UnixListener;
pub use socket::UnixSocket;
pub use stream::UnixStream;
pub use ucred::UCred;
