//! The end of an arena: outside spawns and wakes against the close, the scan and the retirement.
//! `runtime/src/task/README.md`, "Closing" and "The scheduler outlives every cell".
//!
//! loom reports a scheduler that is never freed; the scheduler itself reports that it goes while it is called.
#![cfg(runtime_loom)]

use std::sync::Arc as Untracked;
use std::sync::atomic::AtomicUsize as Count;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Poll, Waker};

use loom::sync::{Arc, Mutex};
use loom::thread;
use runtime::model::task::Executor;
use runtime::task::JoinHandle;

fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

struct OnDrop(Untracked<Count>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A task that has been polled and waits, its waker, and how often it was dropped.
fn idle_task(executor: &Executor) -> (JoinHandle<()>, Waker, Untracked<Count>) {
    let drops = Untracked::new(Count::new(0));
    let on_drop = OnDrop(drops.clone());
    let slot = Arc::new(Mutex::new(None));
    let fill = slot.clone();
    let handle = executor.spawn(std::future::poll_fn(move |cx| {
        let _ = &on_drop;
        *fill.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }));
    executor.run_all();
    let waker = slot.lock().unwrap().take().unwrap();
    (handle, waker, drops)
}

#[test]
fn a_spawn_from_outside_runs_or_resolves_cancelled() {
    model(3, || {
        let executor = Executor::new();
        let drops = Untracked::new(Count::new(0));
        let on_drop = OnDrop(drops.clone());
        let other = executor.clone();
        let thread = thread::spawn(move || {
            other.spawn(async move {
                let _on_drop = on_drop;
            })
        });
        executor.run_one();
        executor.close_and_drain();
        assert_eq!(executor.live(), 0, "a task was spawned past the close");
        let handle = thread.join().unwrap();
        assert!(handle.is_finished(), "a handle that never resolves");
        assert_eq!(drops.load(SeqCst), 1);
        drop(handle);
        executor.retire();
    });
}

#[test]
fn a_wake_against_the_scan_leaves_no_task_behind() {
    model(3, || {
        let executor = Executor::new();
        let (handle, waker, drops) = idle_task(&executor);
        drop(handle);
        let thread = thread::spawn(move || waker.wake());
        executor.close_and_drain();
        assert_eq!(drops.load(SeqCst), 1);
        assert_eq!(executor.live(), 0);
        // The waker's thread may still be inside of `schedule`, or about to let go of the cell.
        executor.retire();
        thread.join().unwrap();
        assert_eq!(drops.load(SeqCst), 1);
    });
}

#[test]
fn an_abort_against_the_scan_drops_the_future_once() {
    model(3, || {
        let executor = Executor::new();
        let (handle, waker, drops) = idle_task(&executor);
        drop(waker);
        let thread = thread::spawn(move || {
            handle.abort();
            drop(handle);
        });
        executor.close_and_drain();
        assert_eq!(drops.load(SeqCst), 1);
        executor.retire();
        thread.join().unwrap();
        assert_eq!(drops.load(SeqCst), 1);
    });
}

#[test]
fn the_last_waker_frees_the_scheduler_whether_before_or_after_it_retires() {
    model(3, || {
        let executor = Executor::new();
        let (handle, waker, _drops) = idle_task(&executor);
        drop(handle);
        executor.close_and_drain();
        let thread = thread::spawn(move || drop(waker));
        executor.retire();
        thread.join().unwrap();
    });
}

#[test]
fn two_threads_let_go_of_the_last_cells_of_a_retired_scheduler() {
    model(2, || {
        let executor = Executor::new();
        let (first, waker, _drops) = idle_task(&executor);
        let second = executor.spawn(async { 1 });
        executor.close_and_drain();
        let threads = [
            thread::spawn(move || {
                drop(waker);
                drop(first);
            }),
            thread::spawn(move || drop(second)),
        ];
        executor.retire();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
