//! Tasks pinned to a worker of the pool, and local tasks of a current-thread runtime.
use std::cell::Cell;
use std::collections::HashSet;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use parking_lot::Mutex;
use runtime::task::{LocalSet, block_in_place, spawn_local, spawn_pinned, yield_now};
use runtime::{Builder, Runtime, time};

use crate::support::{
    Gate, OnDrop, OpenOnDrop, Rng, Tally, WORKERS, assert_helpful, count, panic_message, panic_silently,
    pool, until, until_no_tasks, watchdog,
};

fn here() -> ThreadId {
    thread::current().id()
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Counts its drop, and fails if that is on another thread than the one that made it.
fn bound_to_this_thread(dropped: &Tally) -> impl Sized + use<> {
    let (dropped, thread, not_send) = (dropped.clone(), here(), Rc::new(()));
    OnDrop::new(move || {
        assert_eq!(here(), thread, "dropped by another thread");
        drop(not_send);
        dropped.add();
    })
}

#[test]
fn a_pinned_task_is_made_polled_and_dropped_on_one_worker_thread() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let dropped = Tally::default();
        let tasks: Vec<_> = (0..200)
            .map(|number| {
                let dropped = dropped.clone();
                runtime.spawn_pinned(move || {
                    let thread = here();
                    assert_eq!(thread::current().name(), Some("runtime-worker"));
                    let bound = bound_to_this_thread(&dropped);
                    async move {
                        let _bound = bound;
                        for _ in 0..number % 7 {
                            yield_now().await;
                            assert_eq!(here(), thread);
                        }
                        if number % 5 == 0 {
                            time::sleep(Duration::from_millis(1)).await;
                        } else {
                            runtime::spawn(yield_now()).await.unwrap();
                        }
                        assert_eq!(here(), thread);
                        number
                    }
                })
            })
            .collect();
        let sum: usize = runtime.block_on(async {
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!((sum, dropped.get()), (19_900, 200));
        until_no_tasks(&runtime);
    }
}

#[test]
fn the_worker_with_the_fewest_pinned_tasks_is_chosen() {
    let _watchdog = watchdog();
    let runtime = pool(3);
    let threads: Vec<_> = (0..9)
        .map(|_| {
            let (told, tell) = (Arc::new(Mutex::new(None)), Gate::default());
            let (at, gate) = (Arc::clone(&told), tell.clone());
            drop(runtime.spawn_pinned(move || {
                *at.lock() = Some(here());
                gate.open();
                pending::<()>()
            }));
            tell.wait();
            told.lock().unwrap()
        })
        .collect();
    let different: HashSet<_> = threads.iter().copied().collect();
    assert_eq!(different.len(), 3);
    for thread in different {
        assert_eq!(threads.iter().filter(|other| **other == thread).count(), 3);
    }
    assert_eq!(runtime.metrics().live_tasks, 9);
}

// T9
#[test]
fn a_pinned_task_aborted_from_afar_is_dropped_on_its_owner() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let dropped = Tally::default();
        let rounds = count(300, 30_000);
        for _ in 0..rounds {
            let (made, yields) = (dropped.clone(), rng.below(4));
            let task = runtime.spawn_pinned(move || {
                let bound = bound_to_this_thread(&made);
                async move {
                    let _bound = bound;
                    for _ in 0..yields {
                        yield_now().await;
                    }
                    pending::<()>().await;
                }
            });
            let before = dropped.get();
            rng.spin(3_000);
            task.abort();
            assert!(runtime.block_on(task).unwrap_err().is_cancelled());
            // Aborted before its first poll the future was never made.
            assert!(dropped.get() <= before + 1);
        }
        until_no_tasks(&runtime);
    }
}

#[test]
fn a_wake_reaches_a_worker_that_is_busy_parked_or_in_the_driver() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let rounds = count(3_000, 300_000);
        // Each worker has one; so some of the workers wait in the driver, and others by themselves.
        let pairs: Vec<_> = (0..workers)
            .map(|_| {
                let slot = Arc::new(Mutex::new(None::<Waker>));
                let rung = Arc::new(AtomicUsize::new(0));
                let (slot_there, rung_there) = (Arc::clone(&slot), Arc::clone(&rung));
                let task = runtime.spawn_pinned(move || {
                    let polls = Rc::new(Cell::new(0));
                    poll_fn(move |cx| {
                        polls.set(polls.get() + 1);
                        if rung.load(Ordering::SeqCst) == rounds {
                            return Poll::Ready(polls.get());
                        }
                        *slot.lock() = Some(cx.waker().clone());
                        Poll::Pending
                    })
                });
                let mut rng = rng.fork();
                let ringer = thread::spawn(move || {
                    while rung_there.load(Ordering::SeqCst) < rounds {
                        let Some(waker) = slot_there.lock().take() else {
                            thread::yield_now();
                            continue;
                        };
                        rng.spin(300);
                        rung_there.fetch_add(1, Ordering::SeqCst);
                        waker.wake();
                    }
                });
                (task, ringer)
            })
            .collect();
        for (task, ringer) in pairs {
            assert!(runtime.block_on(task).unwrap() > 1);
            ringer.join().unwrap();
        }
    }
}

#[test]
fn pinned_and_other_tasks_of_one_worker_take_turns() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let stop = Arc::new(AtomicBool::new(false));
    let hot = |stop: Arc<AtomicBool>| async move {
        while !stop.load(Ordering::Relaxed) {
            yield_now().await;
        }
    };
    let (first, second) = (Arc::clone(&stop), Arc::clone(&stop));
    let pinned = runtime.spawn_pinned(move || hot(first));
    let other = runtime.spawn(hot(second));
    runtime.block_on(async {
        runtime.spawn(async {}).await.unwrap();
        runtime.spawn_pinned(|| async {}).await.unwrap();
        runtime.spawn(time::sleep(Duration::from_millis(1))).await.unwrap();
        runtime.spawn_pinned(|| time::sleep(Duration::from_millis(1))).await.unwrap();
        stop.store(true, Ordering::Relaxed);
        pinned.await.unwrap();
        other.await.unwrap();
    });
}

#[test]
fn new_pinned_tasks_are_not_put_where_the_thread_is_held_up() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let (open, blocked) = (Gate::default(), Gate::default());
    let (open_there, blocked_there) = (open.clone(), blocked.clone());
    let blocks = runtime.spawn(async move {
        block_in_place(|| {
            blocked_there.open();
            open_there.wait();
        });
    });
    blocked.wait();
    for _ in 0..8 {
        runtime.block_on(runtime.spawn_pinned(|| async {})).unwrap();
    }
    open.open();
    runtime.block_on(blocks).unwrap();
    // Nor where it is the one that waits for them.
    for _ in 0..8 {
        let handle = runtime.handle().clone();
        let waits = async move { block_in_place(|| handle.block_on(handle.spawn_pinned(|| async {}))) };
        runtime.block_on(runtime.spawn(waits)).unwrap().unwrap();
    }
}

#[test]
fn a_local_task_may_wait_in_its_destructor_when_the_one_thread_leaves() {
    struct Sleeps;

    impl Drop for Sleeps {
        fn drop(&mut self) {
            pollster::block_on(time::sleep(Duration::from_millis(1)));
        }
    }

    let _watchdog = watchdog();
    let runtime = Builder::new_current_thread().build().unwrap();
    for _ in 0..2 {
        runtime.block_on(async {
            drop(runtime::task::spawn_local(async {
                let _sleeps = Sleeps;
                pending::<()>().await;
            }));
            yield_now().await;
        });
    }
}

#[test]
fn while_a_pinned_task_blocks_in_place_its_siblings_wait_for_their_thread() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let (open, blocked) = (Gate::default(), Gate::default());
    let (open_there, blocked_there) = (open.clone(), blocked.clone());
    let first = runtime.spawn_pinned(move || {
        let thread = here();
        async move {
            let kept = Rc::new(1);
            block_in_place(|| {
                blocked_there.open();
                open_there.wait();
            });
            assert_eq!(here(), thread);
            (thread, *kept)
        }
    });
    blocked.wait();
    let ran = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&ran);
    let second = runtime.spawn_pinned(move || async move {
        set.store(true, Ordering::SeqCst);
        here()
    });
    // Tasks that may be anywhere are run by the one who stands in, on another thread.
    let stand_in = runtime.block_on(runtime.spawn(async { here() })).unwrap();
    assert!(!ran.load(Ordering::SeqCst));
    open.open();
    let (thread, one) = runtime.block_on(first).unwrap();
    assert_eq!((runtime.block_on(second).unwrap(), one), (thread, 1));
    assert_ne!(stand_in, thread);
}

#[test]
fn the_end_of_the_runtime_drops_pinned_futures_on_their_threads_before_these_end() {
    let _watchdog = watchdog();
    thread_local! { static STOPPED: Cell<bool> = const { Cell::new(false) }; }
    for workers in WORKERS {
        for _ in 0..count(3, 300) {
            let (dropped, made) = (Tally::default(), Tally::default());
            let runtime = Runtime::builder()
                .worker_threads(workers)
                .on_thread_stop(|| STOPPED.set(true))
                .build()
                .unwrap();
            let handles: Vec<_> = (0..2 * workers)
                .map(|_| {
                    let (dropped, made) = (dropped.clone(), made.clone());
                    runtime.spawn_pinned(move || {
                        let bound = bound_to_this_thread(&dropped);
                        let before = OnDrop::new(|| assert!(!STOPPED.get(), "the thread has stopped"));
                        made.add();
                        async move {
                            let _bound = (bound, before);
                            pending::<()>().await;
                        }
                    })
                })
                .collect();
            until(|| made.get() == handles.len());
            drop(runtime);
            assert_eq!(dropped.get(), handles.len());
            for handle in handles {
                assert!(pollster::block_on(handle).unwrap_err().is_cancelled());
            }
        }
    }
}

#[test]
fn spawns_wakes_and_aborts_against_the_end_of_the_runtime_are_clean() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for round in 0..count(100, 10_000) {
        let runtime = if round % 4 == 0 { current_thread() } else { pool(1 + round % 2) };
        let (dropped, made, closures) = (Tally::default(), Tally::default(), Tally::default());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (handle, mut rng) = (runtime.handle().clone(), rng.fork());
                let (dropped, made, closures) = (dropped.clone(), made.clone(), closures.clone());
                thread::spawn(move || {
                    let spawn = |_| {
                        let (dropped, made, guard) = (dropped.clone(), made.clone(), closures.on_drop());
                        let slot = Arc::new(Mutex::new(None::<Waker>));
                        let at = Arc::clone(&slot);
                        let task = handle.spawn_pinned(move || {
                            drop(guard);
                            made.add();
                            let bound = bound_to_this_thread(&dropped);
                            poll_fn(move |cx| -> Poll<()> {
                                let _ = &bound;
                                *at.lock() = Some(cx.waker().clone());
                                Poll::Pending
                            })
                        });
                        (task, slot)
                    };
                    let tasks: Vec<_> = (0..20).map(spawn).collect();
                    for (task, slot) in &tasks {
                        rng.spin(100);
                        if let Some(waker) = slot.lock().take() {
                            waker.wake();
                        }
                        if rng.below(2) == 0 {
                            task.abort();
                        }
                    }
                    tasks.into_iter().map(|(task, _)| task).collect::<Vec<_>>()
                })
            })
            .collect();
        rng.spin(20_000);
        if round % 8 == 0 {
            runtime.block_on(yield_now());
        }
        drop(runtime);
        let tasks: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        for task in tasks {
            assert!(pollster::block_on(task).unwrap_err().is_cancelled());
        }
        assert_eq!(dropped.get(), made.get());
        assert_eq!(closures.get(), 40);
    }
}

#[test]
fn local_tasks_of_a_pinned_task_are_pinned_to_the_same_thread() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let task = runtime.spawn_pinned(|| async {
        let thread = here();
        let shared = Rc::new(Cell::new(0));
        let children: Vec<_> = (0..10)
            .map(|_| {
                let shared = Rc::clone(&shared);
                spawn_local(async move {
                    yield_now().await;
                    shared.set(shared.get() + 1);
                    here()
                })
            })
            .collect();
        for child in children {
            assert_eq!(child.await.unwrap(), thread);
        }
        shared.get()
    });
    assert_eq!(runtime.block_on(task).unwrap(), 10);
    until_no_tasks(&runtime);
}

#[test]
fn on_a_current_thread_runtime_they_run_on_the_thread_in_block_on() {
    let _watchdog = watchdog();
    let runtime = current_thread();
    // Spawned while nobody is there, from another thread.
    let handle = runtime.handle().clone();
    let early = thread::spawn(move || handle.spawn_pinned(|| async { here() })).join().unwrap();
    assert_eq!(runtime.block_on(early).unwrap(), here());
    runtime.block_on(async {
        let shared = Rc::new(5);
        let task = spawn_local({
            let shared = Rc::clone(&shared);
            async move {
                time::sleep(Duration::from_millis(1)).await;
                *shared
            }
        });
        // A task that may be anywhere is polled here as well.
        let nested = runtime::spawn(async { spawn_local(async { 6 }).await.unwrap() });
        let pinned = spawn_pinned(|| async { here() });
        assert_eq!(task.await.unwrap() + nested.await.unwrap(), 11);
        assert_eq!(pinned.await.unwrap(), here());
    });
    // Woken from elsewhere while this thread waits.
    let gate = Gate::default();
    let opened = gate.clone();
    let waits = runtime::spawn_blocking;
    runtime.block_on(async move {
        let task = spawn_local(async move {
            let not_send = Rc::new(1);
            waits(move || opened.wait()).await.unwrap();
            *not_send
        });
        yield_now().await;
        gate.open();
        assert_eq!(task.await.unwrap(), 1);
    });
    until_no_tasks(&runtime);
}

#[test]
fn local_tasks_of_a_current_thread_runtime_end_with_block_on_and_others_go_on() {
    let _watchdog = watchdog();
    let runtime = current_thread();
    let dropped = Tally::default();
    for round in 1..=4 {
        let body = || {
            runtime.block_on(async {
                let bound = bound_to_this_thread(&dropped);
                let task = spawn_local(async move {
                    let _bound = bound;
                    pending::<()>().await;
                });
                yield_now().await;
                task
            })
        };
        // Now on this thread, now on another.
        if round % 2 == 0 {
            let finished = thread::scope(|scope| scope.spawn(|| body().is_finished()).join().unwrap());
            assert!(finished);
        } else {
            assert!(pollster::block_on(body()).unwrap_err().is_cancelled());
        }
        assert_eq!(dropped.get(), round);
        assert_eq!(runtime.metrics().live_tasks, 0);
    }
    // A root that panics ends them too.
    let message = panic_message(|| {
        runtime.block_on(async {
            let bound = bound_to_this_thread(&dropped);
            drop(spawn_local(async move {
                let _bound = bound;
                pending::<()>().await;
            }));
            yield_now().await;
            panic!("as announced");
        })
    });
    assert_eq!((&*message, dropped.get()), ("as announced", 5));
}

#[test]
fn closures_that_no_thread_came_for_are_dropped_with_the_runtime() {
    let _watchdog = watchdog();
    let runtime = current_thread();
    let dropped = Tally::default();
    let guard = dropped.on_drop();
    let task = runtime.spawn_pinned(move || async move { drop(guard) });
    drop(runtime);
    assert_eq!(dropped.get(), 1);
    assert!(pollster::block_on(task).unwrap_err().is_cancelled());
}

#[test]
fn cancelling_a_local_or_a_pinned_task_waits_until_its_thread_has_dropped_the_future() {
    let _watchdog = watchdog();
    for runtime in [pool(2), current_thread()] {
        let dropped = Tally::default();
        let at = dropped.clone();
        let pinned = runtime.spawn_pinned(move || {
            let bound = bound_to_this_thread(&at);
            async move {
                let _bound = bound;
                pending::<()>().await;
            }
        });
        let set = LocalSet::new();
        let bound = bound_to_this_thread(&dropped);
        let local = set.spawn_local(async move {
            let _bound = bound;
            pending::<()>().await;
        });
        runtime.block_on(set.run_until(async {
            yield_now().await;
            assert!(local.cancel().await.unwrap_err().is_cancelled());
            let of_both = dropped.get();
            assert!(pinned.cancel().await.unwrap_err().is_cancelled());
            // The pinned one may have been cancelled before its future was made.
            assert!(of_both == 1 && dropped.get() <= 2);
        }));
    }
}

#[test]
fn after_the_end_pinned_and_local_tasks_are_cancelled() {
    let _watchdog = watchdog();
    for runtime in [pool(1), current_thread()] {
        let handle = runtime.handle().clone();
        drop(runtime);
        assert!(pollster::block_on(handle.spawn_pinned(|| async {})).unwrap_err().is_cancelled());
    }
    // Shut down from within; the future in `block_on` goes on.
    let runtime = current_thread();
    let handle = runtime.handle().clone();
    handle.block_on(async move {
        let before = spawn_local(pending::<()>());
        runtime.shutdown_background();
        yield_now().await;
        assert!(before.await.unwrap_err().is_cancelled());
        assert!(spawn_local(async {}).await.unwrap_err().is_cancelled());
    });
}

#[test]
fn destructors_of_pinned_futures_may_spawn_while_the_runtime_ends() {
    let _watchdog = watchdog();
    for runtime in [pool(2), current_thread()] {
        let spawned = Arc::new(Mutex::new(Vec::new()));
        let (at, polled, ended) = (Arc::clone(&spawned), Gate::default(), Gate::default());
        let (tell, guard) = (polled.clone(), OpenOnDrop(ended.clone()));
        let handle = runtime.handle().clone();
        drop(runtime.spawn_pinned(move || {
            tell.open();
            let on_drop = OnDrop::new(move || {
                at.lock().extend([
                    spawn_local(async {}),
                    handle.spawn_pinned(|| async {}),
                    handle.spawn(pending::<()>()),
                ]);
                drop(guard);
            });
            async move {
                let _on_drop = on_drop;
                pending::<()>().await;
            }
        }));
        runtime.block_on(yield_now());
        polled.wait();
        drop(runtime);
        ended.wait();
        for task in spawned.lock().drain(..) {
            assert!(pollster::block_on(task).unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn a_closure_or_a_future_that_panics_gives_a_join_error_and_the_thread_goes_on() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let in_closure = runtime.spawn_pinned(|| -> std::future::Ready<()> { panic_silently() });
    assert!(runtime.block_on(in_closure).unwrap_err().is_panic());
    let in_future = runtime.spawn_pinned(|| async { panic_silently() });
    assert!(runtime.block_on(in_future).unwrap_err().is_panic());
    assert_eq!(runtime.block_on(runtime.spawn_pinned(|| async { 3 })).unwrap(), 3);
    let message = panic_message(|| spawn_pinned(|| async {}));
    assert_helpful(&message, "runtime::task::spawn_pinned");
}
