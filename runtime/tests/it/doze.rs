//! A worker that was called for too little, again and again, comes by itself instead: nothing waits for it for ever.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use runtime::Handle;

use crate::support::{count, pool_without_supervisor, until, until_no_tasks, watchdog};

#[test]
fn one_task_behind_a_poll_that_waits_for_it_is_found_each_time() {
    let _watchdog = watchdog();
    let runtime = pool_without_supervisor(2);
    let rounds = count(2_000, 200_000);
    let (tx, rx) = mpsc::channel();
    let handle: Handle = runtime.handle().clone();
    drop(runtime.spawn(async move {
        let ran = Arc::new(AtomicUsize::new(0));
        let unparks = || handle.metrics().workers.iter().map(|worker| worker.unparks).sum::<u64>();
        let before = unparks();
        for round in 1..=rounds {
            let first = Arc::clone(&ran);
            // So little that it was not worth the call.
            drop(runtime::spawn(async move { first.fetch_add(1, Ordering::Relaxed) }));
            // It displaces the first from the LIFO slot, into the queue, where the other worker can take it.
            drop(runtime::spawn(async {}));
            until(|| ran.load(Ordering::Relaxed) == round);
            // So does the one that is left.
            runtime::task::yield_now().await;
        }
        tx.send(unparks() - before).unwrap();
    }));
    let calls = rx.recv().unwrap();
    println!("{calls} calls for {rounds} tasks");
    until_no_tasks(&runtime);
}

#[test]
fn many_tasks_behind_a_poll_that_waits_for_them_are_found() {
    let _watchdog = watchdog();
    let runtime = pool_without_supervisor(2);
    let (tx, rx) = mpsc::channel();
    drop(runtime.spawn(async move {
        // Alternately few, so that the other worker is not worth calling, and more than it is to be left alone with.
        for round in 0..count(200, 20_000) {
            let tasks = if round % 4 == 3 { 100 } else { 1 };
            let ran = Arc::new(AtomicUsize::new(0));
            for _ in 0..tasks {
                let ran = Arc::clone(&ran);
                drop(runtime::spawn(async move { ran.fetch_add(1, Ordering::Relaxed) }));
            }
            drop(runtime::spawn(async {}));
            until(|| ran.load(Ordering::Relaxed) == tasks);
            runtime::task::yield_now().await;
        }
        tx.send(()).unwrap();
    }));
    rx.recv().unwrap();
    until_no_tasks(&runtime);
}
