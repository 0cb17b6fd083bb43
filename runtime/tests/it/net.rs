//! Sockets on the pool.
use std::io::{self, Write as _};
use std::sync::{Arc, mpsc};
use std::thread;

use runtime::Runtime;
use runtime::net::{TcpListener, TcpSocket, TcpStream, UnixStream};
use runtime::task::yield_now;
use runtime::time::{Duration, timeout};

use crate::support::{Rng, WakeCount, child, count, pool, process, soak, until, until_no_tasks, watchdog};

/// Sends back what comes, to as many as come.
async fn echo(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        drop(runtime::spawn(async move {
            let mut buffer = [0; 1024];
            loop {
                match stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => return,
                    Ok(n) => stream.write_all(&buffer[..n]).await.unwrap(),
                }
            }
        }));
    }
}

async fn read_exact(stream: &mut TcpStream, mut buffer: &mut [u8]) {
    while !buffer.is_empty() {
        let n = stream.read(buffer).await.unwrap();
        assert_ne!(n, 0, "closed early");
        buffer = &mut buffer[n..];
    }
}

async fn echoes(stream: &mut TcpStream, index: usize, rounds: usize) {
    for round in 0..rounds {
        let sent = [index as u8, (index >> 8) as u8, round as u8, 7].repeat(16);
        stream.write_all(&sent).await.unwrap();
        let mut received = [0; 64];
        read_exact(stream, &mut received).await;
        assert_eq!(received[..], sent[..]);
    }
}

/// Connections that are being made at a time: when the kernel's queue of a listener overflows it takes minutes to recover.
const CONNECTING: usize = 100;

/// All are open at the same time.
async fn many_connections(connections: usize, rounds: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = runtime::spawn(echo(listener));
    let mut streams = Vec::new();
    while streams.len() < connections {
        let clients: Vec<_> = (streams.len()..connections)
            .take(CONNECTING)
            .map(|index| {
                runtime::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    // The server has accepted it.
                    echoes(&mut stream, index, 1).await;
                    stream
                })
            })
            .collect();
        for client in clients {
            streams.push(client.await.unwrap());
        }
    }
    let clients: Vec<_> = streams
        .into_iter()
        .enumerate()
        .map(|(index, mut stream)| {
            runtime::spawn(async move {
                echoes(&mut stream, index, rounds).await;
                stream
            })
        })
        .collect();
    let mut streams = Vec::new();
    for client in clients {
        streams.push(client.await.unwrap());
    }
    drop(streams);
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
}

/// Afterwards no task and no source is left.
fn on(runtime: &Runtime, future: impl Future<Output = ()> + Send + 'static) {
    let sources = runtime.metrics().sources;
    runtime.block_on(runtime.spawn(future)).unwrap();
    until_no_tasks(runtime);
    until(|| runtime.metrics().sources == sources);
}

#[test]
fn sixty_four_connections_are_served_by_any_number_of_workers() {
    let _watchdog = watchdog();
    for workers in crate::support::WORKERS {
        on(&pool(workers), many_connections(64, count(50, 5_000)));
    }
}

#[test]
fn sixty_four_connections_are_served_by_the_thread_in_block_on() {
    let _watchdog = watchdog();
    pool(1).block_on(many_connections(64, 20));
    let sole = runtime::Builder::new_current_thread().build().unwrap();
    sole.block_on(many_connections(64, 20));
}

// R16
#[test]
fn all_of_many_loopback_connections_echo() {
    let _watchdog = watchdog();
    // Two descriptors each.
    on(&pool(2), many_connections(count(500, 9_000), 2));
}

fn checksum(sum: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(sum, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

async fn send(mut half: runtime::net::tcp::OwnedWriteHalf, bytes: usize, mut rng: Rng) -> u64 {
    let mut sum = 0;
    let mut left = bytes;
    let mut chunk = vec![0; 256 << 10];
    while left > 0 {
        let length = (1 + rng.below(chunk.len())).min(left);
        chunk[..length].fill_with(|| rng.next() as u8);
        half.write_all(&chunk[..length]).await.unwrap();
        sum = checksum(sum, &chunk[..length]);
        left -= length;
    }
    half.shutdown().await.unwrap();
    sum
}

async fn receive(mut half: runtime::net::tcp::OwnedReadHalf) -> (usize, u64) {
    let (mut bytes, mut sum) = (0, 0);
    let mut chunk = vec![0; 64 << 10];
    loop {
        match half.read(&mut chunk).await.unwrap() {
            0 => return (bytes, sum),
            n => {
                sum = checksum(sum, &chunk[..n]);
                bytes += n;
            }
        }
    }
}

// R14
#[test]
fn split_halves_carry_both_directions_unharmed() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = pool(2);
    let bytes = count(4 << 20, 1 << 30);
    let (mut near_rng, mut far_rng) = (rng.fork(), rng.fork());
    on(&runtime, async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        let (near_read, near_write) = near.into_split();
        let (far_read, far_write) = far.into_split();
        let sent = [
            runtime::spawn(send(near_write, bytes, near_rng.fork())),
            runtime::spawn(send(far_write, bytes, far_rng.fork())),
        ];
        let received = [runtime::spawn(receive(far_read)), runtime::spawn(receive(near_read))];
        for (sent, received) in sent.into_iter().zip(received) {
            let sum = sent.await.unwrap();
            assert_eq!(received.await.unwrap(), (bytes, sum));
        }
    });
}

// R20
#[test]
fn a_storm_of_wakes_writes_at_most_once_a_park() {
    let _watchdog = watchdog();
    child::run("net::a_storm_of_wakes_writes_at_most_once_a_park", || {
        if process::write_calls().is_none() {
            eprintln!("skipped: /proc/self/io does not tell");
            return;
        }
        for workers in [1, 2] {
            let runtime = pool(workers);
            // One that waits for a socket, so that parked workers wait in the driver, where a wake costs a write.
            let (theirs, ours) = std::os::unix::net::UnixStream::pair().unwrap();
            ours.set_nonblocking(true).unwrap();
            let reader = runtime.spawn(async move {
                let mut ours = UnixStream::from_std(ours).unwrap();
                ours.read(&mut [0; 1]).await.unwrap()
            });
            let (tx, rx) = mpsc::channel();
            let polls = crate::support::Tally::default();
            let counter = polls.clone();
            let woken = runtime.spawn(std::future::poll_fn(move |cx| {
                if counter.add() == 0 {
                    tx.send(cx.waker().clone()).unwrap();
                }
                std::task::Poll::<()>::Pending
            }));
            let waker = rx.recv().unwrap();
            let parks =
                |runtime: &Runtime| runtime.metrics().workers.iter().map(|worker| worker.parks).sum::<u64>();
            let (writes_before, parks_before) = (process::write_calls().unwrap(), parks(&runtime));
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..count(25_000, 2_500_000) {
                            waker.wake_by_ref();
                        }
                    });
                }
            });
            let (writes, parked) =
                (process::write_calls().unwrap() - writes_before, parks(&runtime) - parks_before);
            // Those that were parked before, and the supervisor, may each account for one more.
            assert!(writes <= parked + workers as u64 + 2, "{writes} writes, {parked} parks");
            println!("{workers} workers: {writes} writes, {parked} parks, {} polls", polls.get());
            woken.abort();
            drop(theirs);
            assert_eq!(runtime.block_on(reader).unwrap(), 0);
        }
    });
}

// R21
#[test]
fn sockets_dropped_by_a_foreign_thread_while_events_come_leave_nothing_behind() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = pool(2);
    let sources = runtime.metrics().sources;
    for _ in 0..count(200, 20_000) {
        let (mut theirs, ours) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let entered = runtime.enter();
        let mut ours = UnixStream::from_std(ours).unwrap();
        let (_, waker) = WakeCount::new();
        {
            let mut buffer = [0; 8];
            let mut read = std::pin::pin!(ours.read(&mut buffer));
            let mut cx = std::task::Context::from_waker(&waker);
            assert!(read.as_mut().poll(&mut cx).is_pending());
        }
        drop(entered);
        let mut spin = rng.fork();
        let writer = thread::spawn(move || {
            for _ in 0..10 {
                // Refused once the other end is gone.
                drop(theirs.write(&[1]));
                spin.spin(500);
            }
        });
        rng.spin(5_000);
        drop(ours);
        writer.join().unwrap();
    }
    until(|| runtime.metrics().sources == sources);
    on(&runtime, many_connections(4, 4));
}

/// A connected pair, made wherever this is polled.
async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    (near, far)
}

async fn talk(near: &mut TcpStream, far: &mut TcpStream) {
    for n in 0..10 {
        near.write_all(&[n]).await.unwrap();
        let mut byte = [0];
        assert_eq!(far.read(&mut byte).await.unwrap(), 1);
        assert_eq!(byte, [n]);
    }
}

// X5
#[test]
fn a_socket_made_in_one_runtime_goes_on_in_another_after_the_first_is_gone() {
    let _watchdog = watchdog();
    let second = pool(2);
    for _ in 0..count(20, 500) {
        let first = pool(1);
        let (mut near, mut far) = first.block_on(async {
            let (mut near, mut far) = connected().await;
            talk(&mut near, &mut far).await;
            (near, far)
        });
        let task = second.spawn(async move {
            talk(&mut near, &mut far).await;
            (near, far)
        });
        let (mut near, mut far) = second.block_on(task).unwrap();
        drop(first);
        let task = second.spawn(async move { talk(&mut near, &mut far).await });
        second.block_on(task).unwrap();
    }
}

// X5
#[test]
fn a_read_that_waits_in_another_runtime_is_not_lost_when_the_sockets_own_goes() {
    let _watchdog = watchdog();
    let second = pool(1);
    for _ in 0..count(50, 1_000) {
        let first = pool(1);
        let (mut near, mut far) = first.block_on(connected());
        let reader = second.spawn(async move {
            let mut byte = [0];
            assert_eq!(far.read(&mut byte).await.unwrap(), 1);
            byte[0]
        });
        // Polled at least once, most likely: any order is right.
        second.block_on(yield_now());
        drop(first);
        second.block_on(async { near.write_all(&[7]).await.unwrap() });
        assert_eq!(second.block_on(reader).unwrap(), 7);
    }
}

// X5
#[test]
fn a_socket_outlives_every_runtime() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let (mut near, mut far) = runtime.block_on(runtime.spawn(connected())).unwrap();
    drop(runtime);
    futures::executor::block_on(talk(&mut near, &mut far));
    runtime::block_on(talk(&mut near, &mut far));
    let read = runtime::block_on(async { timeout(Duration::from_millis(2), far.read(&mut [0; 1])).await });
    assert!(read.is_err(), "nothing to read");
}

#[test]
fn a_connection_refused_or_an_address_that_is_none_is_an_error() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    on(&runtime, async {
        // Bound, so that nobody else gets the port, and not listening.
        let bound = TcpSocket::new_v4().unwrap();
        bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = TcpStream::connect(bound.local_addr().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(TcpStream::connect("no port").await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(TcpListener::bind("no..host:80").await.is_err());
    });
}

#[test]
fn sockets_work_inside_closures_of_the_blocking_pool_and_on_threads_that_entered() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    runtime
        .block_on(runtime.spawn_blocking(|| {
            futures::executor::block_on(async {
                let (mut near, mut far) = connected().await;
                talk(&mut near, &mut far).await;
            });
        }))
        .unwrap();
    let _entered = runtime.enter();
    futures::executor::block_on(async {
        let (mut near, mut far) = connected().await;
        talk(&mut near, &mut far).await;
    });
}

#[test]
fn many_readers_and_a_writer_on_all_workers_lose_no_byte() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let pairs = 32;
    let total = count(2_000, 200_000);
    let received = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut writers = Vec::new();
    let mut readers = Vec::new();
    for _ in 0..pairs {
        let (theirs, ours) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let received = Arc::clone(&received);
        readers.push(runtime.spawn(async move {
            let mut ours = UnixStream::from_std(ours).unwrap();
            let mut buffer = [0; 3];
            loop {
                match ours.read(&mut buffer).await.unwrap() {
                    0 => return,
                    n => {
                        received.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
                    }
                }
            }
        }));
        writers.push(runtime.spawn(async move {
            let mut theirs = UnixStream::from_std(theirs).unwrap();
            for _ in 0..total {
                theirs.write_all(&[1]).await.unwrap();
            }
        }));
    }
    runtime.block_on(async {
        for task in writers.into_iter().chain(readers) {
            task.await.unwrap();
        }
    });
    assert_eq!(received.load(std::sync::atomic::Ordering::Relaxed), pairs * total);
    if soak() {
        println!("{} bytes", pairs * total);
    }
}
