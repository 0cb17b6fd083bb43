//! TCP listener and stream.
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Write};
use std::os::fd::{FromRawFd, IntoRawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::join;
use futures::task::AtomicWaker;
use reactor::net::{TcpListener, TcpSocket, TcpStream};
use reactor::{Interest, Ready};

use crate::drive::both;

/// Two connected ends.
pub(crate) async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (served, peer) = listener.accept().await?;
    assert_eq!(peer, client.local_addr()?);
    Ok((client, served))
}

#[test]
fn partial_reads_go_on_until_nothing_is_left() {
    both(|| async {
        let (mut client, mut served) = pair().await?;
        for round in 0..3_u8 {
            let sent: Vec<u8> = (0..10_000).map(|i| (i % 251) as u8 ^ round).collect();
            client.write_all(&sent).await?;
            let mut got = Vec::new();
            let mut buf = [0; 7];
            while got.len() < sent.len() {
                let n = served.read(&mut buf).await?;
                assert_ne!(n, 0);
                got.extend_from_slice(&buf[..n]);
            }
            assert_eq!(got, sent);
            assert_eq!(served.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        }
        Ok(())
    });
}

#[test]
fn what_comes_after_a_short_read_is_seen() {
    both(|| async {
        let (mut client, mut served) = pair().await?;
        let mut buf = [0; 64];
        for i in 0..100_u8 {
            client.write_all(&[i]).await?;
            assert_eq!(served.read(&mut buf).await?, 1);
            assert_eq!(buf[0], i);
        }
        drop(client);
        assert_eq!(served.read(&mut buf).await?, 0);
        assert_eq!(served.read(&mut buf).await?, 0, "the end stays");
        Ok(())
    });
}

#[test]
fn data_and_the_end_in_one_event_are_both_seen() {
    both(|| async {
        let (mut client, mut served) = pair().await?;
        let mut buf = [0; 64];
        let waiting = async {
            let n = served.read(&mut buf).await?;
            let end = served.read(&mut [0; 64]).await?;
            io::Result::Ok((n, end))
        };
        let closing = async {
            client.write_all(b"last words").await?;
            client.shutdown().await
        };
        let (read, closed) = join!(waiting, closing);
        closed?;
        assert_eq!(read?, (10, 0));
        Ok(())
    });
}

/// Polls a future only when it was woken, as an executor would that gave it a task of its own.
struct Counted<F> {
    future: F,
    alarm: Arc<Alarm>,
    polls: usize,
}

struct Alarm {
    rung: AtomicBool,
    outer: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.outer.wake();
    }
}

impl<F: Future + Unpin> Counted<F> {
    fn new(future: F) -> Counted<F> {
        let alarm = Alarm { rung: AtomicBool::new(true), outer: AtomicWaker::new() };
        Counted { future, alarm: Arc::new(alarm), polls: 0 }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.alarm.outer.register(cx.waker());
        if !self.alarm.rung.swap(false, Ordering::Acquire) {
            return Poll::Pending;
        }
        self.polls += 1;
        Pin::new(&mut self.future).poll(&mut Context::from_waker(&Waker::from(Arc::clone(&self.alarm))))
    }
}

#[test]
fn a_reader_is_polled_no_more_often_than_something_arrives() {
    const WRITES: usize = 2_000;
    both(|| async {
        let (client, mut served) = pair().await?;
        let mut client = client.into_std()?;
        let flood = std::thread::spawn(move || {
            for _ in 0..WRITES {
                client.write_all(b"x").unwrap();
            }
        });
        let mut reading = Counted::new(Box::pin(async {
            let mut got = 0;
            let mut buf = [0; 16];
            loop {
                match served.read(&mut buf).await? {
                    0 => return io::Result::Ok(got),
                    n => got += n,
                }
            }
        }));
        assert_eq!(std::future::poll_fn(|cx| reading.poll(cx)).await?, WRITES);
        flood.join().unwrap();
        // Each write causes one event at most, and so does the end.
        assert!(reading.polls <= WRITES + 1 + 2, "{} polls for {WRITES} writes", reading.polls);
        Ok(())
    });
}

#[test]
fn events_of_the_writing_direction_do_not_poll_the_reader() {
    both(|| async {
        let (mut client, served) = pair().await?;
        let (mut read, mut write) = served.into_split();
        let mut reading = Counted::new(Box::pin(async {
            let mut buf = [0; 1];
            read.read(&mut buf).await
        }));
        // Fills its buffer and is drained again and again, while the reader waits.
        let flood = async {
            write.write_all(&vec![0; 8 << 20]).await?;
            write.shutdown().await
        };
        let draining = async {
            client.read_to_end(&mut Vec::new()).await?;
            client.write_all(b"x").await
        };
        let (read, flooded, drained) = join!(std::future::poll_fn(|cx| reading.poll(cx)), flood, draining);
        flooded?;
        drained?;
        assert_eq!(read?, 1);
        assert!(reading.polls <= 1 + 2, "{} polls for one byte", reading.polls);
        Ok(())
    });
}

#[test]
fn writes_wait_for_room_and_go_on() {
    both(|| async {
        let (mut client, mut served) = pair().await?;
        let sent = vec![7; 8 << 20];
        let writing = async {
            client.write_all(&sent).await?;
            client.shutdown().await
        };
        let mut got = Vec::new();
        let (written, read) = join!(writing, served.read_to_end(&mut got));
        written?;
        assert_eq!(read?, sent.len());
        assert!(got == sent);
        Ok(())
    });
}

#[test]
fn slices_are_gathered_and_scattered() {
    both(|| async {
        let (mut client, mut served) = pair().await?;
        let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(client.write_vectored(&parts).await?, 6);
        assert_eq!(client.write_vectored(&[]).await?, 0);
        served.readable().await?;
        let (mut one, mut two) = ([0; 4], [0; 4]);
        let n = served.read_vectored(&mut [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)]).await?;
        assert_eq!((n, &one, &two[..2]), (6, b"onet", &b"wo"[..]));

        // More slices than the kernel takes at a time: what is cut off is no sign of a full buffer.
        let byte = [1];
        let many = vec![IoSlice::new(&byte); 3_000];
        let mut left = many.as_slice();
        while !left.is_empty() {
            left = &left[client.write_vectored(left).await?..];
        }
        let mut got = vec![0; 3_000];
        served.read_exact(&mut got).await?;
        Ok(())
    });
}

#[test]
fn reading_into_nothing_is_ready_and_reading_exactly_reports_the_end() {
    both(|| async {
        let (mut client, mut served) = pair().await?;
        assert_eq!(served.read(&mut []).await?, 0);
        client.write_all(b"abc").await?;
        client.flush().await?;
        client.shutdown().await?;
        client.shutdown().await?;
        let mut buf = [0; 3];
        assert_eq!(served.read_exact(&mut buf[..2]).await?, 2);
        assert_eq!(served.read_exact(&mut buf).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        Ok(())
    });
}

#[test]
fn text_is_checked() {
    both(|| async {
        let (mut client, mut served) = pair().await?;
        client.write_all("grüß dich".as_bytes()).await?;
        client.shutdown().await?;
        let mut text = String::from("> ");
        assert_eq!(served.read_to_string(&mut text).await?, 11);
        assert_eq!(text, "> grüß dich");

        served.write_all(&[0xff]).await?;
        drop(served);
        let error = client.read_to_string(&mut text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(text, "> grüß dich");
        Ok(())
    });
}

#[test]
fn peeking_consumes_nothing() {
    both(|| async {
        let (mut client, mut served) = pair().await?;
        let mut buf = [0; 8];
        let (peeked, written) = join!(served.peek(&mut buf), client.write_all(b"peek"));
        written?;
        assert_eq!(peeked?, 4);
        let again = std::future::poll_fn(|cx| served.poll_peek(cx, &mut buf)).await?;
        assert_eq!(&buf[..again], b"peek");
        assert_eq!(served.read(&mut buf).await?, 4);
        Ok(())
    });
}

#[test]
fn readiness_tells_what_may_be_done_without_waiting() {
    both(|| async {
        let (mut client, served) = pair().await?;
        let ready = served.ready(Interest::READABLE | Interest::WRITABLE).await?;
        assert!(ready.is_writable());
        let mut buf = [0; 8];
        assert_eq!(served.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);

        let (readable, written) = join!(served.readable(), client.write_all(b"now"));
        written?;
        readable?;
        assert_eq!(served.try_read(&mut buf)?, 3);
        assert_eq!(served.try_write(b"back")?, 4);
        assert_eq!(served.try_write_vectored(&[IoSlice::new(b"!")])?, 1);
        client.read_exact(&mut buf[..5]).await?;
        assert_eq!(&buf[..5], b"back!");

        std::future::poll_fn(|cx| served.poll_write_ready(cx)).await?;
        drop(client);
        std::future::poll_fn(|cx| served.poll_read_ready(cx)).await?;
        // That of the data read above may still be there: used up, what comes next is news.
        let used_up =
            served.try_io(Interest::READABLE, || io::Result::<()>::Err(ErrorKind::WouldBlock.into()));
        used_up.unwrap_err();
        let ready: Ready = served.ready(Interest::READABLE).await?;
        assert!(ready.is_read_closed(), "{ready:?}");
        Ok(())
    });
}

#[test]
fn the_users_own_operation_is_repeated_until_it_does_not_block() {
    both(|| async {
        let (mut client, served) = pair().await?;
        let mut tries = 0;
        let own = served.async_io(Interest::READABLE, || {
            tries += 1;
            let mut buf = [std::mem::MaybeUninit::uninit(); 8];
            socket2::SockRef::from(&served).recv(&mut buf)
        });
        let (got, written) = join!(own, client.write_all(b"own"));
        written?;
        assert_eq!(got?, 3);
        assert!(tries >= 1);
        let error =
            served.try_io(Interest::READABLE, || -> io::Result<()> { Err(ErrorKind::WouldBlock.into()) });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::WouldBlock);
        Ok(())
    });
}

#[test]
fn several_tasks_may_accept() {
    both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let connecting = async {
            let one = TcpStream::connect(address).await?;
            let two = TcpStream::connect(address).await?;
            io::Result::Ok((one, two))
        };
        let (first, second, clients) = join!(listener.accept(), listener.accept(), connecting);
        let (one, two) = clients?;
        let mut peers = [first?.1.port(), second?.1.port()];
        let mut expected = [one.local_addr()?.port(), two.local_addr()?.port()];
        peers.sort_unstable();
        expected.sort_unstable();
        assert_eq!(peers, expected);
        Ok(())
    });
}

#[test]
fn accepting_works_as_a_poll_function() {
    both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let accepting = std::future::poll_fn(|cx| listener.poll_accept(cx));
        let (accepted, client) = join!(accepting, TcpStream::connect(listener.local_addr()?));
        assert_eq!(accepted?.1, client?.local_addr()?);
        Ok(())
    });
}

#[test]
fn sockets_go_to_std_and_come_back() {
    both(|| async {
        let (client, mut served) = pair().await?;
        // Has been registered before it goes.
        served.write_all(b"x").await?;
        client.readable().await?;
        let client = client.into_std()?;
        let mut client = TcpStream::try_from(client)?;
        let mut buf = [0; 1];
        client.read_exact(&mut buf).await?;

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener.into_std()?)?;
        let (accepted, connected) = join!(listener.accept(), TcpStream::connect(address));
        accepted?;
        connected?;
        Ok(())
    });
}

#[test]
fn options_are_set() {
    both(|| async {
        let (client, _served) = pair().await?;
        client.set_nodelay(true)?;
        assert!(client.nodelay()?);
        client.set_quickack(true)?;
        client.quickack()?;
        client.set_ttl(17)?;
        assert_eq!(client.ttl()?, 17);
        client.set_linger(Some(Duration::from_secs(3)))?;
        assert_eq!(client.linger()?, Some(Duration::from_secs(3)));
        client.set_zero_linger()?;
        assert_eq!(client.linger()?, Some(Duration::ZERO));
        assert!(client.take_error()?.is_none());

        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        socket.set_keepalive(true)?;
        socket.set_nodelay(true)?;
        socket.set_tos_v4(16)?;
        socket.set_send_buffer_size(64 << 10)?;
        socket.set_recv_buffer_size(64 << 10)?;
        assert!(socket.reuseaddr()? && socket.reuseport()? && socket.keepalive()? && socket.nodelay()?);
        assert_eq!(socket.tos_v4()?, 16);
        assert!(socket.send_buffer_size()? >= 64 << 10 && socket.recv_buffer_size()? >= 64 << 10);
        assert_eq!(socket.linger()?, None);
        socket.bind("127.0.0.1:0".parse().unwrap())?;
        let bound = socket.local_addr()?;
        let listener = socket.listen(16)?;
        assert_eq!(listener.local_addr()?, bound);
        listener.set_ttl(19)?;
        assert_eq!(listener.ttl()?, 19);

        // SAFETY: the descriptor is given up by one socket and taken over by the other.
        let socket = unsafe { TcpSocket::from_raw_fd(TcpSocket::new_v4()?.into_raw_fd()) };
        let (stream, accepted) = join!(socket.connect(bound), listener.accept());
        assert_eq!(stream?.peer_addr()?, bound);
        let std = accepted?.0.into_std()?;
        assert!(TcpSocket::from_std_stream(std).take_error()?.is_none());
        Ok(())
    });
}

#[test]
fn ipv6_works() {
    both(|| async {
        let Ok(listener) = TcpListener::bind("[::1]:0").await else {
            return Ok(()); // The machine has none.
        };
        let address = listener.local_addr()?;
        let (accepted, connected) = join!(listener.accept(), TcpSocket::new_v6()?.connect(address));
        assert_eq!(connected?.local_addr()?, accepted?.1);
        Ok(())
    });
}

#[test]
fn connecting_to_a_port_that_nobody_listens_on_is_refused() {
    both(|| async {
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let error = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
        Ok(())
    });
}

#[test]
fn each_address_is_tried_in_turn() {
    both(|| async {
        let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let listener = TcpListener::bind(&[nobody, nobody][..]).await?;
        assert_eq!(listener.local_addr()?, nobody);
        let dead = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let stream = TcpStream::connect(&[dead, listener.local_addr()?][..]).await?;
        assert_eq!(stream.peer_addr()?, listener.local_addr()?);
        Ok(())
    });
}

#[test]
fn debug_names_the_type_and_the_descriptor() {
    both(|| async {
        let (client, _served) = pair().await?;
        let text = format!("{client:?}");
        assert!(text.starts_with("TcpStream") && text.contains("fd"), "{text}");
        Ok(())
    });
}

#[test]
fn a_reset_is_an_error_of_both_directions() {
    both(|| async {
        let (mut client, served) = pair().await?;
        served.set_zero_linger()?;
        drop(served);
        let error = client.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let error = client.write_all(&[0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        client.writable().await?;
        client.readable().await
    });
}

/// A read stops before and behind an urgent byte, although more has come: bytes that cause no further event.
#[test]
fn a_read_cut_short_by_urgent_data_leaves_the_rest_readable() {
    both(|| async {
        let (client, mut served) = pair().await?;
        let client = client.into_std()?;
        let sender = socket2::SockRef::from(&client);
        let mut buf = [0; 64];
        for _ in 0..10 {
            // Waits, so that the socket is registered and all of it comes in one event.
            let sending = async {
                sender.send(b"before")?;
                sender.send_out_of_band(b"!")?;
                sender.send(b"behind")
            };
            let mut got = Vec::new();
            let reading = async {
                while got.len() < 12 {
                    let n = served.read(&mut buf).await?;
                    got.extend_from_slice(&buf[..n]);
                }
                io::Result::Ok(())
            };
            let (read, sent) = join!(reading, sending);
            sent?;
            read?;
            assert_eq!(got, b"beforebehind");
        }
        Ok(())
    });
}
