//! Where one is: which runtime a thread is in, and whose thread it is.
use parking_lot::Mutex;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use futures::channel::oneshot;
use runtime::task::{LocalSet, id, spawn_local, spawn_pinned, try_id, yield_now};
use runtime::{Builder, Handle, Runtime, RuntimeFlavor};

use crate::support::{
    Tally, assert_helpful, panic_message, panic_silently, pool, until, until_no_tasks, watchdog,
};

fn named(name: &str) -> Runtime {
    Runtime::builder().worker_threads(1).thread_name(name).build().unwrap()
}

fn thread_name() -> String {
    thread::current().name().unwrap_or("<unnamed>").to_owned()
}

#[test]
fn the_first_words_of_the_documentation_work_as_written() {
    let _watchdog = watchdog();
    let (tx, rx) = mpsc::channel();
    let runtime = Runtime::new();
    drop(runtime.spawn(async move { tx.send(7).unwrap() }));
    assert_eq!(rx.recv().unwrap(), 7);
}

#[test]
fn entering_makes_a_runtime_the_current_one_until_the_guard_is_dropped() {
    let _watchdog = watchdog();
    let (first, second) = (named("context-first"), named("context-second"));
    assert!(Handle::try_current().is_err());
    {
        let _outer = first.enter();
        let name = |task| futures::executor::block_on(task);
        assert_eq!(name(runtime::spawn(async { thread_name() })).unwrap(), "context-first");
        {
            let _inner = second.enter();
            assert_eq!(name(runtime::spawn(async { thread_name() })).unwrap(), "context-second");
            assert_eq!(name(runtime::spawn_blocking(thread_name)).unwrap(), "context-second");
        }
        assert_eq!(name(Handle::current().spawn(async { thread_name() })).unwrap(), "context-first");
    }
    assert!(Handle::try_current().is_err());
}

// T15
#[test]
fn a_handle_says_which_runtime_it_is_of_and_of_which_kind() {
    let _watchdog = watchdog();
    let first = pool(1);
    let second = Builder::new_current_thread().build().unwrap();
    assert_ne!(first.handle().id(), second.handle().id());
    assert_eq!(first.handle().runtime_flavor(), RuntimeFlavor::MultiThread);
    assert_eq!(second.handle().runtime_flavor(), RuntimeFlavor::CurrentThread);
    let inside = || async { (Handle::current().id(), Handle::current().runtime_flavor()) };
    assert_eq!(first.block_on(inside()), (first.handle().id(), RuntimeFlavor::MultiThread));
    assert_eq!(second.block_on(inside()), (second.handle().id(), RuntimeFlavor::CurrentThread));
}

// T15
#[test]
fn a_panic_out_of_block_on_may_be_caught_and_the_runtime_goes_on() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    assert!(std::panic::catch_unwind(|| runtime.block_on(async { panic_silently() })).is_err());
    assert_eq!(runtime.block_on(async { runtime::spawn(async { 7 }).await.unwrap() }), 7);
}

#[test]
fn a_thread_that_merely_entered_may_block() {
    let _watchdog = watchdog();
    let (first, second) = (pool(1), pool(1));
    let _entered = first.enter();
    assert_eq!(first.block_on(async { 7 }), 7);
    assert_eq!(second.block_on(async { runtime::spawn(async { 7 }).await.unwrap() }), 7);
    assert_eq!(runtime::block_on(async { 7 }), 7);
}

#[test]
fn inside_a_task_the_current_runtime_is_its_own() {
    let _watchdog = watchdog();
    let (first, second) = (named("context-first"), named("context-second"));
    let to_second = second.handle().clone();
    let names = first.block_on(first.spawn(async move {
        let own = runtime::spawn(async { thread_name() }).await.unwrap();
        let other = to_second.spawn(async {
            let here = thread_name();
            (here, runtime::spawn(async { thread_name() }).await.unwrap())
        });
        let other = other.await.unwrap();
        let closure =
            runtime::spawn_blocking(|| Handle::current().spawn(async { thread_name() })).await.unwrap();
        (own, other, closure.await.unwrap())
    }));
    let (own, other, closure) = names.unwrap();
    assert_eq!(own, "context-first");
    assert_eq!(other, ("context-second".to_owned(), "context-second".to_owned()));
    assert_eq!(closure, "context-first");
}

#[test]
fn a_task_is_woken_from_anywhere_and_stays_in_its_runtime() {
    let _watchdog = watchdog();
    let (first, second) = (named("context-first"), named("context-second"));
    for wake_from in 0..4 {
        let (go, wait) = oneshot::channel::<()>();
        let (started_tx, started) = mpsc::channel();
        let task = first.spawn(async move {
            started_tx.send(()).unwrap();
            wait.await.unwrap();
            thread_name()
        });
        started.recv().unwrap();
        let wake = move || go.send(()).unwrap();
        match wake_from {
            0 => wake(),
            1 => second.block_on(second.spawn(async move { wake() })).unwrap(),
            2 => second.block_on(second.spawn_blocking(wake)).unwrap(),
            _ => runtime::block_on(async move { wake() }),
        }
        // Not the guest: nobody is in `block_on` of the first.
        assert_eq!(futures::executor::block_on(task).unwrap(), "context-first");
    }
}

#[test]
fn the_root_of_block_on_need_be_neither_send_nor_static() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let mut text = String::from("sev");
    let not_send = std::rc::Rc::new(std::cell::Cell::new(0));
    let length = runtime.block_on(async {
        yield_now().await;
        text.push_str("en");
        not_send.set(runtime::spawn(async { 2 }).await.unwrap());
        yield_now().await;
        text.len()
    });
    assert_eq!((length, not_send.get()), (5, 2));
}

#[test]
fn a_runtime_without_workers_runs_its_tasks_on_the_thread_in_block_on() {
    let _watchdog = watchdog();
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    let here = thread::current().id();
    let before = runtime.spawn(async { thread::current().id() });
    let (inside, spawned_before) = runtime.block_on(async {
        let inside = runtime::spawn(async {
            yield_now().await;
            thread::current().id()
        });
        (inside.await.unwrap(), before.await.unwrap())
    });
    assert_eq!((inside, spawned_before), (here, here));
    // What is left goes on at the next call.
    let ran = Tally::default();
    let counter = ran.clone();
    let left = runtime.spawn(async move {
        counter.add();
    });
    assert_eq!(ran.get(), 0);
    runtime.block_on(left).unwrap();
    assert_eq!(ran.get(), 1);
    // From another thread it is woken as well.
    let (tx, rx) = oneshot::channel();
    let handle = runtime.handle().clone();
    let other = thread::spawn(move || {
        drop(handle.spawn(async move { tx.send(7).unwrap() }));
    });
    assert_eq!(runtime.block_on(rx).unwrap(), 7);
    other.join().unwrap();
    until_no_tasks(&runtime);
}

#[test]
fn the_thread_hooks_are_called_once_a_thread_and_the_park_hooks_in_turn() {
    let _watchdog = watchdog();
    let (started, stopped, parked, unparked) =
        (Tally::default(), Tally::default(), Tally::default(), Tally::default());
    let names: Arc<Mutex<Vec<String>>> = Arc::default();
    let count = |tally: &Tally| {
        let tally = tally.clone();
        move || {
            tally.add();
        }
    };
    let (seen, starts, numbers) = (Arc::clone(&names), started.clone(), Tally::default());
    let runtime = Runtime::builder()
        .worker_threads(3)
        .thread_name_fn(move || format!("hooked-{}", numbers.add()))
        .on_thread_start(move || {
            starts.add();
            seen.lock().push(thread_name());
        })
        .on_thread_stop(count(&stopped))
        .on_thread_park(count(&parked))
        .on_thread_unpark(count(&unparked))
        .build()
        .unwrap();
    until(|| started.get() == 3 && parked.get() >= 3);
    futures::executor::block_on(runtime.spawn_blocking(|| {})).unwrap();
    assert_eq!(started.get(), 4, "a blocking thread has one, too");
    until(|| {
        futures::executor::block_on(runtime.spawn(yield_now())).unwrap();
        unparked.get() > 3
    });
    drop(runtime);
    until(|| stopped.get() == 4);
    assert_eq!(started.get(), 4);
    assert_eq!(parked.get(), unparked.get());
    let mut names = names.lock().clone();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("hooked-")), "{names:?}");
}

#[test]
fn a_panic_shuts_the_runtime_down_if_asked_to_whether_or_not_its_handle_is_held() {
    let _watchdog = watchdog();
    for held in [false, true] {
        let runtime = Runtime::builder()
            .worker_threads(2)
            .unhandled_panic(runtime::UnhandledPanic::ShutdownRuntime)
            .build()
            .unwrap();
        let waiting = runtime.spawn(std::future::pending::<()>());
        let panics = runtime.spawn(async {
            yield_now().await;
            crate::support::panic_silently();
        });
        if held {
            assert!(futures::executor::block_on(panics).unwrap_err().is_panic());
        } else {
            drop(panics);
        }
        // From then on spawns are refused, and what waits is cancelled.
        until(|| futures::executor::block_on(runtime.spawn(async {})).is_err());
        drop(runtime);
        assert!(futures::executor::block_on(waiting).unwrap_err().is_cancelled());
    }
}

#[test]
fn futures_of_other_executors_combinators_work() {
    let _watchdog = watchdog();
    use futures::stream::{FuturesUnordered, StreamExt as _};
    let runtime = pool(2);
    let sum = runtime.block_on(runtime.spawn(async {
        // Wrapped wakers, nested contexts.
        let mut tasks: FuturesUnordered<_> = (0..100_u64)
            .map(|n| async move {
                yield_now().await;
                runtime::time::sleep(Duration::from_micros(n)).await;
                runtime::spawn(async move { n }).await.unwrap()
            })
            .collect();
        let mut sum = 0;
        while let Some(n) = tasks.next().await {
            sum += n;
        }
        futures::join!(yield_now(), runtime::time::sleep(Duration::from_micros(10)));
        sum
    }));
    assert_eq!(sum.unwrap(), 4950);
}

#[test]
fn a_task_knows_its_identifier_whoever_runs_it() {
    let _watchdog = watchdog();
    for runtime in [pool(2), runtime::Builder::new_current_thread().build().unwrap()] {
        runtime.block_on(async {
            assert_eq!(try_id(), None, "the future in `block_on` is no task");
            let task = runtime::spawn(async {
                let first = id();
                let other = runtime::spawn(async { id() });
                assert_eq!(other.id(), other.await.unwrap());
                yield_now().await;
                // Entering a runtime is being in another context, not in another task.
                let here = Handle::current();
                let _entered = here.enter();
                assert_eq!(first, id());
                first
            });
            assert_eq!(task.id(), task.await.unwrap());
            let pinned = spawn_pinned(|| async {
                let local = spawn_local(async { id() });
                assert_eq!(local.id(), local.await.unwrap());
                id()
            });
            assert_eq!(pinned.id(), pinned.await.unwrap());
            let closure = runtime::spawn_blocking(id);
            assert_eq!(closure.id(), closure.await.unwrap());
            let computes = runtime::compute::spawn(id);
            assert_eq!(computes.id(), computes.await.unwrap());
            assert_eq!(try_id(), None);
        });
    }
    assert_eq!(try_id(), None);
    assert_helpful(&panic_message(id), "runtime::task::id");
}

#[test]
fn of_tasks_inside_one_another_the_innermost_says_its_identifier() {
    let _watchdog = watchdog();
    // Sets in one another, and what drives them.
    let in_sets = || {
        let (outer, inner) = (LocalSet::new(), LocalSet::new());
        async move {
            let around = try_id();
            outer
                .run_until(async {
                    assert_eq!(try_id(), around);
                    let task = spawn_local(async move {
                        let own = id();
                        let innermost = inner.run_until(async {
                            assert_eq!(id(), own);
                            let task = spawn_local(async { id() });
                            (task.id(), task.await.unwrap())
                        });
                        let (told, known) = innermost.await;
                        assert_eq!(told, known);
                        assert!(told != own && id() == own);
                        own
                    });
                    assert_eq!(task.id(), task.await.unwrap());
                })
                .await;
            assert_eq!(try_id(), around);
        }
    };
    futures::executor::block_on(in_sets());
    let runtime = pool(1);
    runtime.block_on(in_sets());
    runtime.block_on(runtime.spawn_pinned(in_sets)).unwrap();
    // A closure whose thread runs the tasks of a runtime that has no other.
    let closure = runtime.spawn_blocking(|| {
        let own = id();
        let current = runtime::Builder::new_current_thread().build().unwrap();
        current.block_on(async {
            assert_eq!(id(), own);
            let task = runtime::spawn(async { id() });
            assert_eq!(task.id(), task.await.unwrap());
        });
        assert_eq!(id(), own);
    });
    runtime.block_on(closure).unwrap();
    let blocks = runtime.spawn(async {
        let own = id();
        runtime::task::block_in_place(|| {
            assert_eq!(id(), own);
            runtime::block_on(async { assert_eq!(id(), own) });
        });
    });
    runtime.block_on(blocks).unwrap();
}
