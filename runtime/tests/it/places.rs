//! Where a task was spawned, and where a panic says that the runtime was misused: a line of the caller's.
use std::cell::RefCell;
use std::future::{pending, ready};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use runtime::task::{self, JoinSet, LocalSet};
use runtime::{Builder, Handle, Runtime};

use crate::support::{Gate, OpenOnDrop, Tally, child, pool, until, until_no_tasks, watchdog};

runtime::task_local! { static KEY: u8; }

type Endless = std::future::Pending<Result<(), io::Error>>;

fn endless() -> Endless {
    pending()
}

/// Notes the line, and spawns.
macro_rules! at {
    ($lines:expr, $spawn:expr) => {{
        $lines.lock().push(line!());
        $spawn
    }};
}

/// Where the tasks of the runtime were spawned, in order; all in this file.
fn places(runtime: &Runtime) -> Vec<u32> {
    let dump = runtime.dump();
    let mut lines = Vec::new();
    for entry in &dump {
        assert_eq!(entry.spawned_at.file(), file!(), "{entry}");
        lines.push(entry.spawned_at.line());
    }
    lines.sort_unstable();
    lines
}

fn assert_places(runtime: &Runtime, lines: &Mutex<Vec<u32>>) {
    let mut lines = lines.lock().clone();
    lines.sort_unstable();
    assert_eq!(places(runtime), lines);
}

#[test]
fn a_task_was_spawned_at_the_callers_line_whatever_the_way() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let handle = runtime.handle();
    let lines = Mutex::new(Vec::new());
    let gate = Gate::default();
    let _opens = OpenOnDrop(gate.clone());
    let wait = || {
        let gate = gate.clone();
        move || gate.wait()
    };
    let _entered = runtime.enter();
    let named = || task::Builder::new();
    let mut set = JoinSet::new();
    at!(lines, drop(runtime::spawn(endless())));
    at!(lines, drop(handle.spawn(endless())));
    at!(lines, drop(runtime.spawn(endless())));
    at!(lines, drop(task::spawn_pinned(endless)));
    at!(lines, drop(handle.spawn_pinned(endless)));
    at!(lines, drop(runtime.spawn_pinned(endless)));
    at!(lines, drop(runtime::spawn_blocking(wait())));
    at!(lines, drop(handle.spawn_blocking(wait())));
    at!(lines, drop(runtime.spawn_blocking(wait())));
    at!(lines, drop(runtime::compute::spawn(wait())));
    at!(lines, drop(handle.spawn_compute(wait())));
    at!(lines, drop(runtime.spawn_compute(wait())));
    at!(lines, drop(named().spawn(endless())));
    at!(lines, drop(named().spawn_on(endless(), handle)));
    at!(lines, drop(named().spawn_pinned(endless)));
    at!(lines, drop(named().spawn_blocking(wait())));
    at!(lines, drop(named().spawn_blocking_on(wait(), handle)));
    at!(lines, set.spawn(pending()));
    at!(lines, set.spawn_on(pending(), handle));
    at!(lines, set.spawn_blocking(wait()));
    at!(lines, set.spawn_blocking_on(wait(), handle));
    at!(lines, set.build_task().spawn(pending()).unwrap());
    at!(lines, set.build_task().spawn_on(pending(), handle).unwrap());
    at!(lines, set.build_task().spawn_blocking(wait()).unwrap());
    at!(lines, set.build_task().spawn_blocking_on(wait(), handle).unwrap());
    let collected = at!(lines, JoinSet::from_iter([endless()]));
    at!(lines, hyper::rt::Executor::execute(&runtime::hyper::Executor, endless()));
    // One that is large goes through a box.
    let large = [0_u8; 1 << 15];
    let large = || async move { let_go((endless().await, large)) };
    at!(lines, drop(runtime::spawn(large())));
    at!(lines, set.spawn(large()));
    assert_places(&runtime, &lines);
    drop(collected);
    gate.open();
}

#[test]
fn children_and_local_tasks_were_spawned_at_the_callers_line() {
    let _watchdog = watchdog();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (gate, all) = (Gate::default(), Tally::default());
    let _opens = OpenOnDrop(gate.clone());
    let runtime = pool(1);
    let (noted, handle, spawned) = (lines.clone(), runtime.handle().clone(), all.clone());
    let wait = move || {
        gate.wait();
        Ok(())
    };
    let parent = task::scope(|group| async move {
        let large = [0_u8; 1 << 15];
        at!(noted, drop(group.spawn(endless())));
        at!(noted, drop(group.spawn_on(endless(), &handle)));
        at!(noted, drop(group.spawn_blocking(wait)));
        at!(noted, drop(group.spawn(async move { endless().await.map(|()| let_go(large)) })));
        spawned.add();
        endless().await
    });
    at!(lines, drop(runtime.spawn(parent)));
    let (noted, spawned) = (lines.clone(), all.clone());
    let pinned = move || async move {
        let mut set = JoinSet::new();
        at!(noted, drop(task::spawn_local(endless())));
        at!(noted, drop(task::Builder::new().spawn_local(endless())));
        at!(noted, set.spawn_local(endless()));
        at!(noted, set.build_task().spawn_local(endless()).unwrap());
        spawned.add();
        set.join_all().await
    };
    at!(lines, drop(runtime.spawn_pinned(pinned)));
    until(|| all.get() == 2);
    assert_places(&runtime, &lines);
}

thread_local! {
    /// Where the last panic of this thread says that it is.
    static PANICKED: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// As `drop`, of which a compiler says that it does nothing for some types.
fn let_go<T>(_: T) {}

/// The call panics, and names its own line.
macro_rules! refused {
    ($call:expr) => {{
        assert!(catch_unwind(AssertUnwindSafe(|| let_go($call))).is_err(), "line {}", line!());
        assert_eq!(PANICKED.take(), Some((file!().to_owned(), line!())));
    }};
}

fn again<F: Future>(future: F) -> (Pin<Box<F>>, Context<'static>) {
    let mut future = Box::pin(future);
    let mut cx = Context::from_waker(Waker::noop());
    let _ = future.as_mut().poll(&mut cx);
    (future, cx)
}

#[test]
fn a_panic_of_misuse_names_the_callers_line() {
    let _watchdog = watchdog();
    child::run("places::a_panic_of_misuse_names_the_callers_line", || {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(|place| (place.file().to_owned(), place.line()));
            PANICKED.set(place);
            eprintln!("{info}");
        }));
        outside_of_a_runtime();
        options_and_futures();
        inside_of_a_runtime();
    });
}

fn outside_of_a_runtime() {
    refused!(runtime::spawn(async {}));
    refused!(runtime::spawn_blocking(|| ()));
    refused!(runtime::compute::spawn(|| ()));
    refused!(task::spawn_pinned(|| async {}));
    refused!(task::spawn_local(async {}));
    refused!(task::id());
    refused!(Handle::current());
    refused!(task::Builder::new().spawn(async {}));
    refused!(task::Builder::new().spawn_pinned(|| async {}));
    refused!(task::Builder::new().spawn_local(async {}));
    refused!(task::Builder::new().spawn_blocking(|| ()));
    let mut set = JoinSet::new();
    refused!(set.spawn(async {}));
    refused!(set.spawn_blocking(|| ()));
    refused!(set.spawn_local(async {}));
    refused!(set.build_task().spawn(async {}));
    refused!(set.build_task().spawn_blocking(|| ()));
    refused!(set.build_task().spawn_local(async {}));
    refused!(JoinSet::from_iter([async {}]));
    refused!(hyper::rt::Executor::execute(&runtime::hyper::Executor, async {}));
    // The scope waits for none of those that were refused, and has the panic as its failure.
    let scope = task::scope(|group| async move {
        refused!(group.spawn(ready(Ok::<(), ()>(()))));
        refused!(group.spawn_blocking(|| Ok(())));
        Ok(())
    });
    runtime::block_on(scope).unwrap();
}

fn options_and_futures() {
    refused!(Builder::new_multi_thread().worker_threads(0));
    refused!(Builder::new_multi_thread().max_blocking_threads(0));
    refused!(Builder::new_multi_thread().compute_threads(0));
    refused!(Builder::new_multi_thread().event_interval(0));
    refused!(Builder::new_multi_thread().global_queue_interval(0));
    refused!(KEY.with(|_| ()));
    refused!(KEY.get());
    refused!(runtime::time::interval(Duration::ZERO));
    refused!(runtime::time::interval_at(runtime::time::Instant::now(), Duration::ZERO));
    let (cancellable, _cancel) = task::cancellable(ready(()));
    let (mut future, mut cx) = again(cancellable);
    refused!(future.as_mut().poll(&mut cx));
    let (mut future, mut cx) = again(KEY.scope(1, ready(())));
    refused!(future.as_mut().poll(&mut cx));
}

fn inside_of_a_runtime() {
    let sole = Builder::new_current_thread().build().unwrap();
    let (other, handle) = (pool(1), sole.handle());
    sole.block_on(async {
        refused!(task::block_in_place(|| ()));
        refused!(runtime::block_on(async {}));
        refused!(sole.block_on(async {}));
        refused!(handle.block_on(async {}));
        refused!(other.block_on(async {}));
        refused!(LocalSet::new().block_on(&sole, async {}));
    });
    let child = task::scope(|group| async move {
        let mut child = group.spawn(ready(Ok::<_, ()>(1)));
        (&mut child).await.unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        refused!(Pin::new(&mut child).poll(&mut cx));
        Ok(())
    });
    other.block_on(child).unwrap();
    until_no_tasks(&other);
}
