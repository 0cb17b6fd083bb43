//! A task that blocks its worker without a word: what the other workers do meanwhile.
use std::time::Duration;

use runtime::net::{TcpListener, TcpStream};
use runtime::task::yield_now;
use runtime::time::sleep;

use crate::support::{Gate, Tally, pool, until, watchdog};

#[test]
fn tasks_queued_behind_a_task_that_blocks_are_run_by_others() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for _ in 0..20 {
        let blocker = runtime.spawn(async {
            let ran = Tally::default();
            for _ in 0..100 {
                let ran = ran.clone();
                drop(runtime::spawn(async move {
                    yield_now().await;
                    ran.add();
                }));
            }
            // The last one is in this worker's LIFO slot, and waits; the other worker takes the rest.
            until(|| ran.get() >= 99);
            ran
        });
        let ran = runtime.block_on(blocker).unwrap();
        until(|| ran.get() == 100);
    }
}

#[test]
fn sockets_and_timers_go_on_while_a_task_blocks_its_worker() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let (blocked, release) = (Gate::default(), Gate::default());
    let blocker = runtime.spawn({
        let (blocked, release) = (blocked.clone(), release.clone());
        async move {
            blocked.open();
            release.wait();
        }
    });
    blocked.wait();

    let others = runtime.spawn(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = runtime::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            while stream.read(&mut byte).await.unwrap() == 1 {
                stream.write_all(&byte).await.unwrap();
            }
        });
        let mut client = TcpStream::connect(address).await.unwrap();
        for round in 0..50 {
            sleep(Duration::from_millis(1)).await;
            let mut byte = [0];
            client.write_all(&[round]).await.unwrap();
            client.read_exact(&mut byte).await.unwrap();
            assert_eq!(byte, [round]);
        }
        drop(client);
        server.await.unwrap();
    });
    runtime.block_on(others).unwrap();

    assert!(!blocker.is_finished());
    release.open();
    runtime.block_on(blocker).unwrap();
}
