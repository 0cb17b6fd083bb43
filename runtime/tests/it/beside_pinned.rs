//! What is ready beside a pinned task is told of to others: that one may wait for it.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::{task, time};

use crate::support::{count, pool_without_supervisor, until, watchdog};

#[test]
fn a_task_that_one_turn_wakes_beside_a_pinned_one_is_run_while_that_waits_for_it() {
    let _watchdog = watchdog();
    let runtime = pool_without_supervisor(2);
    for _ in 0..count(40, 2_000) {
        let ran = Arc::new(AtomicBool::new(false));
        let at = time::Instant::now() + Duration::from_millis(5);
        let see = Arc::clone(&ran);
        let pinned = runtime.spawn_pinned(move || async move {
            time::sleep_until(at).await;
            until(|| see.load(Ordering::Relaxed));
        });
        let other = runtime.spawn(async move {
            time::sleep_until(at).await;
            ran.store(true, Ordering::Relaxed);
        });
        runtime.block_on(async {
            pinned.await.unwrap();
            other.await.unwrap();
        });
    }
}

#[test]
fn what_was_woken_last_is_run_while_the_next_pinned_task_waits_for_it() {
    let _watchdog = watchdog();
    let runtime = pool_without_supervisor(2);
    let pinned = runtime.spawn_pinned(|| async {
        for _ in 0..count(200, 20_000) {
            let ran = Arc::new(AtomicBool::new(false));
            let see = Arc::clone(&ran);
            let next = task::spawn_local(async move { until(|| see.load(Ordering::Relaxed)) });
            drop(runtime::spawn(async move {
                drop(runtime::spawn(async move { ran.store(true, Ordering::Relaxed) }));
            }));
            next.await.unwrap();
        }
    });
    runtime.block_on(pinned).unwrap();
}
