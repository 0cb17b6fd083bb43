//! A worker that is no help leaves the rest to others for a while: nothing waits for them for ever.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use runtime::Runtime;

use crate::support::{count, until, until_no_tasks, watchdog};

/// More than one worker takes before it asks itself whether that was worth it, by far, and than a queue holds.
const TASKS: usize = 2_000;

/// Two workers, and no supervisor: what is queued behind a poll that waits for it is found by the other worker, or never.
fn two_workers() -> Runtime {
    Runtime::builder().worker_threads(2).max_spare_threads(0).stall_threshold(Duration::MAX).build().unwrap()
}

/// So many tasks that cost little; they count themselves.
fn spawn_short(runtime: &runtime::Handle, tasks: usize, ran: &Arc<AtomicUsize>) {
    for _ in 0..tasks {
        let ran = Arc::clone(ran);
        drop(runtime.spawn(async move { ran.fetch_add(1, Ordering::Relaxed) }));
    }
}

#[test]
fn short_tasks_behind_a_poll_that_waits_for_them_are_found() {
    let _watchdog = watchdog();
    let runtime = two_workers();
    let (tx, rx) = mpsc::channel();
    let handle = runtime.handle().clone();
    drop(runtime.spawn(async move {
        for _ in 0..count(100, 10_000) {
            let ran = Arc::new(AtomicUsize::new(0));
            // The other worker takes some while this one spawns, and stays away from the rest.
            spawn_short(&handle, TASKS, &ran);
            // The last of them is not to be what this worker alone may run.
            drop(runtime::spawn(async {}));
            until(|| ran.load(Ordering::Relaxed) == TASKS);
            runtime::task::yield_now().await;
        }
        tx.send(()).unwrap();
    }));
    rx.recv().unwrap();
    until_no_tasks(&runtime);
}

#[test]
fn short_tasks_from_outside_are_found_while_the_worker_that_they_were_left_to_waits_for_them() {
    let _watchdog = watchdog();
    let runtime = two_workers();
    for _ in 0..count(100, 10_000) {
        let ran = Arc::new(AtomicUsize::new(0));
        spawn_short(runtime.handle(), TASKS, &ran);
        let waits = Arc::clone(&ran);
        let blocked = runtime.spawn(async move { until(|| waits.load(Ordering::Relaxed) == 2 * TASKS) });
        spawn_short(runtime.handle(), TASKS, &ran);
        runtime.block_on(blocked).unwrap();
    }
    until_no_tasks(&runtime);
}

#[test]
fn short_tasks_in_bursts_all_run() {
    let _watchdog = watchdog();
    let runtime = two_workers();
    for round in 0..count(100, 10_000) {
        let ran = Arc::new(AtomicUsize::new(0));
        // Each burst has an end: workers run dry, and park, in the midst of the other's nap.
        for burst in 0..4 {
            spawn_short(runtime.handle(), 100 + (round * 37 + burst * 101) % 400, &ran);
            let spawned: usize = (0..=burst).map(|burst| 100 + (round * 37 + burst * 101) % 400).sum();
            until(|| ran.load(Ordering::Relaxed) == spawned);
        }
    }
    until_no_tasks(&runtime);
}
