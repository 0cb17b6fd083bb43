//! Abort against completion, wakes against the end of the runtime.
use std::future::poll_fn;
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use runtime::task::{JoinError, JoinHandle, yield_now};

use crate::support::{CountDrop, Rng, Tally, WORKERS, count, pool, until, until_no_tasks, watchdog};

/// Tasks that are about to complete are ended: they have one outcome, and what they hold is dropped once.
pub(crate) fn against_completion<E>(end: impl Fn(JoinHandle<CountDrop>) -> E)
where
    E: Future<Output = Result<CountDrop, JoinError>>,
{
    let mut rng = Rng::new();
    for workers in WORKERS {
        let runtime = pool(workers);
        let (mut completed, mut cancelled) = (0, 0);
        for _ in 0..count(3_000, 1_000_000) {
            let (dropped, output) = (Tally::default(), Tally::default());
            let (guard, value) = (dropped.on_drop(), output.on_drop());
            let yields = rng.below(3);
            let handle = runtime.spawn(async move {
                let _guard = guard;
                for _ in 0..yields {
                    yield_now().await;
                }
                value
            });
            rng.spin(2_000);
            match runtime.block_on(end(handle)) {
                Ok(value) => {
                    assert_eq!((dropped.get(), output.get()), (1, 0));
                    drop(value);
                    completed += 1;
                }
                Err(error) => {
                    assert!(error.is_cancelled());
                    assert_eq!(dropped.get(), 1);
                    cancelled += 1;
                }
            }
            assert_eq!(output.get(), 1, "made or captured, it is dropped once");
        }
        println!("{workers} workers: {completed} completed, {cancelled} cancelled");
        until_no_tasks(&runtime);
    }
}

// T10
#[test]
fn abort_against_completion_has_exactly_one_outcome() {
    let _watchdog = watchdog();
    against_completion(|handle| {
        handle.abort();
        handle
    });
}

// T10
#[test]
fn aborts_from_many_threads_at_once_end_a_task_once() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for _ in 0..count(100, 10_000) {
        let dropped = Tally::default();
        let guard = dropped.on_drop();
        let handle = runtime.spawn(async move {
            let _guard = guard;
            loop {
                yield_now().await;
            }
        });
        let start = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (abort, start) = (handle.abort_handle(), Arc::clone(&start));
                thread::spawn(move || {
                    start.wait();
                    abort.abort();
                })
            })
            .collect();
        let result: Result<(), _> = runtime.block_on(handle);
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(dropped.get(), 1);
        for thread in threads {
            thread.join().unwrap();
        }
    }
    until_no_tasks(&runtime);
}

// T13
#[test]
fn a_wake_against_the_drop_of_the_runtime_is_clean() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    // Each round is a runtime with 16 tasks whose wakers are called while it goes.
    for round in 0..count(625, 62_500) {
        let runtime = pool(1 + round % 2);
        let dropped = Tally::default();
        let (tx, wakers) = mpsc::channel::<Waker>();
        for _ in 0..16 {
            let (tx, guard) = (tx.clone(), dropped.on_drop());
            drop(runtime.spawn(poll_fn(move |cx| {
                let _held = &guard;
                drop(tx.send(cx.waker().clone()));
                Poll::<()>::Pending
            })));
        }
        drop(tx);
        let mut rng = rng.fork();
        let foreign = thread::spawn(move || {
            // Ends when every task, and with it every sender, is gone.
            for (index, waker) in wakers.into_iter().enumerate() {
                rng.spin(100);
                if index % 2 == 0 {
                    waker.wake()
                } else {
                    waker.wake_by_ref()
                }
                if index > 4_000 {
                    break;
                }
            }
        });
        drop(runtime);
        assert_eq!(dropped.get(), 16);
        foreign.join().unwrap();
    }
}

#[test]
fn an_aborted_task_is_finished_when_its_future_has_been_dropped() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for _ in 0..1_000 {
        let dropped = Tally::default();
        let guard = dropped.on_drop();
        let handle = runtime.spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        handle.abort();
        until(|| handle.is_finished());
        assert_eq!(dropped.get(), 1);
    }
}
