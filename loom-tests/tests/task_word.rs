//! The task's state word and what it guards: wake × poll × abort × join × drop. `runtime/src/task/README.md` has the
//! protocol. The stage and the join slot are loom's cells, so an ordering that is too weak is a race in the model.
#![cfg(runtime_loom)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc as Untracked;
use std::sync::atomic::AtomicUsize as Count;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use loom::sync::{Arc, Mutex};
use loom::thread;
use runtime::model::task::Executor;
use runtime::task::JoinHandle;

fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// Runs tasks until `done`; a task that is lost makes this turn for ever, which loom notices.
fn run_until(executor: &Executor, done: impl Fn() -> bool) {
    while !done() {
        if !executor.run_one() {
            thread::yield_now();
        }
    }
}

fn end(executor: Executor) {
    executor.close_and_drain();
    executor.retire();
}

fn poll_once<T>(handle: &mut JoinHandle<T>, waker: &Waker) -> Poll<Result<T, runtime::task::JoinError>> {
    Pin::new(handle).poll(&mut Context::from_waker(waker))
}

/// How often a future and its output were dropped. Past loom: they count, they do not order.
#[derive(Default)]
struct Drops {
    futures: Count,
    outputs: Count,
    made: Count,
}

struct Output(Untracked<Drops>);

impl Drop for Output {
    fn drop(&mut self) {
        self.0.outputs.fetch_add(1, SeqCst);
    }
}

/// Pending once, with its waker in `slot`; then ready.
struct TwoPolls {
    drops: Untracked<Drops>,
    slot: Arc<Mutex<Option<Waker>>>,
    polled: bool,
}

impl Drop for TwoPolls {
    fn drop(&mut self) {
        self.drops.futures.fetch_add(1, SeqCst);
    }
}

impl Future for TwoPolls {
    type Output = Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        if std::mem::replace(&mut self.polled, true) {
            self.drops.made.fetch_add(1, SeqCst);
            return Poll::Ready(Output(self.drops.clone()));
        }
        *self.slot.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }
}

type Waiting = (Executor, JoinHandle<Output>, Waker, Untracked<Drops>);

/// A task that has been polled once and is idle.
fn idle_task() -> Waiting {
    let executor = Executor::new();
    let slot = Arc::new(Mutex::new(None));
    let drops = Untracked::<Drops>::default();
    let handle = executor.spawn(TwoPolls { drops: drops.clone(), slot: slot.clone(), polled: false });
    executor.run_all();
    let waker = slot.lock().unwrap().take().unwrap();
    (executor, handle, waker, drops)
}

fn assert_dropped_once(drops: &Drops) {
    assert_eq!(drops.futures.load(SeqCst), 1);
    assert_eq!(drops.outputs.load(SeqCst), drops.made.load(SeqCst));
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Untracked<Self>) {
        self.0.store(true, Release);
    }
}

/// A future that is ready when both counters are set; the wakers' stores are ordered by the task's word alone.
fn both_set(
    first: Arc<AtomicUsize>,
    second: Arc<AtomicUsize>,
    slot: Arc<Mutex<Option<Waker>>>,
) -> impl Future<Output = ()> + Send {
    let mut registered = false;
    std::future::poll_fn(move |cx| {
        if !std::mem::replace(&mut registered, true) {
            *slot.lock().unwrap() = Some(cx.waker().clone());
        }
        if first.load(Relaxed) == 1 && second.load(Relaxed) == 1 { Poll::Ready(()) } else { Poll::Pending }
    })
}

#[test]
fn two_wakes_are_both_seen_by_a_poll() {
    model(2, || {
        let executor = Executor::new();
        let [first, second] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let slot = Arc::new(Mutex::new(None));
        let handle = executor.spawn(both_set(first.clone(), second.clone(), slot.clone()));
        executor.run_all();
        let waker: Waker = slot.lock().unwrap().take().unwrap();
        let threads = [(first, waker.clone()), (second, waker)].map(|(counter, waker)| {
            thread::spawn(move || {
                counter.store(1, Relaxed);
                waker.wake_by_ref();
            })
        });
        run_until(&executor, || handle.is_finished());
        for thread in threads {
            thread.join().unwrap();
        }
        drop(handle);
        end(executor);
    });
}

#[test]
fn a_wake_of_a_task_that_is_woken_already_is_seen_by_a_poll() {
    model(3, || {
        let executor = Executor::new();
        let [first, second] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let slot = Arc::new(Mutex::new(None));
        let handle = executor.spawn(both_set(first.clone(), second.clone(), slot.clone()));
        executor.run_all();
        let waker: Waker = slot.lock().unwrap().take().unwrap();
        first.store(1, Relaxed);
        waker.wake_by_ref();
        waker.wake_by_ref();
        let thread = thread::spawn(move || {
            second.store(1, Relaxed);
            waker.wake_by_ref();
        });
        run_until(&executor, || handle.is_finished());
        thread.join().unwrap();
        drop(handle);
        end(executor);
    });
}

#[test]
fn wakes_by_value_and_by_ref_are_both_seen_by_a_worker() {
    model(2, || {
        let executor = Executor::new();
        let [first, second] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let slot = Arc::new(Mutex::new(None));
        let handle = executor.spawn(both_set(first.clone(), second.clone(), slot.clone()));
        executor.run_all();
        let waker: Waker = slot.lock().unwrap().take().unwrap();
        let by_value = waker.clone();
        let thread = thread::spawn(move || {
            first.store(1, Relaxed);
            by_value.wake();
        });
        executor.as_worker(|| {
            second.store(1, Relaxed);
            waker.wake();
            run_until(&executor, || handle.is_finished());
        });
        thread.join().unwrap();
        drop(handle);
        end(executor);
    });
}

#[test]
fn a_task_goes_from_one_polling_thread_to_the_other() {
    model(3, || {
        let executor = Executor::new();
        let slot = Arc::new(Mutex::new(None));
        let fill = slot.clone();
        let polls = Untracked::new(Count::new(0));
        let count = polls.clone();
        let mut own = 0;
        drop(executor.spawn(std::future::poll_fn(move |cx| {
            // Plain memory of the future's: the stage is a loom cell.
            own += 1;
            assert_eq!(own, count.fetch_add(1, SeqCst) + 1);
            if own == 1 {
                *fill.lock().unwrap() = Some(cx.waker().clone());
            }
            Poll::<()>::Pending
        })));
        executor.run_all();
        let waker: Waker = slot.lock().unwrap().take().unwrap();
        let (other, clone) = (executor.clone(), waker.clone());
        let thread = thread::spawn(move || {
            clone.wake();
            other.run_all();
        });
        waker.wake();
        executor.run_all();
        thread.join().unwrap();
        executor.run_all();
        assert!((2..=3).contains(&polls.load(SeqCst)));
        end(executor);
    });
}

#[test]
fn a_join_against_completion_gets_the_output_or_is_woken() {
    model(3, || {
        let executor = Executor::new();
        let mut handle = executor.spawn(async { 7 });
        let other = executor.clone();
        let thread = thread::spawn(move || other.run_all());
        let flag = Untracked::new(Flag(AtomicBool::new(false)));
        let output = match poll_once(&mut handle, &Waker::from(flag.clone())) {
            Poll::Ready(output) => output,
            Poll::Pending => {
                while !flag.0.load(Acquire) {
                    thread::yield_now();
                }
                match poll_once(&mut handle, Waker::noop()) {
                    Poll::Ready(output) => output,
                    Poll::Pending => panic!("woken for nothing"),
                }
            }
        };
        assert_eq!(output.unwrap(), 7);
        drop(handle);
        thread.join().unwrap();
        end(executor);
    });
}

#[test]
fn a_task_that_awaits_another_is_queued_once_by_the_worker_that_ends_it() {
    model(2, || {
        let executor = Executor::new();
        let slot = Arc::new(Mutex::new(None));
        let (fill, spawner) = (slot.clone(), executor.clone());
        let mut child = None;
        let mut handle = executor.spawn(std::future::poll_fn(move |cx| {
            let child = child.get_or_insert_with(|| {
                *fill.lock().unwrap() = Some(cx.waker().clone());
                spawner.spawn(async { 7 })
            });
            Pin::new(child).poll(cx)
        }));
        assert!(executor.run_one());
        let waker: Waker = slot.lock().unwrap().take().unwrap();
        let thread = thread::spawn(move || waker.wake());
        executor.as_worker(|| {
            run_until(&executor, || handle.is_finished());
            thread.join().unwrap();
            assert!(!executor.run_one(), "a task was queued twice");
        });
        assert!(matches!(poll_once(&mut handle, Waker::noop()), Poll::Ready(Ok(Ok(7)))));
        drop(handle);
        end(executor);
    });
}

#[test]
fn a_join_waker_that_is_replaced_against_completion_is_woken_if_it_is_the_latest() {
    model(3, || {
        let executor = Executor::new();
        let mut handle = executor.spawn(async { 7 });
        let [old, new] = [(); 2].map(|()| Untracked::new(Flag(AtomicBool::new(false))));
        assert!(poll_once(&mut handle, &Waker::from(old.clone())).is_pending());
        let other = executor.clone();
        let thread = thread::spawn(move || other.run_all());
        let first = poll_once(&mut handle, &Waker::from(new.clone()));
        thread.join().unwrap();
        match first {
            Poll::Ready(output) => assert_eq!(output.unwrap(), 7),
            Poll::Pending => {
                // The former may have been woken before it was replaced.
                assert!(new.0.load(Relaxed), "the latest waker is the one that is woken");
                assert!(poll_once(&mut handle, Waker::noop()).is_ready());
            }
        }
        drop(handle);
        assert_eq!(Untracked::strong_count(&old), 1, "a waker is leaked");
        assert_eq!(Untracked::strong_count(&new), 1, "a waker is leaked");
        end(executor);
    });
}

#[test]
fn a_handle_dropped_against_completion_drops_the_output_once() {
    for awaited in [false, true] {
        model(3, move || {
            let (executor, mut handle, waker, drops) = idle_task();
            let flag = Untracked::new(Flag(AtomicBool::new(false)));
            if awaited {
                assert!(poll_once(&mut handle, &Waker::from(flag.clone())).is_pending());
            }
            waker.wake();
            let other = executor.clone();
            let thread = thread::spawn(move || other.run_all());
            drop(handle);
            thread.join().unwrap();
            assert_dropped_once(&drops);
            assert_eq!(drops.made.load(SeqCst), 1);
            assert_eq!(Untracked::strong_count(&flag), 1, "the join waker is leaked");
            end(executor);
        });
    }
}

#[test]
fn a_handle_dropped_against_the_wake_of_the_task_that_awaits_it_releases_the_cell_once() {
    model(3, || {
        let executor = Executor::new();
        let slot = Arc::new(Mutex::new(None));
        let fill = slot.clone();
        let joiner = executor.spawn(std::future::poll_fn(move |cx| {
            let first = fill.lock().unwrap().replace(cx.waker().clone()).is_none();
            if first { Poll::Pending } else { Poll::Ready(()) }
        }));
        assert!(executor.run_one());
        let mut handle = executor.spawn(async { 7 });
        assert!(poll_once(&mut handle, slot.lock().unwrap().as_ref().unwrap()).is_pending());
        let other = executor.clone();
        let thread = thread::spawn(move || other.as_worker(|| other.run_all()));
        drop(handle);
        thread.join().unwrap();
        drop((joiner, slot));
        assert_eq!(executor.run_all(), 0, "a task was queued twice");
        end(executor);
    });
}

#[test]
fn abort_against_completion_has_one_outcome() {
    model(3, || {
        let (executor, mut handle, waker, drops) = idle_task();
        waker.wake();
        let aborter = handle.abort_handle();
        let thread = thread::spawn(move || aborter.abort());
        executor.run_all();
        thread.join().unwrap();
        executor.run_all();
        match poll_once(&mut handle, Waker::noop()) {
            Poll::Ready(Ok(output)) => {
                assert_eq!(drops.outputs.load(SeqCst), 0);
                drop(output);
            }
            Poll::Ready(Err(error)) => {
                assert!(error.is_cancelled());
                assert_eq!(drops.made.load(SeqCst), 0);
            }
            Poll::Pending => panic!("an aborted task is never finished"),
        }
        assert_dropped_once(&drops);
        drop(handle);
        end(executor);
    });
}

#[test]
fn wake_against_abort_runs_the_task_once() {
    model(2, || {
        let (executor, handle, waker, drops) = idle_task();
        let aborter = handle.abort_handle();
        drop(handle);
        let threads = [thread::spawn(move || waker.wake()), thread::spawn(move || aborter.abort())];
        run_until(&executor, || executor.live() == 0);
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(!executor.run_one(), "a task was queued twice");
        assert_dropped_once(&drops);
        end(executor);
    });
}

#[test]
fn the_last_of_waker_handle_and_executor_releases_the_cell() {
    model(2, || {
        let (executor, mut handle, waker, drops) = idle_task();
        waker.wake_by_ref();
        let threads = [
            thread::spawn(move || drop(waker)),
            thread::spawn(move || {
                let _ = poll_once(&mut handle, Waker::noop());
                drop(handle);
            }),
        ];
        executor.run_all();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_dropped_once(&drops);
        // Into the same memory.
        drop(executor.spawn(async {}));
        executor.run_all();
        end(executor);
    });
}
