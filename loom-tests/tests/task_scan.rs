//! The scan of a runtime that ends, for what is idle, while a worker is still inside a poll.
//! `runtime/src/task/README.md`, "While somebody is still there".
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
    builder.max_branches = 20_000;
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

/// A task that ends at its first poll, and that nobody waits for: its owner lets go of the cell without a transition.
fn detached(executor: &Executor) -> Untracked<Count> {
    let drops = Untracked::new(Count::new(0));
    let on_drop = OnDrop(drops.clone());
    drop(executor.spawn(async move {
        let _on_drop = on_drop;
    }));
    drops
}

/// What the last to leave does.
fn end(executor: Executor) {
    executor.close_and_drain();
    assert_eq!(executor.live(), 0);
    executor.retire();
}

#[test]
fn a_task_that_ends_meanwhile_is_left_to_its_owner() {
    model(3, || {
        let executor = Executor::new();
        let drops = detached(&executor);
        let worker = executor.clone();
        let worker = thread::spawn(move || {
            worker.as_worker(|| worker.run_one());
        });
        executor.close();
        executor.cancel_idle();
        executor.cancel_idle();
        worker.join().unwrap();
        end(executor);
        assert_eq!(drops.load(SeqCst), 1);
    });
}

#[test]
fn a_cell_that_goes_to_the_next_task_meanwhile_is_left_to_its_owner() {
    model(3, || {
        let executor = Executor::new();
        let first = detached(&executor);
        let worker = executor.clone();
        let worker = thread::spawn(move || {
            worker.as_worker(|| {
                worker.run_one();
                let second = detached(&worker);
                worker.run_one();
                second
            })
        });
        executor.close();
        executor.cancel_idle();
        let second = worker.join().unwrap();
        end(executor);
        assert_eq!((first.load(SeqCst), second.load(SeqCst)), (1, 1));
    });
}

#[test]
fn a_task_that_is_woken_meanwhile_is_run_or_cancelled_by_one_of_the_two() {
    model(3, || {
        let executor = Executor::new();
        let (handle, waker, drops) = idle_task(&executor);
        drop(handle);
        let worker = executor.clone();
        let worker = thread::spawn(move || {
            worker.as_worker(|| {
                waker.wake();
                worker.run_one();
            });
        });
        executor.close();
        executor.cancel_idle();
        worker.join().unwrap();
        end(executor);
        assert_eq!(drops.load(SeqCst), 1);
    });
}

#[test]
fn a_task_whose_handle_goes_meanwhile_is_dropped_once() {
    model(2, || {
        let executor = Executor::new();
        let (handle, waker, drops) = idle_task(&executor);
        drop(waker);
        let worker = executor.clone();
        let worker = thread::spawn(move || worker.as_worker(|| drop(handle)));
        executor.close();
        executor.cancel_idle();
        worker.join().unwrap();
        end(executor);
        assert_eq!(drops.load(SeqCst), 1);
    });
}
