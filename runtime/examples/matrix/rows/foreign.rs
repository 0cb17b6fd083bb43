//! Sockets and timers of others.
use std::net::{SocketAddr, TcpStream};

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{WAIT, waits};
use crate::peer::{MESSAGE, messages};

pub(super) async fn tokio_tcp(peer: SocketAddr) {
    let mut stream = tokio::net::TcpStream::connect(peer).await.expect("to connect");
    let mut answer = [0; MESSAGE];
    for message in messages() {
        stream.write_all(&message).await.expect("to write");
        stream.read_exact(&mut answer).await.expect("to read");
        assert!(answer == message, "the answer is another one");
    }
}

pub(super) async fn tokio_sleep() {
    waits(|| tokio::time::sleep(WAIT)).await;
}

pub(super) async fn async_io_tcp(peer: SocketAddr) {
    let mut stream = async_io::Async::<TcpStream>::connect(peer).await.expect("to connect");
    let mut answer = [0; MESSAGE];
    for message in messages() {
        stream.write_all(&message).await.expect("to write");
        stream.read_exact(&mut answer).await.expect("to read");
        assert!(answer == message, "the answer is another one");
    }
}

pub(super) async fn async_io_timer() {
    waits(|| async_io::Timer::after(WAIT)).await;
}

pub(super) async fn futures_timer() {
    waits(|| futures_timer::Delay::new(WAIT)).await;
}
