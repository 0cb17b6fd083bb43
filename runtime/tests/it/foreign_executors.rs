//! Our sockets and timers under executors that know nothing of them (row X1), and the threads that this takes.
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use runtime::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use runtime::time;

use crate::support::{Tally, child, process, watchdog};

const SHORT: Duration = Duration::from_millis(2);

/// Bodies at a time under executors that have tasks.
const TASKS: usize = 8;

type Body = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 64];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..length]).await.unwrap();
        }
    };
    let client = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        for round in 0..20_u8 {
            stream.write_all(&[round; 16]).await.unwrap();
            let mut received = Vec::new();
            while received.len() < 16 {
                let mut buffer = [0; 16];
                let length = stream.read(&mut buffer).await.unwrap();
                assert_ne!(length, 0);
                received.extend_from_slice(&buffer[..length]);
            }
            assert_eq!(received, [round; 16]);
        }
    };
    futures::join!(server, client);
}

async fn udp() {
    let (one, other) =
        (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let (here, there) = (one.local_addr().unwrap(), other.local_addr().unwrap());
    let answer = async {
        let mut buffer = [0; 16];
        let (length, from) = other.recv_from(&mut buffer).await.unwrap();
        assert_eq!(from, here);
        other.send_to(&buffer[..length], from).await.unwrap();
    };
    let ask = async {
        let mut buffer = [0; 16];
        one.send_to(b"datagram", there).await.unwrap();
        let (length, _) = one.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], b"datagram");
    };
    futures::join!(answer, ask);
}

async fn unix() {
    let (mut one, mut other) = UnixStream::pair().unwrap();
    let answer = async {
        let mut buffer = [0; 8];
        let length = other.read(&mut buffer).await.unwrap();
        other.write_all(&buffer[..length]).await.unwrap();
    };
    let ask = async {
        // The other side waits by now.
        time::sleep(SHORT).await;
        one.write_all(b"unix").await.unwrap();
        let mut buffer = [0; 8];
        let length = one.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], b"unix");
    };
    futures::join!(answer, ask);
}

async fn timers() {
    let begun = Instant::now();
    time::sleep(SHORT).await;
    assert!(begun.elapsed() >= SHORT);
    assert!(time::timeout(SHORT, std::future::pending::<()>()).await.is_err());
    let mut interval = time::interval(SHORT);
    for _ in 0..3 {
        interval.tick().await;
    }
    assert!(begun.elapsed() >= 4 * SHORT);
}

/// All of it, in turn and at a time; then a look at the threads.
async fn everything(done: Tally) {
    tcp().await;
    udp().await;
    unix().await;
    timers().await;
    futures::join!(tcp(), udp(), unix(), timers());
    let names = process::thread_names();
    let of = |suffix: &str| names.iter().filter(|name| name.ends_with(suffix)).count();
    assert!(
        of("/driver") <= 1 && of("/time") <= 1,
        "at most one thread for sockets and one for timers: {names:?}"
    );
    done.add();
}

/// Whether an executor's own threads end with it.
#[derive(PartialEq, Eq)]
enum Threads {
    End,
    Stay,
}

/// Runs the bodies under `run`, in a child: threads are the process's.
fn under(test: &str, bodies: usize, threads: Threads, run: impl FnOnce(Vec<Body>)) {
    child::run(&format!("foreign_executors::{test}"), || {
        let _watchdog = watchdog();
        let before = process::threads();
        let done = Tally::default();
        run((0..bodies).map(|_| Box::pin(everything(done.clone())) as Body).collect());
        assert_eq!(done.get(), bodies);
        // What is left is ours, and waits for somebody who needs it again.
        if threads == Threads::End {
            assert!(process::threads() <= before + 2, "{:?}", process::thread_names());
        }
    });
}

#[test]
fn under_tokio_with_workers() {
    under("under_tokio_with_workers", TASKS, Threads::End, |bodies| {
        // Without tokio's own I/O and timers.
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let tasks: Vec<_> = bodies.into_iter().map(|body| tokio.spawn(body)).collect();
        tokio.block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
}

#[test]
fn under_tokio_on_one_thread() {
    under("under_tokio_on_one_thread", TASKS, Threads::End, |bodies| {
        let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let tasks: Vec<_> = bodies.into_iter().map(|body| tokio.spawn(body)).collect();
        tokio.block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
}

#[test]
fn under_smol() {
    // Its threads stay.
    under("under_smol", TASKS, Threads::Stay, |bodies| {
        let tasks: Vec<_> = bodies.into_iter().map(smol::spawn).collect();
        smol::block_on(futures::future::join_all(tasks));
    });
}

#[test]
fn under_the_thread_pool_of_futures() {
    under("under_the_thread_pool_of_futures", TASKS, Threads::Stay, |bodies| {
        use futures::task::SpawnExt as _;
        let pool = futures::executor::ThreadPool::builder().pool_size(2).create().unwrap();
        let tasks = bodies.into_iter().map(|body| pool.spawn_with_handle(body).unwrap());
        futures::executor::block_on(futures::future::join_all(tasks));
    });
}

#[test]
fn under_block_on_of_futures() {
    under("under_block_on_of_futures", 1, Threads::End, |bodies| {
        bodies.into_iter().for_each(futures::executor::block_on);
    });
}

#[test]
fn under_a_local_pool_of_futures() {
    under("under_a_local_pool_of_futures", TASKS, Threads::End, |bodies| {
        use futures::task::SpawnExt as _;
        let mut pool = futures::executor::LocalPool::new();
        for body in bodies {
            pool.spawner().spawn(body).unwrap();
        }
        pool.run();
    });
}

#[test]
fn under_pollster() {
    under("under_pollster", 1, Threads::End, |bodies| bodies.into_iter().for_each(pollster::block_on));
}

#[test]
fn under_all_of_them_at_a_time() {
    under("under_all_of_them_at_a_time", 6, Threads::Stay, |mut bodies| {
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let spawned = tokio.spawn(bodies.pop().unwrap());
        let smol = smol::spawn(bodies.pop().unwrap());
        let ours = runtime::Runtime::builder().worker_threads(2).build().unwrap();
        let task = ours.spawn(bodies.pop().unwrap());
        let threads = [
            std::thread::spawn({
                let body = bodies.pop().unwrap();
                || pollster::block_on(body)
            }),
            std::thread::spawn({
                let body = bodies.pop().unwrap();
                || futures::executor::block_on(body)
            }),
            std::thread::spawn({
                let body = bodies.pop().unwrap();
                || runtime::block_on(body)
            }),
        ];
        tokio.block_on(spawned).unwrap();
        smol::block_on(smol);
        ours.block_on(task).unwrap();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
