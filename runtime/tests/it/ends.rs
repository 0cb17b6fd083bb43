//! The end of a runtime, of each kind, in each place: D1, D2, D5, D6 with local tasks and without workers.
use std::cell::RefCell;
use std::future::pending;
use std::io::Write as _;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use futures::channel::oneshot;
use runtime::net::UnixStream;
use runtime::task::{JoinHandle, LocalSet, block_in_place, spawn_local};
use runtime::time::sleep;
use runtime::{Builder, Handle, Runtime};

use crate::support::{
    Rng, Tally, assert_helpful, count, panic_message, panic_silently, pool, until, watchdog,
};

/// What a runtime is made of.
const KINDS: [usize; 3] = [0, 1, 2];

/// With so many workers; without any for zero.
fn runtime(workers: usize) -> Runtime {
    if workers == 0 { Builder::new_current_thread().build().unwrap() } else { pool(workers) }
}

/// Tasks and pinned tasks that wait for ever. Each counts its drop.
const WAITING: usize = 10;

fn waiting_tasks(runtime: &Runtime) -> Tally {
    let dropped = Tally::default();
    for index in 0..WAITING {
        let guard = dropped.on_drop();
        let waits = async move {
            let _guard = guard;
            sleep(Duration::from_secs(3600)).await;
        };
        drop(if index % 2 == 0 { runtime.spawn(waits) } else { runtime.spawn_pinned(move || waits) });
    }
    dropped
}

type Body = fn(Runtime);

/// Where a runtime is dropped that is given to it. It is driven there if it is its own.
const PLACES: [(&str, Body); 11] = [
    ("in its own root", |runtime| {
        let handle = runtime.handle().clone();
        assert_eq!(handle.block_on(async move { given(runtime) }), 7);
    }),
    ("in its own task", |runtime| {
        let handle = runtime.handle().clone();
        let (give, given_to) = oneshot::channel();
        let task = handle.spawn(async move { given(given_to.await.unwrap()) });
        assert!(give.send(runtime).is_ok());
        assert_eq!(handle.block_on(task).unwrap(), 7, "its poll goes on");
    }),
    ("in its own pinned task", |runtime| {
        let handle = runtime.handle().clone();
        let (give, given_to) = oneshot::channel();
        let task = handle.spawn_pinned(async || given(given_to.await.unwrap()));
        assert!(give.send(runtime).is_ok());
        assert_eq!(handle.block_on(task).unwrap(), 7, "its poll goes on");
    }),
    ("in a task of a set in its own root", |runtime| {
        let handle = runtime.handle().clone();
        let set = LocalSet::new();
        let task = set.spawn_local(async move { given(runtime) });
        assert_eq!(handle.block_on(set.run_until(task)).unwrap(), 7);
    }),
    ("in its own blocking closure", |runtime| {
        let handle = runtime.handle().clone();
        let closure = handle.spawn_blocking(move || given(runtime));
        assert_eq!(futures::executor::block_on(closure).unwrap(), 7);
    }),
    ("by a future of its own that panics", |runtime| {
        let handle = runtime.handle().clone();
        let (give, given_to) = oneshot::channel();
        let task = handle.spawn(async move {
            let _runtime: Runtime = given_to.await.unwrap();
            panic_silently();
        });
        assert!(give.send(runtime).is_ok());
        assert!(handle.block_on(task).unwrap_err().is_panic());
    }),
    ("in the root of one without workers", |inner| runtime(0).block_on(async move { drop(inner) })),
    ("in a task of another one, on an error path", |inner| {
        async fn fails(_runtime: Runtime) -> std::io::Result<()> {
            std::fs::read("/nowhere")?;
            Ok(())
        }
        let outer = pool(1);
        assert!(outer.block_on(outer.spawn(fails(inner))).unwrap().is_err());
    }),
    ("in a task of a set under another executor", |inner| {
        let set = LocalSet::new();
        let task = set.spawn_local(async move { drop(inner) });
        futures::executor::block_on(set.run_until(task)).unwrap();
    }),
    ("in block_on without a runtime", |inner| runtime::block_on(async move { drop(inner) })),
    ("in place", |inner| {
        let outer = pool(1);
        outer.block_on(outer.spawn(async move { block_in_place(|| drop(inner)) })).unwrap();
    }),
];

fn given(runtime: Runtime) -> i32 {
    drop(runtime);
    7
}

// D1
#[test]
fn a_runtime_of_any_kind_dropped_in_any_place_ends() {
    let _watchdog = watchdog();
    for _ in 0..count(5, 500) {
        for workers in KINDS {
            for (place, drops) in PLACES {
                println!("{workers} workers, {place}");
                let runtime = runtime(workers);
                let dropped = waiting_tasks(&runtime);
                drops(runtime);
                until(|| dropped.get() == WAITING);
            }
        }
    }
}

/// Every way to block on a future, and the operation that its message names.
fn nested_messages(handle: &Handle, outer: &Runtime) -> Vec<String> {
    let set = LocalSet::new();
    let messages = [
        ("Runtime::block_on", panic_message(|| outer.block_on(async {}))),
        ("Runtime::block_on", panic_message(|| handle.block_on(async {}))),
        ("Runtime::block_on", panic_message(|| set.block_on(outer, async {}))),
        ("runtime::block_on", panic_message(|| runtime::block_on(async {}))),
    ];
    let name = thread::current().name().unwrap_or("<unnamed>").to_owned();
    let words = |(operation, message): &(&str, String)| {
        assert_helpful(message, operation);
        message.replace(operation, "OPERATION").replace(&name, "THREAD")
    };
    messages.iter().map(words).collect()
}

// D2
#[test]
fn a_nested_block_on_gives_one_message_from_and_to_every_kind_of_executor() {
    let _watchdog = watchdog();
    let mut all = Vec::new();
    // The nested one is of the same runtime, or of another.
    let inner = Arc::new(pool(1));
    for workers in KINDS {
        let outer = Arc::new(runtime(workers));
        let nested = |on: &Arc<Runtime>| {
            let (on, handle) = (Arc::clone(on), outer.handle().clone());
            move || nested_messages(&handle, &on)
        };
        for on in [&inner, &outer] {
            let (root, task, pinned, local, alone) =
                (nested(on), nested(on), nested(on), nested(on), nested(on));
            all.extend(outer.block_on(async { root() }));
            all.extend(outer.block_on(outer.spawn(async move { task() })).unwrap());
            all.extend(outer.block_on(outer.spawn_pinned(async move || pinned())).unwrap());
            let set = LocalSet::new();
            all.extend(set.block_on(&outer, async { spawn_local(async move { local() }).await.unwrap() }));
            all.extend(runtime::block_on(async { alone() }));
        }
        // Nothing is out of order afterwards.
        assert_eq!(outer.block_on(outer.spawn(async { 7 })).unwrap(), 7);
    }
    assert!(all.iter().all(|words| *words == all[0]), "{all:#?}");
    assert!(all[0].contains("block_in_place") && all[0].contains("spawn_blocking"), "{}", all[0]);
}

// D5
#[test]
fn whatever_a_blocking_closure_blocks_on_goes_on_during_shutdown() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for _ in 0..count(20, 2_000) {
        for workers in KINDS {
            let runtime = runtime(workers);
            let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
            near.set_nonblocking(true).unwrap();
            let (begun, begins) = mpsc::channel();
            let began = begun.clone();
            // The closure's thread may take the one seat of a runtime without workers.
            let on_tasks = runtime.spawn_blocking(move || {
                let handle = Handle::current();
                let task = handle.spawn(pending::<()>());
                let pinned = handle.spawn_pinned(pending::<()>);
                began.send(()).unwrap();
                assert!(handle.block_on(task).unwrap_err().is_cancelled());
                assert!(handle.block_on(pinned).unwrap_err().is_cancelled());
                handle.block_on(sleep(Duration::from_millis(1)));
            });
            let on_socket = runtime.spawn_blocking(move || {
                let wait = async {
                    let mut near = UnixStream::from_std(near).unwrap();
                    begun.send(()).unwrap();
                    assert_eq!(near.read(&mut [0; 4]).await.unwrap(), 1);
                    sleep(Duration::from_millis(1)).await;
                };
                Handle::current().block_on(wait);
                runtime::block_on(sleep(Duration::from_millis(1)));
                let set = LocalSet::new();
                let task = set.spawn_local(sleep(Duration::from_millis(1)));
                futures::executor::block_on(set.run_until(task)).unwrap();
            });
            begins.recv().unwrap();
            begins.recv().unwrap();
            rng.spin(20_000);
            let writer = thread::spawn(move || far.write_all(&[1]).unwrap());
            let report = runtime.shutdown(Duration::from_secs(30));
            assert!(report.is_clean(), "{report:?}");
            writer.join().unwrap();
            futures::executor::block_on(on_tasks).unwrap();
            futures::executor::block_on(on_socket).unwrap();
        }
    }
}

/// What a thread leaves to the destructors of its locals.
struct Last {
    runtime: Option<Runtime>,
    set: LocalSet,
    waits: Option<JoinHandle<()>>,
    socket: UnixStream,
    ended: mpsc::Sender<usize>,
}

impl Drop for Last {
    fn drop(&mut self) {
        let runtime = self.runtime.take().unwrap();
        // All of it works, here too.
        let in_set = self.set.spawn_local(async { sleep(Duration::from_millis(1)).await });
        let task = runtime.spawn(async { 7 });
        let answer = self.set.block_on(&runtime, async {
            in_set.await.unwrap();
            task.await.unwrap()
        });
        let read = futures::executor::block_on(self.socket.read(&mut [0; 4])).unwrap();
        runtime::block_on(sleep(Duration::from_millis(1)));
        let waits = self.waits.take().unwrap();
        drop(runtime);
        assert!(futures::executor::block_on(waits).unwrap_err().is_cancelled());
        self.ended.send(answer + read).unwrap();
    }
}

// D6
#[test]
fn everything_works_and_ends_in_a_thread_locals_destructor() {
    thread_local! {
        static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
    }
    let _watchdog = watchdog();
    for _ in 0..count(20, 1_000) {
        for workers in KINDS {
            let runtime = runtime(workers);
            let dropped = waiting_tasks(&runtime);
            let (ended, ends) = mpsc::channel();
            let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
            near.set_nonblocking(true).unwrap();
            let thread = thread::spawn(move || {
                let set = LocalSet::new();
                let waits = set.spawn_local(pending::<()>());
                drop(waits);
                let waits = runtime.spawn(pending::<()>());
                let socket = runtime.block_on(async {
                    let mut socket = UnixStream::from_std(near).unwrap();
                    let waited =
                        runtime::time::timeout(Duration::from_millis(1), socket.read(&mut [0])).await;
                    assert!(waited.is_err());
                    socket
                });
                far.write_all(&[1]).unwrap();
                let last = Last { runtime: Some(runtime), set, waits: Some(waits), socket, ended };
                LAST.with(|place| *place.borrow_mut() = Some(last));
                far
            });
            drop(thread.join().unwrap());
            assert_eq!(ends.recv().unwrap(), 8);
            assert_eq!(dropped.get(), WAITING);
        }
    }
}
