//! The other end of a cell's sockets: plain threads that send back what they get.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener};
use std::thread;
use std::time::Duration;

/// Bytes of one message.
pub(crate) const MESSAGE: usize = 4096;
/// Messages of one cell.
pub(crate) const MESSAGES: usize = 4;
/// The peer takes its time, so that whoever reads the answer has to wait for it.
const PAUSE: Duration = Duration::from_millis(3);

/// Where the cell's echo threads listen.
pub(crate) struct Peer {
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
    /// An abstract name, with its leading zero byte.
    pub(crate) unix: String,
}

impl Peer {
    pub(crate) fn start() -> Peer {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a free TCP port");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a free UDP port");
        let name = format!("matrix-{}", std::process::id());
        let address = UnixAddr::from_abstract_name(&name).expect("a short name");
        let unix = UnixListener::bind_addr(&address).expect("a name of our own");
        let peer = Peer {
            tcp: tcp.local_addr().expect("it is bound"),
            udp: udp.local_addr().expect("it is bound"),
            unix: format!("\0{name}"),
        };
        thread::spawn(move || tcp.incoming().for_each(|stream| echo(stream.expect("a connection"))));
        thread::spawn(move || unix.incoming().for_each(|stream| echo(stream.expect("a connection"))));
        thread::spawn(move || {
            let mut message = [0; MESSAGE];
            loop {
                let (length, from) = udp.recv_from(&mut message).expect("a datagram");
                thread::sleep(PAUSE);
                udp.send_to(&message[..length], from).expect("to send it back");
            }
        });
        peer
    }
}

fn echo(mut stream: impl Read + Write) {
    let mut message = [0; MESSAGE];
    while stream.read_exact(&mut message).is_ok() {
        thread::sleep(PAUSE);
        if stream.write_all(&message).is_err() {
            return;
        }
    }
}

/// What a cell sends, no two alike.
pub(crate) fn messages() -> impl Iterator<Item = [u8; MESSAGE]> {
    (0..MESSAGES).map(|message| std::array::from_fn(|index| (index * 31 + index / 256 + message * 7) as u8))
}
