//! Very many tasks, and very long chains of them: no stack grows with their number.
use parking_lot::Mutex;
use std::future::pending;
use std::sync::{Arc, mpsc};

use futures::channel::oneshot;
use runtime::task::AbortHandle;

use crate::support::{
    Gate, OnDrop, Tally, count, pool, pool_without_spares, until, until_no_tasks, watchdog,
};

// L4
#[test]
fn very_many_queued_tasks_all_run() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool_without_spares(workers);
        let gate = Gate::default();
        // Nobody takes from the queue before all are in it.
        for _ in 0..workers {
            let gate = gate.clone();
            let (started_tx, started) = mpsc::channel();
            drop(runtime.spawn(async move {
                started_tx.send(()).unwrap();
                gate.wait();
            }));
            started.recv().unwrap();
        }
        let tasks = count(100_000, 10_000_000);
        let ran = Tally::default();
        for _ in 0..tasks {
            let counter = ran.clone();
            drop(runtime.spawn(async move {
                counter.add();
            }));
        }
        assert_eq!(ran.get(), 0);
        gate.open();
        until(|| ran.get() == tasks);
        until_no_tasks(&runtime);
    }
}

// L4
#[test]
fn very_many_queued_tasks_are_dropped_with_their_runtime() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let gate = Gate::default();
    let (started_tx, started) = mpsc::channel();
    let held = gate.clone();
    drop(runtime.spawn(async move {
        started_tx.send(()).unwrap();
        held.wait();
    }));
    started.recv().unwrap();
    let tasks = count(100_000, 10_000_000);
    let dropped = Tally::default();
    for _ in 0..tasks {
        let guard = dropped.on_drop();
        drop(runtime.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        }));
    }
    runtime.shutdown_background();
    gate.open();
    until(|| dropped.get() == tasks);
}

// L4
#[test]
fn a_very_long_chain_of_wakes_does_not_nest() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let length = count(100_000, 1_000_000);
        let (first, mut before) = oneshot::channel::<usize>();
        for _ in 0..length {
            let (tx, rx) = oneshot::channel();
            let from = std::mem::replace(&mut before, rx);
            drop(runtime.spawn(async move { tx.send(from.await.unwrap() + 1).unwrap() }));
        }
        first.send(0).unwrap();
        assert_eq!(runtime.block_on(before).unwrap(), length);
        until_no_tasks(&runtime);
    }
}

// L4
#[test]
fn a_very_long_chain_of_drops_that_wake_does_not_nest() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let length = count(100_000, 1_000_000);
        let dropped = Tally::default();
        let (first, mut before) = oneshot::channel::<()>();
        for _ in 0..length {
            let (tx, rx) = oneshot::channel();
            let (from, guard) = (std::mem::replace(&mut before, rx), dropped.on_drop());
            drop(runtime.spawn(async move {
                // Its end drops the sender, which wakes the next.
                let _held = (tx, guard);
                assert!(from.await.is_err());
            }));
        }
        drop(first);
        assert!(runtime.block_on(before).is_err());
        until(|| dropped.get() == length);
        until_no_tasks(&runtime);
    }
}

// L4
#[test]
fn a_very_long_chain_of_drops_that_abort_does_not_nest() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let length = count(100_000, 1_000_000);
        let dropped = Tally::default();
        let mut next: Option<AbortHandle> = None;
        for _ in 0..length {
            let (after, counter) = (next.take(), dropped.clone());
            let guard = OnDrop::new(move || {
                counter.add();
                if let Some(after) = after {
                    after.abort();
                }
            });
            let task = runtime.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            next = Some(task.abort_handle());
        }
        next.unwrap().abort();
        until(|| dropped.get() == length);
        until_no_tasks(&runtime);
    }
}

// L4
#[test]
fn a_very_long_chain_ends_with_its_runtime_without_nesting() {
    let _watchdog = watchdog();
    for aborts in [false, true] {
        let runtime = pool(2);
        let length = count(100_000, 1_000_000);
        let dropped = Tally::default();
        let mut next: Option<AbortHandle> = None;
        let links: Arc<Mutex<Vec<oneshot::Sender<()>>>> = Arc::default();
        for _ in 0..length {
            let (tx, rx) = oneshot::channel();
            let (after, counter) = (next.take(), dropped.clone());
            let guard = OnDrop::new(move || {
                counter.add();
                if let (true, Some(after)) = (aborts, &after) {
                    after.abort();
                }
            });
            let previous = links.lock().pop();
            links.lock().push(tx);
            let task = runtime.spawn(async move {
                let _held = (guard, previous);
                // Cancelled when the sender is dropped, by another's end.
                assert!(rx.await.is_err());
            });
            next = Some(task.abort_handle());
        }
        drop(runtime);
        assert_eq!(dropped.get(), length);
    }
}
