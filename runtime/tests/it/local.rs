//! Tasks that stay on their thread: `LocalSet` and `spawn_local`, under any executor.
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use parking_lot::Mutex;
use runtime::task::{JoinSet, LocalSet, coop, spawn_local, yield_now};
use runtime::{Builder, time};

use crate::support::{
    Gate, OnDrop, Rng, Tally, WakeCount, assert_helpful, count, panic_message, panic_silently, pool, watchdog,
};

fn here() -> ThreadId {
    thread::current().id()
}

/// Polls once with a waker that does nothing.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A future that leaves its waker in `slot` at each poll, and is ready when `done` says so.
fn wait_for(done: Arc<AtomicBool>, slot: Arc<Mutex<Option<Waker>>>) -> impl Future<Output = ()> {
    poll_fn(move |cx| {
        *slot.lock() = Some(cx.waker().clone());
        if done.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// Local tasks that hold an `Rc` over awaits of everything that there is to wait for.
async fn everything_local() {
    let thread = here();
    let set = LocalSet::new();
    set.run_until(async move {
        let shared = Rc::new(Cell::new(0));
        let mut tasks = Vec::new();
        for number in 0..100 {
            let shared = Rc::clone(&shared);
            tasks.push(spawn_local(async move {
                yield_now().await;
                if number % 25 == 0 {
                    time::sleep(Duration::from_millis(1)).await;
                }
                shared.set(shared.get() + number);
                assert_eq!(here(), thread);
                Rc::clone(&shared)
            }));
        }
        for task in tasks {
            assert!(Rc::ptr_eq(&task.await.unwrap(), &shared));
        }
        assert_eq!(shared.get(), 4950);

        let listener = runtime::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn_local(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            stream.read(&mut byte).await.unwrap();
            stream.write_all(&byte).await.unwrap();
        });
        let mut client = runtime::net::TcpStream::connect(address).await.unwrap();
        client.write_all(b"x").await.unwrap();
        let mut byte = [0];
        assert_eq!(client.read(&mut byte).await.unwrap(), 1);
        assert_eq!(&byte, b"x");
        server.await.unwrap();
    })
    .await;
}

#[test]
fn a_set_runs_under_any_executor_and_its_tasks_on_their_thread() {
    let _watchdog = watchdog();
    runtime::block_on(everything_local());
    pool(2).block_on(everything_local());
    Builder::new_current_thread().build().unwrap().block_on(everything_local());
    pollster::block_on(everything_local());
    futures::executor::block_on(everything_local());
    smol::block_on(everything_local());
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(everything_local());
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap()
        .block_on(everything_local());
    let local = tokio::task::LocalSet::new();
    local.block_on(&tokio::runtime::Builder::new_current_thread().build().unwrap(), async {
        tokio::task::spawn_local(everything_local()).await.unwrap()
    });
}

#[test]
fn block_on_drives_the_set_inside_the_runtime() {
    let _watchdog = watchdog();
    for runtime in [pool(2), Builder::new_current_thread().build().unwrap()] {
        let set = LocalSet::new();
        let kept = set.spawn_local(async {
            time::sleep(Duration::from_millis(1)).await;
            runtime::spawn(async { 1 }).await.unwrap()
        });
        let sum = set.block_on(&runtime, async {
            let sibling = spawn_local(async { runtime::spawn_blocking(|| 2).await.unwrap() });
            kept.await.unwrap() + sibling.await.unwrap()
        });
        assert_eq!(sum, 3);
    }
}

// T9
#[test]
fn a_local_task_aborted_from_afar_is_dropped_on_its_owner() {
    let _watchdog = watchdog();
    let (dropped, polls) = (Tally::default(), Tally::default());
    let mut rng = Rng::new();
    let rounds = count(200, 20_000);
    runtime::block_on(LocalSet::new().run_until(async {
        for _ in 0..rounds {
            let owner = here();
            let on_drop = OnDrop::new({
                let dropped = dropped.clone();
                move || {
                    assert_eq!(here(), owner, "dropped by another thread");
                    dropped.add();
                }
            });
            let polls = polls.clone();
            let yields = rng.below(4);
            // Not `Send`: the compiler does not allow for any other thread either.
            let not_send = Rc::new(());
            let task = spawn_local(async move {
                let _kept = (on_drop, not_send);
                for _ in 0..yields {
                    polls.add();
                    yield_now().await;
                }
                std::future::pending::<()>().await;
            });
            let abort = task.abort_handle();
            let mut other = rng.fork();
            let aborter = thread::spawn(move || {
                other.spin(2_000);
                abort.abort();
                abort
            });
            assert!(task.await.unwrap_err().is_cancelled());
            // The last reference goes over there: it frees the cell alone.
            drop(aborter.join().unwrap());
        }
    }));
    assert_eq!(dropped.get(), rounds);
}

// T9
#[test]
fn an_aborted_task_waits_for_its_owner_and_is_not_polled_again() {
    let _watchdog = watchdog();
    let (dropped, polled) = (Tally::default(), Tally::default());
    let set = LocalSet::new();
    let (count, guard) = (polled.clone(), dropped.on_drop());
    let task = set.spawn_local(poll_fn(move |_| -> Poll<()> {
        let _ = &guard;
        count.add();
        Poll::Pending
    }));
    let mut set = pin!(set);
    assert!(poll_once(set.as_mut()).is_pending());
    assert_eq!(polled.get(), 1);
    let abort = task.abort_handle();
    thread::spawn(move || abort.abort()).join().unwrap();
    assert_eq!((dropped.get(), task.is_finished()), (0, false), "nobody but the owner may drop it");
    assert!(poll_once(set.as_mut()).is_ready());
    assert_eq!((dropped.get(), task.is_finished(), polled.get()), (1, true, 1));
    assert!(pollster::block_on(task).unwrap_err().is_cancelled());
}

#[test]
fn wakes_from_other_threads_are_not_lost() {
    let _watchdog = watchdog();
    let rounds = count(2_000, 200_000);
    for threads in [1, 4] {
        runtime::block_on(LocalSet::new().run_until(async {
            let tasks: Vec<_> = (0..threads)
                .map(|_| {
                    let slot = Arc::new(Mutex::new(None::<Waker>));
                    let rung = Arc::new(AtomicUsize::new(0));
                    let (slot_there, rung_there) = (Arc::clone(&slot), Arc::clone(&rung));
                    let ringer = thread::spawn(move || {
                        while rung_there.load(Ordering::SeqCst) < rounds {
                            // Each waker is used once; what it has to tell comes before.
                            let Some(waker) = slot_there.lock().take() else {
                                thread::yield_now();
                                continue;
                            };
                            rung_there.fetch_add(1, Ordering::SeqCst);
                            waker.wake();
                        }
                    });
                    let mut seen = 0;
                    let task = spawn_local(poll_fn(move |cx| {
                        let now = rung.load(Ordering::SeqCst);
                        if now == rounds {
                            return Poll::Ready(());
                        }
                        assert!(now >= seen);
                        seen = now;
                        *slot.lock() = Some(cx.waker().clone());
                        Poll::Pending
                    }));
                    (task, ringer)
                })
                .collect();
            for (task, ringer) in tasks {
                task.await.unwrap();
                ringer.join().unwrap();
            }
        }));
    }
}

#[test]
fn a_wake_rings_for_the_set_once_however_many_tasks_become_ready() {
    let _watchdog = watchdog();
    let set = LocalSet::new();
    let done = Arc::new(AtomicBool::new(false));
    let slots: Vec<_> = (0..10).map(|_| Arc::new(Mutex::new(None))).collect();
    for slot in &slots {
        drop(set.spawn_local(wait_for(Arc::clone(&done), Arc::clone(slot))));
    }
    let (wakes, waker) = WakeCount::new();
    let mut set = pin!(set);
    assert!(set.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(wakes.get(), 0);
    let take_all = || slots.iter().map(|slot| slot.lock().take().unwrap()).collect::<Vec<_>>();
    // From afar, then from here.
    let wakers = take_all();
    thread::spawn(move || wakers.into_iter().for_each(Waker::wake)).join().unwrap();
    assert_eq!(wakes.get(), 1);
    assert!(set.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    take_all().into_iter().for_each(Waker::wake);
    assert_eq!(wakes.get(), 2);
    done.store(true, Ordering::SeqCst);
    assert!(set.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}

#[test]
fn a_busy_set_lets_its_neighbours_run() {
    let _watchdog = watchdog();
    let set = LocalSet::new();
    let stop = Rc::new(Cell::new(false));
    for _ in 0..3 {
        let stop = Rc::clone(&stop);
        drop(set.spawn_local(async move {
            while !stop.get() {
                yield_now().await;
            }
        }));
    }
    runtime::block_on(async {
        let neighbour = async {
            for _ in 0..100 {
                yield_now().await;
            }
            stop.set(true);
        };
        futures::join!(set, neighbour);
    });
}

#[test]
fn a_task_whose_operations_are_always_ready_lets_its_siblings_run() {
    let _watchdog = watchdog();
    runtime::block_on(LocalSet::new().run_until(async {
        let stop = Rc::new(Cell::new(false));
        let hot = spawn_local({
            let stop = Rc::clone(&stop);
            async move {
                while !stop.get() {
                    coop::consume_budget().await;
                }
            }
        });
        spawn_local(async move { stop.set(true) }).await.unwrap();
        hot.await.unwrap();
    }));
}

#[test]
fn dropping_the_set_drops_its_tasks_here_and_cancels_their_handles() {
    let _watchdog = watchdog();
    let dropped = Tally::default();
    let set = LocalSet::new();
    let slot = Arc::new(Mutex::new(None));
    let thread = here();
    let spawn = || {
        let (slot, dropped) = (Arc::clone(&slot), dropped.clone());
        let guard = OnDrop::new(move || {
            assert_eq!(here(), thread);
            dropped.add();
        });
        set.spawn_local(async move {
            let _guard = guard;
            wait_for(Arc::default(), slot).await;
        })
    };
    let (polled, woken, never_polled) = (spawn(), spawn(), spawn());
    let large = set.spawn_local(async {
        let large = [0u8; 2_000];
        std::future::pending::<()>().await;
        assert_eq!(large.len(), 0);
    });
    let mut set = Some(Box::pin(set));
    assert!(poll_once(set.as_mut().unwrap().as_mut()).is_pending());
    let waker = slot.lock().take().unwrap();
    waker.wake_by_ref();
    let fresh = set.as_ref().unwrap().spawn_local(async {});
    drop(set.take());
    assert_eq!(dropped.get(), 3);
    for handle in [polled, woken, never_polled, large, fresh] {
        assert!(handle.is_finished());
        assert!(pollster::block_on(handle).unwrap_err().is_cancelled());
    }
    // Nothing freed is touched (under the address sanitizer).
    waker.wake_by_ref();
    thread::spawn(move || waker.wake()).join().unwrap();
}

#[test]
fn a_wake_or_an_abort_against_the_drop_of_the_set_is_clean() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for _ in 0..count(500, 50_000) {
        let dropped = Tally::default();
        let set = LocalSet::new();
        let slot = Arc::new(Mutex::new(None));
        let (guard, at) = (dropped.on_drop(), Arc::clone(&slot));
        let not_send = Rc::new(());
        let task = set.spawn_local(async move {
            let _kept = (guard, not_send);
            wait_for(Arc::default(), at).await;
        });
        let mut set = Box::pin(set);
        assert!(poll_once(set.as_mut()).is_pending());
        let waker = slot.lock().take().unwrap();
        let (abort, mut first, mut second) = (task.abort_handle(), rng.fork(), rng.fork());
        let threads = [
            thread::spawn(move || {
                first.spin(500);
                waker.wake();
            }),
            thread::spawn(move || {
                second.spin(500);
                abort.abort();
            }),
        ];
        rng.spin(500);
        drop(set);
        assert_eq!(dropped.get(), 1);
        assert!(pollster::block_on(task).unwrap_err().is_cancelled());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

#[test]
fn destructors_may_spawn_wake_abort_and_drop_other_sets() {
    let _watchdog = watchdog();
    let handles = Rc::new(RefCell::new(Vec::new()));
    let set = LocalSet::new();
    let slot = Arc::new(Mutex::new(None));
    let sibling = set.spawn_local(wait_for(Arc::default(), Arc::clone(&slot)));
    let abort = sibling.abort_handle();
    let (inner, inner_dropped) = (LocalSet::new(), Tally::default());
    drop(inner.spawn_local({
        let guard = inner_dropped.on_drop();
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    }));
    let (spawned, waker) = (Rc::clone(&handles), Arc::clone(&slot));
    drop(set.spawn_local(async move {
        let _guard = OnDrop::new(move || {
            // Into the set that is going.
            spawned.borrow_mut().push(spawn_local(async {}));
            if let Some(waker) = waker.lock().take() {
                waker.wake();
            }
            abort.abort();
            drop(inner);
            panic_silently();
        });
        std::future::pending::<()>().await;
    }));
    let mut set = Box::pin(set);
    assert!(poll_once(set.as_mut()).is_pending());
    drop(set);
    assert_eq!(inner_dropped.get(), 1);
    assert!(pollster::block_on(sibling).unwrap_err().is_cancelled());
    let spawned = handles.take().pop().unwrap();
    assert!(pollster::block_on(spawned).unwrap_err().is_cancelled());
}

#[test]
fn a_set_in_a_thread_locals_destructor_ends() {
    let _watchdog = watchdog();
    type Late = OnDrop<fn()>;
    thread_local! {
        static SET: RefCell<Option<LocalSet>> = const { RefCell::new(None) };
        static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    let dropped = Tally::default();
    let guard = dropped.on_drop();
    let handle = thread::spawn(move || {
        LATE.with(|late| {
            *late.borrow_mut() = Some(OnDrop::new(|| {
                // A set made, run and dropped while the thread's values go.
                let set = LocalSet::new();
                let task = set.spawn_local(async { 5 });
                assert_eq!(pollster::block_on(set.run_until(task)).unwrap(), 5);
            }));
        });
        let set = LocalSet::new();
        let handle = set.spawn_local(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        SET.with(|slot| *slot.borrow_mut() = Some(set));
        handle
    })
    .join()
    .unwrap();
    assert_eq!(dropped.get(), 1);
    assert!(pollster::block_on(handle).unwrap_err().is_cancelled());
}

#[test]
fn a_set_that_several_futures_drive_goes_on_when_one_is_dropped() {
    let _watchdog = watchdog();
    let set = LocalSet::new();
    let task = set.spawn_local(async {
        for _ in 0..1_000 {
            yield_now().await;
        }
        time::sleep(Duration::from_millis(1)).await;
        7
    });
    runtime::block_on(async {
        let mut drivers = FuturesUnordered::<Pin<Box<dyn Future<Output = u32>>>>::new();
        drivers.push(Box::pin(set.run_until(async { task.await.unwrap() })));
        for polls in [1, 3, 9] {
            // Each is woken by itself, drives the set for a while, and is gone.
            let mut left = polls;
            drivers.push(Box::pin(set.run_until(poll_fn(move |_| {
                left -= 1;
                if left == 0 { Poll::Ready(0) } else { Poll::Pending }
            }))));
        }
        while drivers.next().await != Some(7) {}
    });
}

#[test]
fn a_set_may_be_driven_inside_of_its_own_tasks() {
    let _watchdog = watchdog();
    let set = Rc::new(LocalSet::new());
    let inner = Rc::clone(&set);
    let task = set.spawn_local(async move {
        let first = spawn_local(async {
            yield_now().await;
            1
        });
        inner.run_until(async move { first.await.unwrap() + spawn_local(async { 2 }).await.unwrap() }).await
    });
    assert_eq!(runtime::block_on(set.run_until(task)).unwrap(), 3);
}

#[test]
fn the_innermost_set_counts() {
    let _watchdog = watchdog();
    let (outer, inner) = (LocalSet::new(), LocalSet::new());
    let live = |set: &LocalSet| format!("{set:?}");
    runtime::block_on(outer.run_until(async {
        inner.run_until(async { drop(spawn_local(std::future::pending::<()>())) }).await;
        assert_eq!((&*live(&outer), &*live(&inner)), ("LocalSet { tasks: 0 }", "LocalSet { tasks: 1 }"));
        drop(spawn_local(std::future::pending::<()>()));
        assert_eq!(live(&outer), "LocalSet { tasks: 1 }");
        let entered = inner.enter();
        drop(spawn_local(std::future::pending::<()>()));
        assert_eq!(live(&inner), "LocalSet { tasks: 2 }");
        drop(entered);
        drop(spawn_local(std::future::pending::<()>()));
        assert_eq!(live(&outer), "LocalSet { tasks: 2 }");
    }));
}

#[test]
fn what_is_spawned_after_the_end_of_an_entered_set_is_cancelled() {
    let set = LocalSet::new();
    let entered = set.enter();
    drop(set);
    let dropped = Tally::default();
    let guard = dropped.on_drop();
    let task = spawn_local(async move { drop(guard) });
    assert_eq!(dropped.get(), 1);
    drop(entered);
    assert!(pollster::block_on(task).unwrap_err().is_cancelled());
}

#[test]
fn awaiting_the_set_waits_for_all_of_its_tasks_each_time() {
    let _watchdog = watchdog();
    let done = Rc::new(Cell::new(0));
    let mut set = LocalSet::default();
    for round in 1..=3 {
        for _ in 0..10 {
            let done = Rc::clone(&done);
            drop(set.spawn_local(async move {
                time::sleep(Duration::from_millis(1)).await;
                let last = spawn_local(async move { done.set(done.get() + 1) });
                drop(last);
            }));
        }
        runtime::block_on(&mut set);
        assert_eq!(done.get(), 10 * round);
    }
}

#[test]
fn a_task_that_panics_harms_nobody() {
    let _watchdog = watchdog();
    runtime::block_on(LocalSet::new().run_until(async {
        let sibling = spawn_local(async {
            yield_now().await;
            3
        });
        let error = spawn_local(async { panic_silently() }).await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(sibling.await.unwrap(), 3);
    }));
    // The future that drives the set may panic too; the set goes on.
    let set = LocalSet::new();
    let task = set.spawn_local(async { 4 });
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime::block_on(set.run_until(async { panic_silently() }));
    }));
    assert!(unwound.is_err());
    assert_eq!(runtime::block_on(set.run_until(task)).unwrap(), 4);
}

#[test]
fn a_handle_of_a_send_output_may_be_awaited_anywhere() {
    let _watchdog = watchdog();
    let pool = pool(1);
    let set = LocalSet::new();
    let task = set.spawn_local(async {
        time::sleep(Duration::from_millis(1)).await;
        *Rc::new(5) + 1
    });
    let awaited = pool.spawn(async move { task.await.unwrap() });
    runtime::block_on(set);
    assert_eq!(pool.block_on(awaited).unwrap(), 6);
}

#[test]
fn spawning_where_no_set_runs_says_what_to_do() {
    let message = panic_message(|| spawn_local(async {}));
    assert_helpful(&message, "runtime::task::spawn_local");
    let runtime = pool(1);
    let message = runtime.block_on(runtime.spawn(async {
        let message = panic_message(|| spawn_local(async {}));
        assert_helpful(&message, "runtime::task::spawn_local");
        message
    }));
    assert!(message.unwrap().contains("LocalSet"));
}

#[test]
fn task_locals_identifiers_and_join_sets_are_as_with_other_tasks() {
    runtime::task_local! { static NAME: &'static str; }
    let _watchdog = watchdog();
    let set = LocalSet::new();
    let mut tasks = JoinSet::new();
    let ids: Vec<_> =
        (0..4).map(|number| tasks.spawn_local_on(async move { Rc::new(number) }, &set).id()).collect();
    runtime::block_on(set.run_until(async move {
        tasks.spawn_local(NAME.scope("ada", async { Rc::new(NAME.get().len()) }));
        let mut sum = 0;
        let mut seen = Vec::new();
        while let Some(joined) = tasks.join_next_with_id().await {
            let (id, value) = joined.unwrap();
            seen.push(id);
            sum += *value;
        }
        assert_eq!(sum, 1 + 2 + 3 + 3);
        assert!(ids.iter().all(|id| seen.contains(id)));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5);
    }));
}

#[test]
fn a_blocked_owner_is_woken_by_each_of_many_threads() {
    let _watchdog = watchdog();
    let gates: Vec<_> = (0..8).map(|_| (Gate::default(), Arc::default(), Arc::default())).collect();
    let threads: Vec<_> = gates
        .iter()
        .cloned()
        .map(|(gate, done, slot): (Gate, Arc<AtomicBool>, Arc<Mutex<Option<Waker>>>)| {
            thread::spawn(move || {
                gate.wait();
                done.store(true, Ordering::SeqCst);
                if let Some(waker) = slot.lock().take() {
                    waker.wake();
                }
            })
        })
        .collect();
    pool(1).block_on(LocalSet::new().run_until(async {
        let mut last = None;
        for (gate, done, slot) in gates {
            let task = spawn_local(wait_for(done, slot));
            gate.open();
            if let Some(before) = last.replace(task) {
                before.await.unwrap();
            }
        }
        last.unwrap().await.unwrap();
    }));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// One that drives the set leaves tasks ready, and is neither polled again nor dropped.
#[test]
fn tasks_that_one_driver_leaves_ready_are_told_to_the_others() {
    let set = LocalSet::new();
    let (tx, rx) = futures::channel::oneshot::channel::<()>();
    let (b_count, b_waker) = WakeCount::new();
    let mut b = pin!(set.run_until(rx));
    assert!(b.as_mut().poll(&mut Context::from_waker(&b_waker)).is_pending());
    let mut a = pin!(set.run_until(async {
        for _ in 0..100 {
            drop(spawn_local(async {}));
        }
        drop(spawn_local(async move { tx.send(()).unwrap() }));
        std::future::pending::<()>().await;
    }));
    assert!(poll_once(a.as_mut()).is_pending());
    // `a` is kept, and not polled again.
    assert!(b_count.get() > 0, "the one that waits for the last of them runs the rest");
}

/// What it spawns is refused there and then: were it queued and cancelled in its turn, its like would follow for ever.
#[test]
fn leaving_block_on_ends_although_destructors_spawn_their_like() {
    const MOST: usize = 10;
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }
    struct Again(fn(Again), Tally);
    impl Drop for Again {
        fn drop(&mut self) {
            self.1.add();
            let depth = DEPTH.get();
            if depth < MOST {
                DEPTH.set(depth + 1);
                (self.0)(Again(self.0, self.1.clone()));
                DEPTH.set(depth);
            }
        }
    }
    async fn waits(again: Again) {
        let _again = again;
        std::future::pending::<()>().await;
    }
    let _watchdog = watchdog();
    let local = |again| {
        let refused = spawn_local(waits(again));
        // While it is polled, and not yet dropped, nothing is refused.
        assert_eq!(refused.is_finished(), DEPTH.get() > 0);
    };
    let pinned = |again: Again| {
        let refused = runtime::task::spawn_pinned(|| waits(again));
        assert_eq!(refused.is_finished(), DEPTH.get() > 0);
    };
    let sole = Builder::new_current_thread().build().unwrap();
    for spawn in [local as fn(Again), pinned] {
        let dropped = Tally::default();
        for _ in 0..2 {
            sole.block_on(async {
                spawn(Again(spawn, dropped.clone()));
                yield_now().await;
            });
        }
        assert_eq!(dropped.get(), 2 * (MOST + 1));
        assert_eq!(sole.metrics().live_tasks, 0);
        // The queue is open again.
        assert_eq!(sole.block_on(async { spawn_local(async { 7 }).await }).unwrap(), 7);
    }
}
