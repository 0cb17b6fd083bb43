//! The small executor and the small reactor of the examples.
#[path = "../../examples/small/executor.rs"]
pub(crate) mod executor;
#[path = "../../examples/small/timerfd.rs"]
pub(crate) mod timerfd;

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::support::watchdog;

const TEN: Duration = Duration::from_millis(10);

#[test]
fn a_vec_of_futures_woken_from_anywhere_runs_to_its_end() {
    let _watchdog = watchdog();
    let start = Instant::now();
    let done = Cell::new(0);
    let (sender, receiver) = futures::channel::oneshot::channel();
    executor::run(vec![
        Box::pin(async {
            timerfd::sleep(TEN).await.unwrap();
            sender.send(()).unwrap();
            done.set(done.get() + 1);
        }),
        Box::pin(async {
            receiver.await.unwrap();
            done.set(done.get() + 1);
        }),
        Box::pin(async {
            futures::future::join_all((0..10).map(|_| timerfd::sleep(TEN))).await;
            done.set(done.get() + 1);
        }),
    ]);
    assert_eq!(done.get(), 3);
    assert!(start.elapsed() >= TEN);
}

#[test]
fn many_executors_share_one_reactor() {
    let _watchdog = watchdog();
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            std::thread::spawn(move || {
                for _ in 0..20 {
                    let start = Instant::now();
                    let sleep = timerfd::sleep(TEN / 10);
                    if thread % 2 == 0 {
                        executor::run(vec![Box::pin(async { sleep.await.unwrap() })]);
                    } else {
                        futures::executor::block_on(sleep).unwrap();
                    }
                    assert!(start.elapsed() >= TEN / 10);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_sleep_that_is_dropped_leaves_nothing() {
    let _watchdog = watchdog();
    executor::run(vec![Box::pin(async {
        let long = timerfd::sleep(Duration::from_secs(3600));
        let short = timerfd::sleep(TEN);
        futures::future::select(long, short).await;
    })]);
}
