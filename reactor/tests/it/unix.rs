//! Unix domain sockets.
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures::future::FutureExt;
use futures::join;
use reactor::net::{UnixDatagram, UnixListener, UnixSocket, UnixStream};

use crate::drive::both;

/// A path that nobody else has, removed when it is dropped.
struct Unique(PathBuf);

impl Unique {
    fn new() -> Unique {
        Unique(std::env::temp_dir().join(name()))
    }
}

impl Drop for Unique {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("reactor-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A path that means an abstract address.
fn abstract_path() -> String {
    format!("\0{}", name())
}

async fn echo_once(listener: &UnixListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await?;
    stream.write_all(&got).await
}

async fn ask(mut stream: UnixStream) -> io::Result<String> {
    stream.write_all(b"who is there").await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[test]
fn a_stream_echoes_by_path() {
    both(|| async {
        let path = Unique::new();
        let listener = UnixListener::bind(&path.0)?;
        assert_eq!(listener.local_addr()?.as_pathname(), Some(path.0.as_path()));
        let asking = async { ask(UnixStream::connect(&path.0).await?).await };
        let (served, answer) = join!(echo_once(&listener), asking);
        served?;
        assert_eq!(answer?, "who is there");
        assert_eq!(UnixListener::bind(&path.0).unwrap_err().kind(), ErrorKind::AddrInUse);
        Ok(())
    });
}

#[test]
fn a_stream_echoes_by_abstract_name() {
    both(|| async {
        let path = abstract_path();
        let listener = UnixListener::bind(&path)?;
        assert_eq!(listener.local_addr()?.as_abstract_name(), Some(&path.as_bytes()[1..]));
        let asking = async {
            let stream = UnixStream::connect(&path).await?;
            assert_eq!(stream.peer_addr()?.as_abstract_name(), Some(&path.as_bytes()[1..]));
            ask(stream).await
        };
        let (served, answer) = join!(echo_once(&listener), asking);
        served?;
        assert_eq!(answer?, "who is there");

        // The name goes with the socket.
        let address = listener.local_addr()?;
        drop(listener);
        let error = UnixStream::connect_addr(&address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        UnixListener::bind_addr(&address)?;
        Ok(())
    });
}

#[test]
fn who_connected_is_known() {
    both(|| async {
        let path = abstract_path();
        let listener = UnixListener::bind(&path)?;
        let _client = UnixStream::connect(&path).await?;
        let (served, peer) = std::future::poll_fn(|cx| listener.poll_accept(cx)).await?;
        assert!(peer.is_unnamed(), "{peer:?}");
        let cred = served.peer_cred()?;
        assert_eq!(cred.pid(), Some(std::process::id() as i32));
        // SAFETY: no arguments, no failure.
        assert_eq!(cred.uid(), unsafe { libc::geteuid() });
        // SAFETY: as above.
        assert_eq!(cred.gid(), unsafe { libc::getegid() });
        Ok(())
    });
}

#[test]
fn connecting_where_nobody_listens_is_an_error() {
    both(|| async {
        let path = Unique::new();
        assert_eq!(UnixStream::connect(&path.0).await.unwrap_err().kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&path.0)?);
        assert_eq!(UnixStream::connect(&path.0).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

/// A listener whose queue is full, and those who are in it.
async fn full_listener(path: &str) -> io::Result<(UnixListener, Vec<UnixStream>)> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let listener = socket.listen(1)?;
    let mut connected = Vec::new();
    loop {
        // The kernel queues one more than the backlog.
        let mut connecting = Box::pin(UnixStream::connect(path));
        match std::future::poll_fn(|cx| Poll::Ready(connecting.poll_unpin(cx))).await {
            Poll::Ready(stream) => connected.push(stream?),
            Poll::Pending => return Ok((listener, connected)),
        }
        assert!(connected.len() < 10, "the queue has a bound");
    }
}

#[test]
fn a_connect_waits_while_the_listeners_queue_is_full() {
    both(|| async {
        let path = abstract_path();
        let (listener, connected) = full_listener(&path).await?;
        let waiting = UnixStream::connect(path.clone());
        let (accepted, stream) = join!(listener.accept(), waiting);
        accepted?;
        stream?;
        let by_socket = async {
            let socket = UnixSocket::new_stream()?;
            socket.connect(&path).await
        };
        let accepting = async {
            for _ in 0..=connected.len() {
                listener.accept().await?;
            }
            io::Result::Ok(())
        };
        let (stream, accepted) = join!(by_socket, accepting);
        stream?;
        accepted
    });
}

/// Panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        std::panic::resume_unwind(Box::new("a waker that panics"));
    }
}

#[test]
fn a_waker_that_panics_costs_nobody_else_his_connect() {
    both(|| async {
        let (full, path) = (abstract_path(), abstract_path());
        let (_full, _queued) = full_listener(&full).await?;
        let (listener, mut queued) = full_listener(&path).await?;
        let mut first = Box::pin(UnixStream::connect(full));
        let waker = Waker::from(Arc::new(Panics));
        let mut second = Box::pin(UnixStream::connect(path));
        assert!(first.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        let polled = std::future::poll_fn(|cx| Poll::Ready(second.poll_unpin(cx))).await;
        assert!(polled.is_pending());
        while queued.pop().is_some() {
            listener.accept().await?;
        }
        second.await.map(drop)
    });
}

#[test]
fn streams_go_to_std_and_come_back() {
    both(|| async {
        let (one, mut other) = UnixStream::pair()?;
        let mut one = UnixStream::try_from(one.into_std()?)?;
        assert!(one.take_error()?.is_none());
        let mut buf = [0; 3];
        let (read, written) = join!(one.read_exact(&mut buf), other.write_all(b"abc"));
        read?;
        written?;
        let path = abstract_path();
        let listener = UnixListener::from_std(UnixListener::bind(&path)?.into_std()?)?;
        let (accepted, stream) = join!(listener.accept(), UnixStream::connect(&path));
        accepted?;
        stream?;
        Ok(())
    });
}

/// A read stops behind a passed descriptor, although more has come: bytes that cause no further event.
#[test]
fn a_read_cut_short_by_a_passed_descriptor_leaves_the_rest_readable() {
    both(|| async {
        let (mut one, mut other) = UnixStream::pair()?;
        // Waits, so that the socket is registered.
        let mut buf = [0; 64];
        let (read, written) = join!(other.read_exact(&mut buf[..1]), one.write_all(b"."));
        read?;
        written?;
        let one = one.into_std()?;
        let (first, second) = (b"with a descriptor", b"without");
        pass_descriptor(&one, first)?;
        io::Write::write_all(&mut &one, second)?;
        let n = other.read(&mut buf).await?;
        assert_eq!(&buf[..n], first, "the kernel does not read across it");
        let n = other.read(&mut buf).await?;
        assert_eq!(&buf[..n], second);
        Ok(())
    });
}

fn pass_descriptor(socket: &std::os::unix::net::UnixStream, bytes: &[u8]) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    let slice = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    #[repr(C, align(8))]
    struct Control([u8; 64]);
    let mut control = Control([0; 64]);
    // SAFETY: all-zero is a valid `msghdr`.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = (&raw const slice).cast_mut();
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    // SAFETY: arithmetic only.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(4) } as usize;
    // SAFETY: `message` names a control buffer that is long enough for one header.
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    // SAFETY: arithmetic only.
    let cmsg_len = unsafe { libc::CMSG_LEN(4) } as usize;
    // SAFETY: `header` points into `control`, which is aligned and long enough.
    unsafe {
        header.write(libc::cmsghdr { cmsg_len, cmsg_level: libc::SOL_SOCKET, cmsg_type: libc::SCM_RIGHTS })
    };
    // SAFETY: `header` is one of `control`, in which 4 bytes of data follow.
    let data = unsafe { libc::CMSG_DATA(header) };
    // SAFETY: as above.
    unsafe { data.cast::<i32>().write_unaligned(socket.as_raw_fd()) };
    // SAFETY: `message` points to live memory of the lengths it says.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[test]
fn datagrams_arrive_whole_and_in_order() {
    both(|| async {
        let (one, other) = UnixDatagram::pair()?;
        let mut buf = [0; 4];
        let (sent, got) = join!(one.send(b"first"), other.recv(&mut buf));
        assert_eq!((sent?, got?), (5, 4), "cut at the buffer");
        one.send(b"").await?;
        one.send(b"2nd").await?;
        assert_eq!(other.recv(&mut buf).await?, 0);
        let (n, from) = other.recv_from(&mut buf).await?;
        assert_eq!(&buf[..n], b"2nd");
        assert!(from.is_unnamed());
        assert_eq!(other.try_recv(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(one.peer_addr()?.is_unnamed());
        one.shutdown(std::net::Shutdown::Both)?;
        assert!(one.take_error()?.is_none());
        Ok(())
    });
}

#[test]
fn datagrams_go_by_path_and_by_abstract_name() {
    both(|| async {
        let (path, name) = (Unique::new(), abstract_path());
        let by_path = UnixDatagram::bind(&path.0)?;
        let by_name = UnixDatagram::bind(&name)?;
        let unbound = UnixDatagram::unbound()?;
        let mut buf = [0; 8];

        assert_eq!(by_path.send_to(b"to name", &name).await?, 7);
        let (n, from) = by_name.recv_from(&mut buf).await?;
        assert_eq!((&buf[..n], from.as_pathname()), (&b"to name"[..], Some(path.0.as_path())));

        unbound.connect(&path.0)?;
        let (got, sent) = join!(by_path.recv_from(&mut buf), unbound.send(b"to path"));
        sent?;
        let (n, from) = got?;
        assert!(from.is_unnamed());
        assert_eq!(&buf[..n], b"to path");

        by_name.writable().await?;
        assert_eq!(by_name.try_send_to(b"try", &path.0)?, 3);
        by_path.readable().await?;
        let (n, from) = by_path.try_recv_from(&mut buf)?;
        assert_eq!((n, from.as_abstract_name()), (3, Some(&name.as_bytes()[1..])));
        assert_eq!(std::future::poll_fn(|cx| by_name.poll_send_to(cx, b"poll", &path.0)).await?, 4);
        assert_eq!(std::future::poll_fn(|cx| by_path.poll_recv_from(cx, &mut buf)).await?.0, 4);

        let from_socket = UnixSocket::new_datagram()?.datagram()?;
        assert_eq!(from_socket.send_to(b"x", &path.0).await?, 1);
        let error = from_socket.send_to(b"x", "/nowhere/at/all").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        Ok(())
    });
}

/// Fills a receiver's queue; returns the sender that did.
async fn fill(path: &str) -> io::Result<(UnixDatagram, usize)> {
    let filler = UnixDatagram::unbound()?;
    let mut count = 0;
    loop {
        filler.writable().await?;
        match filler.try_send_to(b"filler", path) {
            Ok(_) => count += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok((filler, count)),
            Err(error) => return Err(error),
        }
    }
}

#[test]
fn a_sender_goes_on_when_others_filled_the_queue_and_it_is_drained() {
    both(|| async {
        let path = abstract_path();
        let receiver = UnixDatagram::bind(&path)?;
        let mut buf = [0; 16];
        for by_poll in [false, true] {
            let (_filler, count) = fill(&path).await?;
            // It has nothing of its own in the queue: the kernel will not tell it of room.
            let sender = UnixDatagram::unbound()?;
            let sending = async {
                if by_poll {
                    std::future::poll_fn(|cx| sender.poll_send_to(cx, b"late", &path)).await
                } else {
                    sender.send_to(b"late", &path).await
                }
            };
            let mut sending = Box::pin(sending);
            std::future::poll_fn(|cx| {
                assert!(sending.poll_unpin(cx).is_pending(), "the queue is full");
                Poll::Ready(())
            })
            .await;
            for _ in 0..count {
                assert_eq!(receiver.recv(&mut buf).await?, 6);
            }
            let (sent, got) = join!(sending, receiver.recv(&mut buf));
            assert_eq!((sent?, got?), (4, 4));
        }
        Ok(())
    });
}

#[test]
fn a_sender_that_waits_for_a_full_receiver_does_not_spin() {
    both(|| async {
        let path = abstract_path();
        let receiver = UnixDatagram::bind(&path)?;
        for by_poll in [false, true] {
            let (_filler, count) = fill(&path).await?;
            let sender = UnixDatagram::unbound()?;
            let sending = async {
                if by_poll {
                    std::future::poll_fn(|cx| sender.poll_send_to(cx, b"late", &path)).await
                } else {
                    sender.send_to(b"late", &path).await
                }
            };
            let mut sending = Box::pin(sending);
            let (mut polls, began) = (0, Instant::now());
            std::future::poll_fn(|cx| {
                polls += 1;
                assert!(sending.poll_unpin(cx).is_pending(), "the queue is full");
                if began.elapsed() < Duration::from_millis(300) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            // Fifty a second, and a few at first; it was 64 thousand.
            let ticks = began.elapsed().as_millis() / 20;
            assert!(polls < 50 + 2 * ticks, "{polls} polls in {ticks} ticks");
            let mut buf = [0; 16];
            for _ in 0..count {
                receiver.recv(&mut buf).await?;
            }
            let (sent, got) = join!(sending, receiver.recv(&mut buf));
            assert_eq!((sent?, got?), (4, 4));
        }
        Ok(())
    });
}

#[test]
fn a_sender_with_too_much_under_way_goes_on_when_it_is_received() {
    both(|| async {
        let path = abstract_path();
        let receiver = UnixDatagram::bind(&path)?;
        let sender = UnixDatagram::unbound()?;
        let sending = async {
            for _ in 0..64 {
                sender.send_to(&[7; 60_000], &path).await?;
            }
            io::Result::Ok(())
        };
        let receiving = async {
            let mut buf = vec![0; 60_000];
            for _ in 0..64 {
                assert_eq!(receiver.recv(&mut buf).await?, 60_000);
            }
            io::Result::Ok(())
        };
        let (sent, received) = join!(sending, receiving);
        sent?;
        received
    });
}

#[test]
fn a_connected_sender_waits_for_room() {
    both(|| async {
        let (one, other) = UnixDatagram::pair()?;
        let sending = async {
            for _ in 0..2_000 {
                one.send(&[7; 100]).await?;
            }
            io::Result::Ok(())
        };
        let receiving = async {
            let mut buf = [0; 100];
            for _ in 0..2_000 {
                assert_eq!(other.recv(&mut buf).await?, 100);
            }
            io::Result::Ok(())
        };
        let (sent, received) = join!(sending, receiving);
        sent?;
        received
    });
}
