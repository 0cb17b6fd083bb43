//! Destructors that do things while the runtime ends: each future is dropped once, whatever it does then.
use parking_lot::Mutex;
use std::future::pending;
use std::sync::{Arc, mpsc};
use std::task::Waker;
use std::time::Duration;

use runtime::{Handle, Runtime};

use crate::support::{OnDrop, Rng, Tally, WORKERS, WakeCount, count, panic_silently, pool, watchdog};

/// A runtime with `tasks` tasks that wait for ever and run `on_drop(index)` when they are dropped; dropped `how`ever.
fn end_with(workers: usize, tasks: usize, on_drop: impl Fn(usize, &Handle) + Send + Sync + 'static) {
    let on_drop = Arc::new(on_drop);
    for how in 0..3 {
        let runtime = pool(workers);
        let dropped = Tally::default();
        let (started_tx, started) = mpsc::channel();
        for index in 0..tasks {
            let (on_drop, counter, handle) =
                (Arc::clone(&on_drop), dropped.clone(), runtime.handle().clone());
            let guard = OnDrop::new(move || {
                counter.add();
                on_drop(index, &handle);
            });
            let started = started_tx.clone();
            drop(runtime.spawn(async move {
                let _guard = guard;
                started.send(()).unwrap();
                pending::<()>().await;
            }));
        }
        (0..tasks).for_each(|_| started.recv().unwrap());
        match how {
            0 => drop(runtime),
            1 => assert!(runtime.shutdown(Duration::MAX).is_clean()),
            _ => {
                // By a task of another runtime: nobody waits here but for the count, and for the last destructor to end.
                let other = pool(1);
                other.block_on(other.spawn(async move { drop(runtime) })).unwrap();
                crate::support::until(|| dropped.get() == tasks && Arc::strong_count(&on_drop) == 1);
            }
        }
        assert_eq!(dropped.get(), tasks);
    }
}

// D4
#[test]
fn destructors_that_wake_each_other() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
        let (wakes, waker) = WakeCount::new();
        wakers.lock().push(waker);
        end_with(workers, 50, move |_, _| {
            let wakers = wakers.lock().clone();
            wakers.iter().for_each(Waker::wake_by_ref);
        });
        assert_eq!(wakes.get(), 150);
    }
}

// D4
#[test]
fn destructors_that_abort_and_wake_other_tasks_of_the_runtime() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let dropped = Tally::default();
        let tasks: Arc<Mutex<Vec<(Waker, runtime::task::AbortHandle)>>> = Arc::default();
        let (tx, rx) = mpsc::channel();
        for _ in 0..50 {
            let (others, counter, tx) = (Arc::clone(&tasks), dropped.clone(), tx.clone());
            let guard = OnDrop::new(move || {
                counter.add();
                let others = others.lock().clone();
                for (waker, abort) in others {
                    waker.wake();
                    abort.abort();
                }
            });
            let handle = runtime.spawn(async move {
                let _guard = guard;
                std::future::poll_fn(|cx| {
                    drop(tx.send(cx.waker().clone()));
                    std::task::Poll::<()>::Pending
                })
                .await;
            });
            let waker = rx.recv().unwrap();
            tasks.lock().push((waker, handle.abort_handle()));
        }
        drop(runtime);
        assert_eq!(dropped.get(), 50);
    }
}

// D4
#[test]
fn destructors_that_spawn() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let ran = Tally::default();
        let spawned_dropped = Tally::default();
        let (counter, dropped) = (ran.clone(), spawned_dropped.clone());
        end_with(workers, 50, move |_, handle| {
            for _ in 0..3 {
                let (counter, guard) = (counter.clone(), dropped.on_drop());
                drop(handle.spawn(async move {
                    let _guard = guard;
                    counter.add();
                }));
            }
            // In the context, too: that of the runtime whose tasks are being dropped.
            if Handle::try_current().is_ok() {
                drop(runtime::spawn(async {}));
            }
        });
        assert_eq!((ran.get(), spawned_dropped.get()), (0, 450));
    }
}

// D4
#[test]
fn destructors_whose_spawned_tasks_spawn_as_they_are_dropped() {
    let _watchdog = watchdog();
    fn chain(handle: &Handle, left: usize, dropped: Tally) {
        dropped.add();
        if left > 0 {
            let next = handle.clone();
            let guard = OnDrop::new(move || chain(&next, left - 1, dropped));
            drop(handle.spawn(async move {
                let _guard = guard;
            }));
        }
    }
    for workers in [1, 2] {
        let dropped = Tally::default();
        let counter = dropped.clone();
        end_with(workers, 10, move |_, handle| chain(handle, 100, counter.clone()));
        assert_eq!(dropped.get(), 3 * 10 * 101);
    }
}

// D4
#[test]
fn destructors_that_sleep_and_poll_timers() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        end_with(workers, 10, |_, _| {
            // A timer made and waited for while the runtime that is entered has ended.
            futures::executor::block_on(runtime::time::sleep(Duration::from_micros(100)));
            let mut timer = Box::pin(runtime::time::sleep(Duration::from_secs(3600)));
            let mut cx = std::task::Context::from_waker(Waker::noop());
            assert!(timer.as_mut().poll(&mut cx).is_pending());
        });
    }
}

// D4
#[test]
fn destructors_that_take_a_lock_that_pollers_hold() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let lock = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&lock);
        let runtime = pool(workers);
        for _ in 0..20 {
            let (guard_lock, poll_lock) = (Arc::clone(&lock), Arc::clone(&lock));
            let guard = OnDrop::new(move || *guard_lock.lock() += 1);
            drop(runtime.spawn(async move {
                let _guard = guard;
                loop {
                    *poll_lock.lock() += 0;
                    runtime::task::yield_now().await;
                }
            }));
        }
        runtime.block_on(runtime::task::yield_now());
        drop(runtime);
        assert_eq!(*counter.lock(), 20);
    }
}

// D4
#[test]
fn destructors_that_panic() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        end_with(workers, 50, |index, _| {
            if index % 3 == 0 {
                panic_silently();
            }
        });
    }
}

// D4
#[test]
fn destructors_that_do_all_of_it_in_random_order() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for _ in 0..count(10, 1_000) {
        let rng = Mutex::new(rng.fork());
        let workers = [1, 2, 3][rng.lock().below(3)];
        end_with(workers, 30, move |_, handle| {
            let action = rng.lock().below(6);
            match action {
                0 => drop(handle.spawn(pending::<()>())),
                1 => drop(handle.spawn_blocking(|| {})),
                2 => panic_silently(),
                3 => drop(handle.metrics()),
                4 => drop(handle.enter()),
                _ => {
                    let task = handle.spawn(async {});
                    task.abort();
                    // It resolves; who drops it may be this very thread, later: so it is not waited for.
                    drop(task);
                }
            }
        });
    }
}

// D4
#[test]
fn an_output_or_a_join_handle_in_a_dropped_future_is_dropped_once() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime: Runtime = pool(workers);
        let dropped = Tally::default();
        for _ in 0..20 {
            let guard = dropped.on_drop();
            let inner = runtime.spawn(async move { guard });
            let guard = dropped.on_drop();
            let never = runtime.spawn(async move {
                pending::<()>().await;
                guard
            });
            drop(runtime.spawn(async move {
                let _held = (inner, never);
                pending::<()>().await;
            }));
        }
        drop(runtime);
        assert_eq!(dropped.get(), 40);
    }
}
