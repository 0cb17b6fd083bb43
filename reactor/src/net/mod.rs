//! Sockets as leaf futures: they know no executor and run under any.
//!
//! Names and semantics are those of `tokio::net`. A socket may be made anywhere, also outside of a runtime; who blocks
//! for it is decided each time it would have to wait.
//!
//! # Examples
//!
//! A server that sends back what it is sent:
//!
//! ```no_run
//! # async fn echo() -> std::io::Result<()> {
//! let listener = reactor::net::TcpListener::bind("127.0.0.1:7000").await?;
//! loop {
//!     let (mut stream, _peer) = listener.accept().await?;
//!     let mut buf = [0; 1024];
//!     loop {
//!         match stream.read(&mut buf).await? {
//!             0 => break,
//!             n => stream.write_all(&buf[..n]).await?,
//!         }
//!     }
//! }
//! # }
//! ```
#[cfg(feature = "tokio-io")]
mod buf;
mod bytes;
#[macro_use]
mod methods;
#[macro_use]
mod halves;
mod offloaded;
mod open;
#[macro_use]
mod operation;
mod pace;
mod raw;
mod resolve;
pub mod tcp;
mod traits;
mod udp;
mod uninit;
pub mod unix;

pub use resolve::{ToSocketAddrs, lookup_host};
pub use tcp::{TcpListener, TcpSocket, TcpStream};
pub use udp::UdpSocket;
pub use unix::{UnixDatagram, UnixListener, UnixSocket, UnixStream};

// A panic between two operations leaves no cell or list half changed: wakers are called with no lock held.
impl<S: std::panic::UnwindSafe> std::panic::UnwindSafe for crate::io::Io<S> {}
impl<S: std::panic::RefUnwindSafe> std::panic::RefUnwindSafe for crate::io::Io<S> {}
