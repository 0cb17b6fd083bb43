//! Futures of other reactors on our executors (row X2): they bring their own thread, and wake as anybody does.
use std::io::{Read as _, Write as _};
use std::net::TcpListener as StdListener;
use std::time::{Duration, Instant};

use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use runtime::{Builder, Runtime};

use crate::support::{Rng, count, pool, watchdog};

const SHORT: Duration = Duration::from_millis(2);

/// Both ends are async-io's.
async fn async_io_tcp(rounds: usize) {
    let listener = async_io::Async::<StdListener>::bind(([127, 0, 0, 1], 0)).unwrap();
    let address = listener.get_ref().local_addr().unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 64];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..length]).await.unwrap();
        }
    };
    let client = async {
        let mut stream = async_io::Async::<std::net::TcpStream>::connect(address).await.unwrap();
        for round in 0..rounds {
            let sent = [round as u8; 32];
            stream.write_all(&sent).await.unwrap();
            let mut received = [0; 32];
            stream.read_exact(&mut received).await.unwrap();
            assert_eq!(sent, received);
        }
    };
    futures::join!(server, client);
}

/// Answered by a thread that is nobody's, so that this side really waits.
async fn async_io_tcp_to_a_thread() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4];
        stream.read_exact(&mut buffer).unwrap();
        stream.write_all(&buffer).unwrap();
    });
    let mut stream = async_io::Async::<std::net::TcpStream>::connect(address).await.unwrap();
    stream.write_all(b"ping").await.unwrap();
    let mut received = [0; 4];
    stream.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"ping");
    server.join().unwrap();
}

async fn foreign_timers() {
    let begun = Instant::now();
    async_io::Timer::after(SHORT).await;
    assert!(begun.elapsed() >= SHORT);
    futures_timer::Delay::new(SHORT).await;
    assert!(begun.elapsed() >= 2 * SHORT);
    // With ours beside them.
    let ours = runtime::time::sleep(SHORT);
    futures::join!(async_io::Timer::after(SHORT), futures_timer::Delay::new(SHORT), ours);
    assert!(begun.elapsed() >= 3 * SHORT);
    // Each inside the other's.
    let inner = runtime::time::timeout(SHORT, futures_timer::Delay::new(Duration::from_secs(3600)));
    assert!(inner.await.is_err());
}

async fn everything() {
    async_io_tcp(20).await;
    async_io_tcp_to_a_thread().await;
    foreign_timers().await;
    futures::join!(async_io_tcp(20), foreign_timers());
}

fn on_tasks_and_root(runtime: &Runtime) {
    let tasks: Vec<_> = (0..count(8, 200)).map(|_| runtime.spawn(everything())).collect();
    runtime.block_on(async {
        everything().await;
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn foreign_sockets_and_timers_run_on_the_pool() {
    let _watchdog = watchdog();
    for workers in [1, 4] {
        on_tasks_and_root(&pool(workers));
    }
}

#[test]
fn foreign_sockets_and_timers_run_in_a_current_thread_runtime() {
    let _watchdog = watchdog();
    on_tasks_and_root(&Builder::new_current_thread().build().unwrap());
}

#[test]
fn foreign_sockets_and_timers_run_in_block_on() {
    let _watchdog = watchdog();
    runtime::block_on(everything());
    let runtime = pool(1);
    runtime.block_on(runtime.spawn_blocking(|| runtime::block_on(everything()))).unwrap();
}

/// A wake that comes from another reactor's thread while the workers park is not lost.
#[test]
fn no_wake_of_a_foreign_timer_is_lost() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let mut rng = Rng::new();
    for _ in 0..count(100, 10_000) {
        let pauses: Vec<_> = (0..4).map(|_| (rng.micros(1500), rng.micros(1500))).collect();
        let tasks: Vec<_> = pauses
            .into_iter()
            .map(|(first, second)| {
                runtime.spawn(async move {
                    async_io::Timer::after(first).await;
                    futures_timer::Delay::new(second).await;
                })
            })
            .collect();
        for task in tasks {
            // Not in `block_on`: the workers alone.
            futures::executor::block_on(task).unwrap();
        }
    }
}
