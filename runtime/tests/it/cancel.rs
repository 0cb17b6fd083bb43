//! `JoinHandle::cancel`, and futures that may be cancelled.
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures::channel::oneshot;
use futures::stream::{FuturesUnordered, StreamExt as _};
use runtime::task::{Cancel, Cancelled, JoinHandle, cancellable, yield_now};
use runtime::time::sleep;

use crate::support::{
    Deliberate, Gate, OnDrop, Rng, Tally, WORKERS, WakeCount, count, panic_message, panic_silently, pool,
    until, until_no_tasks, watchdog,
};
use crate::task_abort::against_completion;

/// A task that holds what `dropped` counts, and never ends.
fn forever(dropped: &Tally) -> impl Future<Output = ()> + Send + use<> {
    let guard = dropped.on_drop();
    async move {
        let _guard = guard;
        pending().await
    }
}

#[test]
fn cancel_resolves_when_the_future_has_been_dropped() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        for _ in 0..count(500, 50_000) {
            let dropped = Tally::default();
            let cancel = runtime.spawn(forever(&dropped)).cancel();
            let error = runtime.block_on(cancel).unwrap_err();
            assert!(error.is_cancelled());
            assert_eq!(dropped.get(), 1);
        }
        until_no_tasks(&runtime);
    }
}

#[test]
fn cancel_against_completion_gives_the_output_or_an_error_and_drops_each_once() {
    let _watchdog = watchdog();
    against_completion(JoinHandle::cancel);
}

#[test]
fn a_task_that_had_finished_gives_its_output_and_one_that_panicked_its_panic() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let (fine, panics) = (runtime.spawn(async { 42 }), runtime.spawn(async { panic_silently() }));
    until(|| fine.is_finished() && panics.is_finished());
    let cancel = fine.cancel();
    assert!(cancel.is_finished());
    assert_eq!(runtime.block_on(cancel).unwrap(), 42);
    let payload = runtime.block_on(panics.cancel()).unwrap_err().into_panic();
    assert!(payload.is::<Deliberate>());
}

#[test]
fn a_future_that_panics_when_it_is_cancelled_says_so() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let guard = OnDrop::new(|| panic_silently());
    let task = runtime.spawn(async move {
        let _guard = guard;
        pending::<()>().await
    });
    assert!(runtime.block_on(task.cancel()).unwrap_err().is_panic());
}

#[test]
fn cancel_is_awaited_under_any_executor() {
    let _watchdog = watchdog();
    let (runtime, other) = (pool(2), pool(1));
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for _ in 0..20 {
        let dropped = Tally::default();
        let results = [
            futures::executor::block_on(runtime.spawn(forever(&dropped)).cancel()),
            pollster::block_on(runtime.spawn(forever(&dropped)).cancel()),
            smol::block_on(runtime.spawn(forever(&dropped)).cancel()),
            runtime::block_on(runtime.spawn(forever(&dropped)).cancel()),
            tokio.block_on(tokio.spawn(runtime.spawn(forever(&dropped)).cancel())).unwrap(),
            other.block_on(other.spawn(runtime.spawn(forever(&dropped)).cancel())).unwrap(),
        ];
        assert!(results.into_iter().all(|result| result.unwrap_err().is_cancelled()));
        assert_eq!(dropped.get(), 6);
    }
}

#[test]
fn dropping_the_answer_leaves_the_abort() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let dropped = Tally::default();
    for polled in [false, true] {
        let mut cancel = Box::pin(runtime.spawn(forever(&dropped)).cancel());
        if polled {
            let _ = cancel.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        drop(cancel);
    }
    until(|| dropped.get() == 2);
    until_no_tasks(&runtime);
}

#[test]
fn giving_up_the_answer_for_a_while_loses_nothing() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let (gate, entered) = (Gate::default(), Tally::default());
    let (held, seen) = (gate.clone(), entered.clone());
    // It cannot be over before the gate is opened: this poll of it has to end first.
    let task = runtime.spawn(async move {
        seen.add();
        held.wait();
        pending::<()>().await
    });
    until(|| entered.get() == 1);
    let error = runtime::block_on(async {
        let mut cancel = pin!(task.cancel());
        for _ in 0..10 {
            let given_up = runtime::time::timeout(Duration::from_micros(50), cancel.as_mut()).await;
            assert!(given_up.is_err());
        }
        gate.open();
        cancel.await.unwrap_err()
    });
    assert!(error.is_cancelled());
}

/// A task that is handed the handle of itself.
fn with_own_handle<F>(runtime: &runtime::Runtime, body: impl FnOnce(JoinHandle<()>) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send,
{
    let (tx, rx) = oneshot::channel();
    let task = runtime.spawn(async move { body(rx.await.unwrap()).await });
    tx.send(task).unwrap();
}

#[test]
fn a_task_that_cancels_itself_ends_where_it_awaits_that() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        for _ in 0..count(200, 20_000) {
            let (dropped, reached, passed) = (Tally::default(), Tally::default(), Tally::default());
            let (guard, before, after) = (dropped.on_drop(), reached.clone(), passed.clone());
            with_own_handle(&runtime, |own| async move {
                let _guard = guard;
                before.add();
                let _ = own.cancel().await;
                after.add();
            });
            until(|| dropped.get() == 1);
            assert_eq!((reached.get(), passed.get()), (1, 0));
        }
        until_no_tasks(&runtime);
    }
}

#[test]
fn tasks_that_cancel_each_other_both_end() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        for _ in 0..count(200, 20_000) {
            let dropped = Tally::default();
            let (mut senders, mut receivers) = (Vec::new(), Vec::new());
            for _ in 0..2 {
                let (tx, rx) = oneshot::channel::<JoinHandle<()>>();
                senders.push(tx);
                receivers.push(rx);
            }
            for (to, own) in senders.into_iter().zip(receivers.into_iter().rev()) {
                let guard = dropped.on_drop();
                let task = runtime.spawn(async move {
                    let _guard = guard;
                    let other = own.await.unwrap();
                    let _ = other.cancel().await;
                });
                // Refused by a task that is over by now. The other then goes on to its own end.
                drop(to.send(task));
            }
            until(|| dropped.get() == 2);
        }
        until_no_tasks(&runtime);
    }
}

#[test]
fn a_closure_that_has_started_runs_to_its_end_and_one_that_has_not_is_cancelled() {
    let _watchdog = watchdog();
    let runtime = runtime::Runtime::builder().worker_threads(1).max_blocking_threads(1).build().unwrap();
    let (gate, entered) = (Gate::default(), Tally::default());
    let (held, seen) = (gate.clone(), entered.clone());
    let started = runtime.spawn_blocking(move || {
        seen.add();
        held.wait();
        7
    });
    until(|| entered.get() == 1);
    let queued = runtime.spawn_blocking(|| panic!("it was cancelled before it began"));
    let (started, queued): (Cancel<i32>, Cancel<()>) = (started.cancel(), queued.cancel());
    gate.open();
    assert_eq!(runtime.block_on(started).unwrap(), 7);
    assert!(runtime.block_on(queued).unwrap_err().is_cancelled());
}

#[test]
fn cancel_against_the_shutdown_of_the_runtime_resolves() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for round in 0..count(200, 20_000) {
        let runtime = pool(1 + round % 2);
        let dropped = Tally::default();
        let tasks: Vec<_> = (0..16).map(|_| runtime.spawn(forever(&dropped))).collect();
        let start = Arc::new(Barrier::new(2));
        let (go, mut rng) = (Arc::clone(&start), rng.fork());
        let canceller = thread::spawn(move || {
            go.wait();
            let mut cancelled = Vec::new();
            for task in tasks {
                rng.spin(200);
                cancelled.push(task.cancel());
            }
            for cancel in cancelled {
                assert!(runtime::block_on(cancel).unwrap_err().is_cancelled());
            }
        });
        start.wait();
        drop(runtime);
        canceller.join().unwrap();
        assert_eq!(dropped.get(), 16);
    }
}

#[test]
fn cancel_after_the_runtime_is_gone_resolves_at_once() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let handle = runtime.handle().clone();
    let task = runtime.spawn(pending::<()>());
    drop(runtime);
    assert!(runtime::block_on(task.cancel()).unwrap_err().is_cancelled());
    let late = handle.spawn(ready(1));
    assert!(runtime::block_on(late.cancel()).unwrap_err().is_cancelled());
}

#[test]
fn a_cancellable_future_gives_its_output_or_says_that_it_was_cancelled() {
    let _watchdog = watchdog();
    runtime::block_on(async {
        let (future, handle) = cancellable(async {
            yield_now().await;
            5
        });
        drop(handle);
        assert_eq!(future.await, Ok(5));

        let dropped = Tally::default();
        let (future, handle) = cancellable(forever(&dropped));
        let mut future = pin!(future);
        assert!(futures::poll!(future.as_mut()).is_pending());
        handle.clone().cancel();
        handle.cancel();
        assert_eq!(dropped.get(), 0, "it is dropped by whoever polls");
        assert_eq!(futures::poll!(future.as_mut()), Poll::Ready(Err(Cancelled)));
        assert_eq!(dropped.get(), 1, "while the wrapper is still there");
    });
    assert_eq!(Cancelled.to_string(), "the future was cancelled");
}

#[test]
fn a_cancel_before_the_first_poll_keeps_a_ready_future_from_running() {
    let (future, handle) = cancellable(poll_fn(|_| -> Poll<()> { panic!("polled") }));
    handle.cancel();
    assert!(handle.is_cancelled());
    assert_eq!(runtime::block_on(future), Err(Cancelled));
}

#[test]
fn a_future_may_cancel_itself() {
    let _watchdog = watchdog();
    runtime::block_on(async {
        let (tx, rx) = oneshot::channel::<runtime::task::CancelHandle>();
        let (future, handle) = cancellable(async move {
            rx.await.unwrap().cancel();
            pending::<()>().await
        });
        tx.send(handle).unwrap();
        assert_eq!(future.await, Err(Cancelled));

        let (tx, rx) = oneshot::channel::<runtime::task::CancelHandle>();
        let (future, handle) = cancellable(async move {
            rx.await.unwrap().cancel();
            9
        });
        tx.send(handle).unwrap();
        assert_eq!(future.await, Ok(9), "ready in that very poll");
    });
}

#[test]
fn a_handle_that_lives_on_keeps_no_waker() {
    let (count, waker) = WakeCount::new();
    let (mut done, never) = (cancellable(ready(1)), cancellable(pending::<()>()));
    assert!(pin!(&mut done.0).poll(&mut Context::from_waker(&waker)).is_ready());
    let mut future = Box::pin(never.0);
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(future);
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 1);
    done.1.cancel();
    never.1.cancel();
    assert_eq!(count.get(), 0);
}

#[test]
fn a_cancellable_future_polled_after_its_end_says_what_to_do() {
    let (mut future, _handle) = cancellable(ready(1));
    assert_eq!(futures::executor::block_on(&mut future), Ok(1));
    let message = panic_message(|| futures::executor::block_on(&mut future));
    crate::support::assert_helpful(&message, "Cancellable::poll");
}

#[test]
fn cancels_from_other_threads_against_completion_have_one_outcome_each() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let (mut completed, mut cancelled) = (0, 0);
        for _ in 0..count(2_000, 500_000) {
            let dropped = Tally::default();
            let guard = dropped.on_drop();
            let yields = rng.below(4);
            let (future, handle) = cancellable(async move {
                let _guard = guard;
                for _ in 0..yields {
                    yield_now().await;
                }
            });
            let task = runtime.spawn(future);
            rng.spin(2_000);
            handle.cancel();
            match runtime.block_on(task).unwrap() {
                Ok(()) => completed += 1,
                Err(Cancelled) => cancelled += 1,
            }
            assert_eq!(dropped.get(), 1);
        }
        println!("{workers} workers: {completed} completed, {cancelled} cancelled");
    }
}

#[test]
fn no_cancel_is_lost_between_the_polls_of_many_futures_in_one_task() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for workers in [1, 2] {
        let runtime = pool(workers);
        for _ in 0..count(20, 2_000) {
            let mut handles = Vec::new();
            let all: FuturesUnordered<_> = (0..64)
                .map(|_| {
                    let (future, handle) = cancellable(pending::<()>());
                    handles.push(handle);
                    future
                })
                .collect();
            let task = runtime.spawn(all.fold(0, async |ended, result| ended + usize::from(result.is_err())));
            let mut others = Vec::new();
            for chunk in handles.chunks(32) {
                let (chunk, mut rng) = (chunk.to_vec(), rng.fork());
                others.push(thread::spawn(move || {
                    for handle in chunk {
                        rng.spin(500);
                        handle.cancel();
                    }
                }));
            }
            assert_eq!(runtime.block_on(task).unwrap(), 64);
            others.into_iter().for_each(|other| other.join().unwrap());
        }
    }
}

#[test]
fn a_cancelled_part_of_a_task_leaves_the_rest_running() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let dropped = Tally::default();
    let guard = dropped.on_drop();
    let (part, handle) = cancellable(async move {
        let _guard = guard;
        sleep(Duration::MAX).await
    });
    let task = runtime.spawn(async move { (part.await, 3) });
    handle.cancel();
    assert_eq!(runtime.block_on(task).unwrap(), (Err(Cancelled), 3));
    assert_eq!(dropped.get(), 1);
}
