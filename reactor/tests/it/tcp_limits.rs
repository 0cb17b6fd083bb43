//! TCP where descriptors run out, connections are many, or nobody answers. Each in a process of its own.
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use reactor::net::{TcpListener, TcpSocket, TcpStream};

use crate::child::{alone, cpu_time, exhaust_descriptors, limit_open_files, open_files};
use crate::drive::{Watchdog, hosted, in_frame, poll_once, soak};

/// A server that only counts the errors of `accept` and tries again: it must neither spin nor be parked for ever.
async fn accept_without_descriptors() {
    const OVERLOAD: Duration = Duration::from_secs(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _client = std::net::TcpStream::connect(address).unwrap();
    // Registered, so that its reactor needs no more descriptors.
    drop(listener.accept().await.unwrap());

    let _client = std::net::TcpStream::connect(address).unwrap();
    let files = exhaust_descriptors();
    let relief = std::thread::spawn(move || {
        std::thread::sleep(OVERLOAD);
        drop(files);
        Instant::now()
    });
    let (began, cpu) = (Instant::now(), cpu_time());
    let mut refusals = 0;
    let accepted = loop {
        match listener.accept().await {
            Ok((stream, _)) => break stream,
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
                refusals += 1;
            }
        }
    };
    let share = (cpu_time() - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    let relieved = relief.join().unwrap();
    drop(accepted);
    assert!(refusals >= 1, "the error is reported");
    assert!(share < 0.05, "{share:.3} of a core, {refusals} refusals");
    assert!(relieved.elapsed() < Duration::from_secs(1), "goes on when there are descriptors again");
}

#[test]
fn accept_out_of_descriptors_reports_it_and_neither_spins_nor_stops() {
    alone("tcp_limits::accept_out_of_descriptors_reports_it_and_neither_spins_nor_stops", || {
        let _watchdog = Watchdog::new();
        limit_open_files(64);
        hosted(accept_without_descriptors());
        in_frame(accept_without_descriptors());
    });
}

#[test]
fn connecting_and_binding_out_of_descriptors_is_an_error() {
    alone("tcp_limits::connecting_and_binding_out_of_descriptors_is_an_error", || {
        let _watchdog = Watchdog::new();
        limit_open_files(64);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let files = exhaust_descriptors();
        for error in [
            hosted(TcpStream::connect(address)).unwrap_err(),
            hosted(TcpListener::bind("127.0.0.1:0")).unwrap_err(),
            in_frame(TcpStream::connect(address)).unwrap_err(),
        ] {
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
        }
        drop(files);
        hosted(TcpStream::connect(address)).unwrap();
    });
}

/// A reactor that can't be made is the error of the operation that needed it, and the socket is usable afterwards.
#[test]
fn waiting_out_of_descriptors_is_an_error_and_works_later() {
    alone("tcp_limits::waiting_out_of_descriptors_is_an_error_and_works_later", || {
        let _watchdog = Watchdog::new();
        limit_open_files(64);
        let listener = hosted(TcpListener::bind("127.0.0.1:0")).unwrap();
        let files = exhaust_descriptors();
        let error = hosted(listener.accept()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
        drop(files);
        let address = listener.local_addr().unwrap();
        let client = std::thread::spawn(move || std::net::TcpStream::connect(address).unwrap());
        hosted(listener.accept()).unwrap();
        client.join().unwrap();
    });
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buf = [0; 64];
    loop {
        match stream.read(&mut buf).await? {
            0 => return Ok(()),
            n => stream.write_all(&buf[..n]).await?,
        }
    }
}

/// All connections are open before the first one speaks.
async fn many_connections(count: usize) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(4096).unwrap();
    let address = listener.local_addr().unwrap();
    let mut echoes = FuturesUnordered::new();
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(TcpStream::connect(address).await.unwrap());
        echoes.push(echo(listener.accept().await.unwrap().0));
    }
    let mut asking: FuturesUnordered<_> = clients
        .into_iter()
        .enumerate()
        .map(async |(i, mut client)| {
            let question = (i as u64).to_le_bytes();
            client.write_all(&question).await?;
            let mut answer = [0; 8];
            client.read_exact(&mut answer).await?;
            assert_eq!(answer, question);
            client.shutdown().await?;
            assert_eq!(client.read(&mut answer).await?, 0);
            io::Result::Ok(())
        })
        .collect();
    let answered = async {
        let mut answered = 0;
        while let Some(done) = asking.next().await {
            done.unwrap();
            answered += 1;
        }
        answered
    };
    let served = async {
        while let Some(done) = echoes.next().await {
            done.unwrap();
        }
    };
    let (answered, ()) = futures::join!(answered, served);
    assert_eq!(answered, count);
}

#[test]
fn thousands_of_connections_all_echo() {
    alone("tcp_limits::thousands_of_connections_all_echo", || {
        let _watchdog = Watchdog::new();
        let limit = limit_open_files(u64::MAX);
        let count = if soak() { 9_000 } else { 200 };
        assert!(limit >= 2 * count as u64 + 64, "{limit} open files are too few for {count} connections");
        in_frame(many_connections(count));
        hosted(many_connections(count));
    });
}

/// An address where a connect neither succeeds nor fails: the listener's queue is full, so that requests are dropped.
fn deaf() -> (std::net::TcpListener, std::net::SocketAddr, Vec<socket2::Socket>) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let listener = std::net::TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let queued = (0..4)
        .map(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address.into());
            socket
        })
        .collect();
    (listener, address, queued)
}

#[test]
fn a_connect_that_is_refused_or_cancelled_leaks_nothing() {
    alone("tcp_limits::a_connect_that_is_refused_or_cancelled_leaks_nothing", || {
        let _watchdog = Watchdog::new();
        let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (_listener, deaf, _queued) = deaf();
        let both_ways = async |address| {
            let error = TcpStream::connect(refusing).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            let mut connecting = Box::pin(TcpStream::connect(address));
            std::future::poll_fn(|cx| {
                assert!(connecting.as_mut().poll(cx).is_pending(), "nobody answers");
                std::task::Poll::Ready(())
            })
            .await;
            drop(connecting);
        };
        // The reactors stay for a while, to be used again: they belong to the baseline.
        hosted(both_ways(deaf));
        in_frame(both_ways(deaf));
        let baseline = open_files();
        for _ in 0..100 {
            hosted(both_ways(deaf));
            in_frame(both_ways(deaf));
        }
        assert_eq!(open_files(), baseline);
    });
}

#[test]
fn a_cancelled_accept_takes_no_connection_along() {
    alone("tcp_limits::a_cancelled_accept_takes_no_connection_along", || {
        let _watchdog = Watchdog::new();
        let listener = hosted(TcpListener::bind("127.0.0.1:0")).unwrap();
        for _ in 0..100 {
            {
                let mut accepting = pin!(listener.accept());
                assert!(poll_once(accepting.as_mut()).is_pending());
            }
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (_served, peer) = hosted(listener.accept()).unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
    });
}
