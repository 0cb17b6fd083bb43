//! The end of a runtime: from anywhere, without a panic, a hang, or a task forgotten.
use parking_lot::Mutex;
use std::future::{Future, pending, poll_fn};
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use runtime::task::yield_now;
use runtime::{Handle, Runtime};

use crate::support::{
    Gate, Tally, WORKERS, assert_helpful, child, count, live_bytes, panic_message, panic_silently, pool,
    process, until, until_no_tasks, watchdog,
};

/// Tasks that wait for ever, each of which counts its drop.
fn waiting_tasks(runtime: &Runtime, count: usize) -> Tally {
    let dropped = Tally::default();
    for _ in 0..count {
        let guard = dropped.on_drop();
        drop(runtime.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        }));
    }
    dropped
}

// D1
#[test]
fn a_runtime_dropped_by_its_own_task_ends() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        for _ in 0..count(20, 2_000) {
            let runtime = Arc::new(pool(workers));
            let dropped = waiting_tasks(&runtime, 10);
            let inside = Arc::clone(&runtime);
            let (go, wait) = futures::channel::oneshot::channel::<()>();
            let last = runtime.spawn(async move {
                wait.await.unwrap();
                // The last reference: the runtime is dropped by its own worker.
                drop(Arc::into_inner(inside).unwrap());
                7
            });
            drop(runtime);
            go.send(()).unwrap();
            assert_eq!(futures::executor::block_on(last).unwrap(), 7, "its poll goes on");
            until(|| dropped.get() == 10);
        }
    }
}

// D1
#[test]
fn a_runtime_dropped_inside_another_ones_task_ends() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let outer = pool(workers);
        for _ in 0..50 {
            let (inner, dropped) = {
                let inner = pool(2);
                let dropped = waiting_tasks(&inner, 10);
                (inner, dropped)
            };
            outer.block_on(outer.spawn(async move { drop(inner) })).unwrap();
            until(|| dropped.get() == 10);
        }
        // And where a `?` leaves early.
        async fn fails() -> std::io::Result<()> {
            let runtime = Runtime::builder().worker_threads(1).build()?;
            runtime.spawn(async {}).await?;
            Err(std::io::Error::other("on purpose"))
        }
        let error = outer.block_on(outer.spawn(fails())).unwrap().unwrap_err();
        assert_eq!(error.to_string(), "on purpose");
        assert_eq!(outer.block_on(fails()).unwrap_err().to_string(), "on purpose");
        assert_eq!(runtime::block_on(fails()).unwrap_err().to_string(), "on purpose");
    }
}

// D1
#[test]
fn a_runtime_dropped_by_a_task_that_panics_ends() {
    let _watchdog = watchdog();
    let outer = pool(1);
    for _ in 0..50 {
        let inner = pool(1);
        let dropped = waiting_tasks(&inner, 10);
        let task = outer.spawn(async move {
            let _inner = inner;
            yield_now().await;
            panic_silently();
        });
        assert!(outer.block_on(task).unwrap_err().is_panic());
        until(|| dropped.get() == 10);
    }
}

// D1
#[test]
fn two_runtimes_whose_tasks_drop_each_other_end() {
    let _watchdog = watchdog();
    for _ in 0..count(50, 5_000) {
        let runtimes = [pool(1), pool(1)];
        let dropped: Vec<_> = runtimes.iter().map(|runtime| waiting_tasks(runtime, 5)).collect();
        let handles = [runtimes[0].handle().clone(), runtimes[1].handle().clone()];
        let start = Arc::new(std::sync::Barrier::new(2));
        let tasks: Vec<_> = runtimes
            .into_iter()
            .zip([&handles[1], &handles[0]])
            .map(|(runtime, other)| {
                let start = Arc::clone(&start);
                other.spawn(async move {
                    // Both at the same time, each on a worker of the other.
                    start.wait();
                    drop(runtime);
                })
            })
            .collect();
        for task in tasks {
            futures::executor::block_on(task).unwrap();
        }
        until(|| dropped.iter().all(|dropped| dropped.get() == 5));
    }
}

// D2
#[test]
fn a_nested_block_on_panics_with_one_message_that_helps() {
    let _watchdog = watchdog();
    let runtime = Runtime::builder().worker_threads(1).thread_name("nested-worker").build().unwrap();
    let handle = runtime.handle().clone();
    let nested = move |who: &'static str| {
        let message = panic_message(|| handle.block_on(async {}));
        assert_helpful(&message, "Runtime::block_on");
        let free = panic_message(|| runtime::block_on(async {}));
        assert_helpful(&free, "runtime::block_on");
        assert_eq!(free.lines().count(), 3, "{who}: {free}");
        // The same words wherever, but for the thread.
        let words = |message: &str| {
            let name = thread::current().name().unwrap().to_owned();
            message
                .replace(&name, "NAME")
                .replace("Runtime::block_on", "OP")
                .replace("runtime::block_on", "OP")
        };
        assert_eq!(words(&message), words(&free), "{who}");
        words(&message)
    };
    let in_guest = runtime.block_on(async { nested("guest") });
    let in_none = runtime::block_on(async { nested("no runtime") });
    let in_task = {
        let nested = nested.clone();
        runtime.block_on(runtime.spawn(async move {
            assert_eq!(thread::current().name(), Some("nested-worker"));
            nested("task")
        }))
    };
    assert_eq!(in_guest, in_task.unwrap());
    assert_eq!(in_guest, in_none);
    assert!(in_guest.contains("block_in_place") && in_guest.contains("spawn_blocking"), "{in_guest}");
    // Nothing is out of order afterwards.
    assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
}

// D3
#[test]
fn a_spawn_after_shutdown_resolves_cancelled() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let handle = runtime.handle().clone();
        let report = runtime.shutdown(Duration::MAX);
        assert!(report.is_clean(), "{report:?}");
        let (ran, dropped) = (Tally::default(), Tally::default());
        for _ in 0..100 {
            let (counter, guard) = (ran.clone(), dropped.on_drop());
            let task = handle.spawn(async move {
                let _guard = guard;
                counter.add();
            });
            assert!(task.is_finished());
            assert!(futures::executor::block_on(task).unwrap_err().is_cancelled());
            let closure = handle.spawn_blocking(|| {});
            assert!(futures::executor::block_on(closure).unwrap_err().is_cancelled());
        }
        assert_eq!((ran.get(), dropped.get()), (0, 100));
        assert_eq!(handle.metrics().live_tasks, 0);
        // In its context as well, and a future can still be driven.
        let _entered = handle.enter();
        let task = runtime::spawn(async {});
        assert!(handle.block_on(task).unwrap_err().is_cancelled());
        let waited = handle.block_on(async {
            runtime::time::sleep(Duration::from_millis(1)).await;
            7
        });
        assert_eq!(waited, 7);
    }
}

// D3
#[test]
fn a_spawn_during_shutdown_resolves_one_way_or_the_other() {
    let _watchdog = watchdog();
    for round in 0..count(100, 10_000) {
        let runtime = pool(1 + round % 3);
        let handle = runtime.handle().clone();
        let (dropped, ran) = (Tally::default(), Tally::default());
        let (guards, counter) = (dropped.clone(), ran.clone());
        let (started_tx, started) = mpsc::channel();
        let spawner = thread::spawn(move || {
            let mut tasks = Vec::new();
            loop {
                let (guard, counter) = (guards.on_drop(), counter.clone());
                tasks.push(handle.spawn(async move {
                    let _guard = guard;
                    counter.add();
                    yield_now().await;
                }));
                if tasks.len() == 10 {
                    started_tx.send(()).unwrap();
                }
                // Goes on until a spawn is refused.
                if tasks.len() > 10 && tasks.last().unwrap().is_finished() {
                    let last = tasks.pop().unwrap();
                    if futures::executor::block_on(last).is_err() {
                        break tasks;
                    }
                }
            }
        });
        started.recv().unwrap();
        drop(runtime);
        let tasks = spawner.join().unwrap();
        let mut completed = 0;
        for task in tasks {
            match futures::executor::block_on(task) {
                Ok(()) => completed += 1,
                Err(error) => assert!(error.is_cancelled()),
            }
        }
        assert!(ran.get() >= completed);
    }
}

// D5
#[test]
fn a_closure_that_blocks_on_a_task_is_let_go_by_shutdown() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        for _ in 0..20 {
            let runtime = pool(workers);
            let (started_tx, started) = mpsc::channel();
            let closure = runtime.spawn_blocking(move || {
                let task = runtime::spawn(pending::<()>());
                started_tx.send(()).unwrap();
                let cancelled = Handle::current().block_on(task).unwrap_err().is_cancelled();
                // Timers go on, though the runtime is on its way out or gone.
                Handle::current().block_on(runtime::time::sleep(Duration::from_millis(1)));
                cancelled
            });
            started.recv().unwrap();
            let report = runtime.shutdown(Duration::from_secs(30));
            assert!(report.is_clean(), "{report:?}");
            assert!(futures::executor::block_on(closure).unwrap());
        }
    }
}

// D5
#[test]
fn a_thread_in_block_on_outlives_a_shutdown_by_another() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        for _ in 0..20 {
            let runtime = pool(workers);
            let handle = runtime.handle().clone();
            let (started_tx, started) = mpsc::channel();
            let blocked = thread::spawn(move || {
                handle.block_on(async {
                    let task = runtime::spawn(pending::<()>());
                    started_tx.send(()).unwrap();
                    let error = task.await.unwrap_err();
                    runtime::time::sleep(Duration::from_millis(1)).await;
                    error.is_cancelled()
                })
            });
            started.recv().unwrap();
            drop(runtime);
            assert!(blocked.join().unwrap());
        }
    }
}

// D6
#[test]
fn a_runtime_in_a_thread_locals_destructor_ends() {
    let _watchdog = watchdog();
    thread_local! {
        static LAST: std::cell::RefCell<Option<Runtime>> = const { std::cell::RefCell::new(None) };
    }
    for _ in 0..20 {
        let runtime = pool(2);
        let dropped = waiting_tasks(&runtime, 10);
        thread::spawn(move || {
            runtime.block_on(runtime.spawn(async {})).unwrap();
            LAST.with(|last| *last.borrow_mut() = Some(runtime));
        })
        .join()
        .unwrap();
        assert_eq!(dropped.get(), 10);
    }
}

struct UseInDrop(Handle, Waker, mpsc::Sender<bool>);

impl Drop for UseInDrop {
    fn drop(&mut self) {
        // The thread's own locals are being destroyed; the runtime's must not mind.
        self.1.wake_by_ref();
        let task = self.0.spawn(async { 7 });
        let joined = futures::executor::block_on(task);
        let _ = self.2.send(joined.is_ok_and(|seven| seven == 7));
    }
}

// D6
#[test]
fn wakers_and_handles_work_in_a_thread_locals_destructor() {
    let _watchdog = watchdog();
    thread_local! {
        static LAST: std::cell::RefCell<Option<UseInDrop>> = const { std::cell::RefCell::new(None) };
    }
    let runtime = pool(2);
    let polls = Tally::default();
    let counter = polls.clone();
    let (tx, rx) = mpsc::channel();
    let waiting = runtime.spawn(poll_fn(move |cx| {
        if counter.add() == 0 {
            tx.send(cx.waker().clone()).unwrap();
        }
        Poll::<()>::Pending
    }));
    let (waker, handle) = (rx.recv().unwrap(), runtime.handle().clone());
    let (tx, rx) = mpsc::channel();
    let spawned =
        thread::spawn(move || LAST.with(|last| *last.borrow_mut() = Some(UseInDrop(handle, waker, tx))));
    assert!(rx.recv().unwrap());
    spawned.join().unwrap();
    until(|| polls.get() == 2);
    waiting.abort();
    until_no_tasks(&runtime);
}

// D8
#[test]
fn a_thousand_runtimes_leave_nothing_behind() {
    let _watchdog = watchdog();
    child::run("shutdown::a_thousand_runtimes_leave_nothing_behind", || {
        let use_one = || {
            let runtime = pool(2);
            runtime.block_on(async {
                let tasks: Vec<_> = (0..20).map(|_| runtime::spawn(yield_now())).collect();
                for task in tasks {
                    task.await.unwrap();
                }
                runtime::task::spawn_blocking(|| {}).await.unwrap();
                runtime::time::sleep(Duration::from_micros(10)).await;
                let listener = runtime::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let near = runtime::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                drop(runtime::spawn(async move {
                    let _near = near;
                    drop(listener.accept().await);
                    pending::<()>().await;
                }));
            });
        };
        (0..20).for_each(|_| use_one());
        // The drop has waited for its threads; the kernel may list the last one for a moment longer.
        let threads = process::threads();
        let (fds, bytes) = (process::open_fds(), live_bytes());
        for _ in 0..count(1_000, 10_000) {
            use_one();
        }
        until(|| process::threads() <= threads);
        assert_eq!(process::open_fds(), fds);
        let kept = live_bytes() - bytes;
        assert!(kept < 64 << 10, "{kept} bytes kept");
    });
}

// D9
#[test]
fn after_a_panic_in_block_on_the_runtime_is_usable() {
    let _watchdog = watchdog();
    for workers in [0, 1, 2] {
        let runtime = match workers {
            0 => runtime::Builder::new_current_thread().build().unwrap(),
            workers => pool(workers),
        };
        for _ in 0..20 {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                runtime.block_on(async {
                    drop(runtime::spawn(yield_now()));
                    yield_now().await;
                    panic_silently();
                })
            }));
            assert!(caught.is_err());
            assert!(Handle::try_current().is_err(), "the context has been left");
            assert_eq!(runtime.block_on(async { runtime::spawn(async { 7 }).await.unwrap() }), 7);
        }
        // Also without a runtime.
        let caught = std::panic::catch_unwind(|| runtime::block_on(async { panic_silently() }));
        assert!(caught.is_err());
        assert_eq!(runtime::block_on(async { 7 }), 7);
    }
}

// D10
#[test]
fn a_waker_is_cloned_woken_and_dropped_elsewhere_after_the_runtime_is_gone() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        for _ in 0..count(20, 2_000) {
            let runtime = pool(workers);
            let dropped = Tally::default();
            let wakers = Arc::new(Mutex::new(Vec::new()));
            let (tx, rx) = mpsc::channel();
            for _ in 0..10 {
                let (wakers, tx, guard) = (Arc::clone(&wakers), tx.clone(), dropped.on_drop());
                drop(runtime.spawn(poll_fn(move |cx| {
                    let _held = &guard;
                    wakers.lock().push(cx.waker().clone());
                    let _ = tx.send(());
                    Poll::<()>::Pending
                })));
            }
            (0..10).for_each(|_| rx.recv().unwrap());
            drop(runtime);
            assert_eq!(dropped.get(), 10);
            thread::spawn(move || {
                for waker in wakers.lock().drain(..) {
                    let copy = waker.clone();
                    assert!(copy.will_wake(&waker));
                    waker.wake_by_ref();
                    waker.wake();
                    let another = copy.clone();
                    drop(copy);
                    another.wake();
                }
            })
            .join()
            .unwrap();
        }
    }
}

#[test]
fn handles_outlive_the_runtime() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let finished = runtime.spawn(async { 7 });
    until(|| finished.is_finished());
    let unfinished = runtime.spawn(pending::<()>());
    let abort = unfinished.abort_handle();
    drop(runtime);
    assert_eq!(futures::executor::block_on(finished).unwrap(), 7, "an output is not lost");
    assert!(abort.is_finished());
    abort.abort();
    assert!(futures::executor::block_on(unfinished).unwrap_err().is_cancelled());
}

#[test]
fn a_runtime_whose_worker_is_in_a_long_poll_is_let_go_in_the_background() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let dropped = waiting_tasks(&runtime, 10);
    let gate = Gate::default();
    let (started_tx, started) = mpsc::channel();
    let held = gate.clone();
    let long = runtime.spawn(async move {
        started_tx.send(()).unwrap();
        held.wait();
        7
    });
    started.recv().unwrap();
    runtime.shutdown_background();
    gate.open();
    assert_eq!(futures::executor::block_on(long).unwrap(), 7);
    until(|| dropped.get() == 10);
}

/// Runs `future` on every kind of runtime after a shutdown of another one in the same thread.
fn assert_usable(runtime: &Runtime, future: impl Future<Output = i32> + Send + 'static) {
    assert_eq!(runtime.block_on(runtime.spawn(future)).unwrap(), 7);
}

#[test]
fn the_end_of_one_runtime_leaves_the_others_alone() {
    let _watchdog = watchdog();
    let other = pool(2);
    for _ in 0..50 {
        let runtime = pool(2);
        waiting_tasks(&runtime, 5);
        let task = other.spawn(async {
            runtime::time::sleep(Duration::from_millis(1)).await;
            7
        });
        drop(runtime);
        assert_usable(&other, async { task.await.unwrap() });
    }
}
