//! Sockets in a worker's own selector, while that worker does not look there.
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runtime::Runtime;
use runtime::net::{TcpListener, TcpStream};
use runtime::task::{JoinSet, yield_now};

use crate::support::{pool_without_spares, until_no_tasks, watchdog};

/// So many that each worker has those of its own.
const CONNECTIONS: usize = 24;
/// Round trips after which both ends of a connection are where they belong.
const ROUNDS: usize = 40;
/// Round trips that are looked at.
const LATER: usize = 5;

/// Connections whose other end answers.
async fn connections() -> io::Result<Vec<TcpStream>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(TcpStream::connect(listener.local_addr()?).await?);
        let (mut served, _) = listener.accept().await?;
        drop(runtime::spawn(async move {
            let mut byte = [0];
            while served.read(&mut byte).await? == 1 {
                served.write_all(&byte).await?;
            }
            io::Result::Ok(())
        }));
    }
    Ok(clients)
}

async fn ask(client: &mut TcpStream, times: usize) -> io::Result<()> {
    for _ in 0..times {
        client.write_all(b"?").await?;
        client.read_exact(&mut [0]).await?;
    }
    Ok(())
}

/// All at once, each in a task of its own.
async fn ask_all(clients: Vec<TcpStream>, times: usize) -> Vec<TcpStream> {
    let mut asking = JoinSet::new();
    for mut client in clients {
        asking.spawn(async move {
            ask(&mut client, times).await.unwrap();
            client
        });
    }
    asking.join_all().await
}

/// In a task, since the thread in `block_on` has no selector of its own.
fn run(runtime: &Runtime, root: impl Future<Output = ()> + Send + 'static) {
    runtime.block_on(runtime.spawn(root)).unwrap();
    until_no_tasks(runtime);
}

#[test]
fn sockets_of_a_worker_inside_of_a_long_poll_are_served_by_another() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(2);
    run(&runtime, async {
        let clients = ask_all(connections().await.unwrap(), ROUNDS).await;
        let (is_inside, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let long = {
            let (is_inside, stop) = (is_inside.clone(), stop.clone());
            runtime::spawn(async move {
                is_inside.store(true, Ordering::Relaxed);
                while !stop.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            })
        };
        while !is_inside.load(Ordering::Relaxed) {
            yield_now().await;
        }
        let clients = ask_all(clients, LATER).await;
        stop.store(true, Ordering::Relaxed);
        long.await.unwrap();
        drop(clients);
    });
}

#[test]
fn sockets_of_workers_whose_queues_are_never_empty_are_served() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(2);
    run(&runtime, async {
        let clients = ask_all(connections().await.unwrap(), ROUNDS).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut yielders = JoinSet::new();
        for _ in 0..100 {
            let stop = stop.clone();
            yielders.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    yield_now().await;
                }
            });
        }
        let clients = ask_all(clients, LATER).await;
        stop.store(true, Ordering::Relaxed);
        yielders.join_all().await;
        drop(clients);
    });
}

#[test]
fn who_sleeps_is_woken_by_what_comes_to_any_workers_socket() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(2);
    run(&runtime, async {
        for mut client in ask_all(connections().await.unwrap(), ROUNDS).await {
            // Each time all are asleep but for who polls this.
            ask(&mut client, LATER).await.unwrap();
        }
    });
}
