//! The sockets and timers of this workspace.
use std::net::SocketAddr;
use std::time::Duration;

use runtime::net::{TcpStream, UdpSocket, UnixStream};
use runtime::time;

use super::{WAIT, waits};
use crate::peer::{MESSAGE, messages};

pub(super) async fn tcp(peer: SocketAddr) {
    let mut stream = TcpStream::connect(peer).await.expect("to connect");
    let mut answer = [0; MESSAGE];
    for message in messages() {
        stream.write_all(&message).await.expect("to write");
        stream.read_exact(&mut answer).await.expect("to read");
        assert!(answer == message, "the answer is another one");
    }
}

pub(super) async fn udp(peer: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    socket.connect(peer).await.expect("to connect");
    let mut answer = [0; MESSAGE + 1];
    for message in messages() {
        socket.send(&message).await.expect("to send");
        let length = socket.recv(&mut answer).await.expect("to receive");
        assert!(answer[..length] == message, "the answer is another one");
    }
}

pub(super) async fn unix(peer: String) {
    let mut stream = UnixStream::connect(peer).await.expect("to connect");
    let mut answer = [0; MESSAGE];
    for message in messages() {
        stream.write_all(&message).await.expect("to write");
        stream.read_exact(&mut answer).await.expect("to read");
        assert!(answer == message, "the answer is another one");
    }
}

pub(super) async fn sleep() {
    waits(|| time::sleep(WAIT)).await;
}

/// One that is met, and one that passes while a socket stays silent.
pub(super) async fn timeout(peer: SocketAddr) {
    time::timeout(Duration::from_secs(60), tcp(peer)).await.expect("an echo takes no minute");
    let mut stream = TcpStream::connect(peer).await.expect("to connect");
    let mut byte = [0];
    waits(async || {
        let answer = time::timeout(WAIT, stream.read(&mut byte)).await;
        assert!(answer.is_err(), "an answer to nothing: {answer:?}");
    })
    .await;
}
