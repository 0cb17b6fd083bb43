//! Everything that waits, with what ends the wait: by the standard library, so that it depends on nobody's reactor.
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net as unix;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use runtime::io::unix::AsyncFd;
use runtime::net::unix::pipe;
use runtime::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use runtime::time::{Duration, Instant, interval_at, sleep, timeout};

/// A wait, wherever it is polled.
pub(super) type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source or a timer, and what ends a wait for it.
pub(super) struct Leaf {
    /// Starts to wait; any number of times, one after the other.
    pub(super) wait: Box<dyn Fn() -> Wait + Send>,
    /// Ends the wait. Nothing is to be done for a timer.
    pub(super) end: Box<dyn Fn() + Send>,
}

impl Leaf {
    fn new<F: Future<Output = ()> + Send + 'static>(
        wait: impl Fn() -> F + Send + 'static,
        end: impl Fn() + Send + 'static,
    ) -> Leaf {
        Leaf { wait: Box::new(move || Box::pin(wait())), end: Box::new(end) }
    }
}

/// A name, and how it is made.
type Kind = (&'static str, fn() -> Leaf);

pub(super) const KINDS: [Kind; 13] = [
    ("TcpStream read", tcp_read),
    ("TcpStream write", tcp_write),
    ("TcpListener", tcp_listener),
    ("UdpSocket", udp),
    ("UnixStream", unix_stream),
    ("UnixListener", unix_listener),
    ("UnixDatagram", unix_datagram),
    ("pipe", pipe_read),
    ("AsyncFd", async_fd),
    ("sleep", sleeping),
    ("interval", ticking),
    ("timeout over a timer", timeout_over_a_timer),
    ("timeout over a socket", timeout_over_a_socket),
];

const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// Long enough to be moved about meanwhile, most times.
const SHORT: Duration = Duration::from_millis(4);

fn tcp_pair() -> (TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind(LOCAL).unwrap();
    let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    near.set_nonblocking(true).unwrap();
    (TcpStream::from_std(near).unwrap(), far)
}

fn tcp_read() -> Leaf {
    let (near, far) = tcp_pair();
    let near = Arc::new(near);
    Leaf::new(
        move || {
            let near = Arc::clone(&near);
            async move {
                near.readable().await.unwrap();
                let mut byte = [0];
                while near.try_read(&mut byte).is_err() {
                    near.readable().await.unwrap();
                }
                assert_eq!(byte, [7]);
            }
        },
        move || (&far).write_all(&[7]).unwrap(),
    )
}

/// More than any socket's buffers.
const MUCH: usize = 8 << 20;

fn tcp_write() -> Leaf {
    let (near, far) = tcp_pair();
    let near = Arc::new(near);
    Leaf::new(
        move || {
            let near = Arc::clone(&near);
            async move {
                let bytes = vec![5; MUCH];
                let mut written = 0;
                while written < MUCH {
                    match near.try_write(&bytes[written..]) {
                        Ok(n) => written += n,
                        Err(_) => near.writable().await.unwrap(),
                    }
                }
            }
        },
        move || {
            let mut far = far.try_clone().unwrap();
            drop(thread::spawn(move || {
                let mut bytes = vec![0; 1 << 20];
                let mut received = 0;
                while received < MUCH {
                    // No more than its own: another one may read what comes after.
                    let most = bytes.len().min(MUCH - received);
                    let n = far.read(&mut bytes[..most]).unwrap();
                    assert_ne!(n, 0, "closed after {received} bytes");
                    received += n;
                }
            }));
        },
    )
}

fn tcp_listener() -> Leaf {
    let listener = std::net::TcpListener::bind(LOCAL).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = Arc::new(TcpListener::from_std(listener).unwrap());
    Leaf::new(
        move || {
            let listener = Arc::clone(&listener);
            async move { drop(listener.accept().await.unwrap()) }
        },
        move || drop(std::net::TcpStream::connect(address).unwrap()),
    )
}

fn udp() -> Leaf {
    let socket = std::net::UdpSocket::bind(LOCAL).unwrap();
    let address = socket.local_addr().unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = Arc::new(UdpSocket::from_std(socket).unwrap());
    let peer = std::net::UdpSocket::bind(LOCAL).unwrap();
    Leaf::new(
        move || {
            let socket = Arc::clone(&socket);
            async move { assert_eq!(socket.recv_from(&mut [0; 8]).await.unwrap().0, 3) }
        },
        move || assert_eq!(peer.send_to(b"abc", address).unwrap(), 3),
    )
}

fn unix_stream() -> Leaf {
    let (near, far) = unix::UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let near = Arc::new(UnixStream::from_std(near).unwrap());
    Leaf::new(
        move || {
            let near = Arc::clone(&near);
            async move {
                while near.try_read(&mut [0]).is_err() {
                    near.readable().await.unwrap();
                }
            }
        },
        move || (&far).write_all(&[7]).unwrap(),
    )
}

fn unix_listener() -> Leaf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("runtime-outlive-{}-{number}", std::process::id());
    let address = unix::SocketAddr::from_abstract_name(name).unwrap();
    let listener = unix::UnixListener::bind_addr(&address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = Arc::new(UnixListener::from_std(listener).unwrap());
    Leaf::new(
        move || {
            let listener = Arc::clone(&listener);
            async move { drop(listener.accept().await.unwrap()) }
        },
        move || drop(unix::UnixStream::connect_addr(&address).unwrap()),
    )
}

fn unix_datagram() -> Leaf {
    let (near, far) = unix::UnixDatagram::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let near = Arc::new(UnixDatagram::from_std(near).unwrap());
    Leaf::new(
        move || {
            let near = Arc::clone(&near);
            async move { assert_eq!(near.recv(&mut [0; 8]).await.unwrap(), 3) }
        },
        move || assert_eq!(far.send(b"abc").unwrap(), 3),
    )
}

fn pipe_read() -> Leaf {
    let (sender, receiver) = pipe::pipe().unwrap();
    let receiver = Arc::new(receiver);
    Leaf::new(
        move || {
            let receiver = Arc::clone(&receiver);
            async move {
                while receiver.try_read(&mut [0]).is_err() {
                    receiver.readable().await.unwrap();
                }
            }
        },
        move || assert_eq!(sender.try_write(&[7]).unwrap(), 1),
    )
}

fn async_fd() -> Leaf {
    let (near, far) = unix::UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let near = Arc::new(AsyncFd::new(near).unwrap());
    Leaf::new(
        move || {
            let near = Arc::clone(&near);
            async move {
                loop {
                    let mut guard = near.readable().await.unwrap();
                    if guard.try_io(|near| near.get_ref().read(&mut [0])).is_ok() {
                        return;
                    }
                }
            }
        },
        move || (&far).write_all(&[7]).unwrap(),
    )
}

fn sleeping() -> Leaf {
    Leaf::new(
        || {
            let deadline = Instant::now() + SHORT;
            async move {
                sleep(deadline.saturating_duration_since(Instant::now())).await;
                assert!(Instant::now() >= deadline, "early");
            }
        },
        || {},
    )
}

fn ticking() -> Leaf {
    Leaf::new(
        || {
            let deadline = Instant::now() + SHORT;
            let mut interval = interval_at(deadline, Duration::from_millis(1));
            async move {
                assert!(interval.tick().await >= deadline);
                interval.tick().await;
                assert!(Instant::now() >= deadline + Duration::from_millis(1), "early");
            }
        },
        || {},
    )
}

fn timeout_over_a_timer() -> Leaf {
    Leaf::new(
        || {
            let deadline = Instant::now() + SHORT;
            let timed = timeout(SHORT, sleep(Duration::from_secs(3600)));
            async move {
                assert!(timed.await.is_err());
                assert!(Instant::now() >= deadline, "early");
            }
        },
        || {},
    )
}

fn timeout_over_a_socket() -> Leaf {
    let Leaf { wait, end } = udp();
    Leaf::new(
        move || {
            let wait = wait();
            async move { timeout(Duration::from_secs(3600), wait).await.unwrap() }
        },
        end,
    )
}
