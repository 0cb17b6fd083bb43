//! Reactors that are bound to their thread (`!Send`), and foreign ones that are not, beside our sockets and timers (rows
//! X2, X3, X4).
#[path = "../../../reactor/hook/tests/it/reactors.rs"]
#[allow(dead_code)]
mod reactors;

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _, join, select};
use parking_lot::{Condvar, Mutex};
use reactor_hook::{DriveError, LocalDriver, Turn, Unpark, drive_local};
use runtime::net::{TcpListener, TcpStream};
use runtime::task::{LocalSet, block_in_place, yield_now};
use runtime::time::sleep;
use runtime::{Builder, Runtime};

use crate::support::{Gate, OnDrop, Rng, Tally, count, panic_silently, pool, process, until, watchdog};
use reactors::{Anywhere, Here};

const MS: Duration = Duration::from_millis(1);

fn sole() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Every executor of ours that runs a root future which is not `Send`.
fn in_each(mut test: impl AsyncFnMut(&str)) {
    runtime::block_on(test("runtime::block_on"));
    sole().block_on(test("a runtime without workers"));
    pool(1).block_on(test("a pool of one"));
    pool(2).block_on(test("a pool of two"));
    // Inside of a closure that blocks, with a runtime around.
    let runtime = pool(1);
    let _entered = runtime.enter();
    runtime::block_on(test("runtime::block_on in a context"));
}

struct Echo {
    client: TcpStream,
    server: TcpStream,
}

impl Echo {
    async fn new() -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = join!(client, listener.accept());
        Echo { client: client.unwrap(), server: server.unwrap().0 }
    }

    /// A byte there and back; it is sent when the other side waits already.
    async fn round(&mut self) {
        let Echo { client, server } = self;
        let back = async {
            let mut byte = [0];
            assert_eq!(server.read(&mut byte).await.unwrap(), 1);
            server.write_all(&byte).await.unwrap();
        };
        let there = async {
            yield_now().await;
            client.write_all(b"x").await.unwrap();
            assert_eq!(client.read(&mut [0]).await.unwrap(), 1);
        };
        join!(back, there);
    }
}

/// Polls once; it is not ready yet.
async fn first_poll(mut future: Pin<&mut impl Future>) {
    let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await;
    assert!(polled);
}

async fn event(local: &Rc<Here>) {
    local.events.happen_soon();
    local.next().await.unwrap();
}

/// What a spawned task gets that has a driver which must stay on its thread.
async fn offered_by_a_task() -> DriveError {
    poll_fn(|_| Poll::Ready(drive_local(&Here::new("mine")))).await.expect_err("a task may move")
}

#[test]
fn a_local_reactor_runs_beside_sockets_and_timers_when_it_comes_first() {
    let _watchdog = watchdog();
    in_each(async |place| {
        let local = Here::new("local");
        event(&local).await;
        let mut echo = Echo::new().await;
        for _ in 0..10 {
            join!(event(&local), echo.round(), sleep(MS));
        }
        assert_eq!(local.events.threads(), [std::thread::current().id()], "{place}");
    });
}

#[test]
fn a_local_reactor_runs_beside_sockets_and_timers_when_it_comes_last() {
    let _watchdog = watchdog();
    in_each(async |place| {
        let local = Here::new("local");
        let mut echo = Echo::new().await;
        echo.round().await;
        sleep(MS).await;
        for _ in 0..10 {
            join!(sleep(MS), echo.round(), event(&local));
        }
        // They go on when it is gone.
        echo.round().await;
        sleep(MS).await;
        assert_eq!(local.events.threads(), [std::thread::current().id()], "{place}");
    });
}

#[test]
fn sockets_that_wait_already_are_not_lost_when_a_local_reactor_comes() {
    let _watchdog = watchdog();
    in_each(async |_| {
        for _ in 0..10 {
            let local = Here::new("local");
            let Echo { mut client, mut server } = Echo::new().await;
            let mut byte = [0];
            let mut read = Box::pin(async {
                assert_eq!(server.read(&mut byte).await.unwrap(), 1);
            });
            first_poll(read.as_mut()).await;
            // It has registered; now the driver under it moves away.
            let mut next = Box::pin(local.next());
            first_poll(next.as_mut()).await;
            client.write_all(b"x").await.unwrap();
            read.await;
            local.events.happen();
            next.await.unwrap();
        }
    });
}

#[test]
fn two_local_reactors_on_one_thread_are_an_error_that_names_both() {
    let _watchdog = watchdog();
    in_each(async |place| {
        let (one, other) = (Here::new("one"), Here::new("other"));
        one.events.happen_soon();
        let (first, second) = join!(one.next(), other.next());
        first.unwrap_or_else(|error| panic!("{place}: {error}"));
        let error = second.expect_err(place);
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy, "{place}");
        let error: DriveError = *error.into_inner().unwrap().downcast().unwrap();
        assert_eq!((error.refused(), error.present()), ("other", Some("one")), "{place}");
        // The sockets and timers of those who made that mistake go on, and so does the other when the first has gone.
        sleep(MS).await;
        event(&other).await;
    });
}

#[test]
fn a_spawned_task_of_a_pool_is_told_that_no_worker_blocks_for_it() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let error = runtime.block_on(runtime.spawn(offered_by_a_task())).unwrap();
    let text = error.to_string();
    assert!(text.contains("`mine`") && text.contains("block_on"), "{text}");
    // And when it is the guest that polls it: its workers are busy.
    let (gate, opened) = (Gate::default(), Gate::default());
    let blocker = {
        let (gate, opened) = (gate.clone(), opened.clone());
        runtime.spawn(async move {
            opened.open();
            gate.wait();
        })
    };
    opened.wait();
    let error = runtime.block_on(async {
        let task = runtime::spawn(offered_by_a_task());
        let error = task.await.unwrap();
        gate.open();
        error
    });
    assert_eq!((error.refused(), error.present()), ("mine", None));
    runtime.block_on(blocker).unwrap();
}

#[test]
fn a_pinned_task_is_told_that_no_worker_blocks_for_it() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let pinned = runtime.spawn_pinned(|| async {
        let mine = Here::new("mine");
        mine.next().await.expect_err("the worker has others to run").to_string()
    });
    let text = runtime.block_on(pinned).unwrap();
    assert!(text.contains("worker") && text.contains("`mine`"), "{text}");
}

#[test]
fn local_tasks_wait_in_a_local_reactor() {
    let _watchdog = watchdog();
    in_each(async |place| {
        let local = Here::new("local");
        let tasks = LocalSet::new();
        let all: Vec<_> = (0..3)
            .map(|_| {
                let local = Rc::clone(&local);
                tasks.spawn_local(async move {
                    for _ in 0..3 {
                        join!(event(&local), sleep(MS));
                    }
                })
            })
            .collect();
        tasks
            .run_until(async {
                Echo::new().await.round().await;
                for task in all {
                    task.await.unwrap();
                }
            })
            .await;
        assert_eq!(local.events.threads(), [std::thread::current().id()], "{place}");
    });
}

#[test]
fn local_tasks_that_wait_go_on_in_the_next_executor() {
    let _watchdog = watchdog();
    let (local, tasks) = (Here::new("local"), LocalSet::new());
    let task = {
        let local = Rc::clone(&local);
        tasks.spawn_local(async move { local.next().await })
    };
    // Its frame goes, and it has not been woken by anything else.
    runtime::block_on(tasks.run_until(yield_now()));
    local.events.happen_soon();
    pool(1).block_on(tasks.run_until(async { task.await.unwrap().unwrap() }));
}

#[test]
fn tasks_of_a_runtime_without_workers_run_while_its_thread_is_in_a_local_reactor() {
    let _watchdog = watchdog();
    let runtime = sole();
    let done = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let local = Here::new("local");
        for _ in 0..10 {
            let done = Arc::clone(&done);
            drop(runtime::spawn(async move {
                let mut echo = Echo::new().await;
                for _ in 0..10 {
                    echo.round().await;
                    sleep(MS).await;
                }
                runtime::spawn_blocking(|| {}).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }));
        }
        // The last thing that happens to it: until then only others wake this thread.
        let events = Arc::clone(&local.events);
        let seen = Arc::clone(&done);
        std::thread::spawn(move || {
            until(|| seen.load(Ordering::Relaxed) == 10);
            events.happen();
        });
        local.next().await.unwrap();
        assert_eq!(local.events.threads(), [std::thread::current().id()]);
    });
    assert_eq!(done.load(Ordering::Relaxed), 10);
}

#[test]
fn tasks_that_are_always_ready_do_not_keep_a_local_reactor_from_its_turn() {
    let _watchdog = watchdog();
    for runtime in [sole(), pool(1)] {
        let stop = Arc::new(AtomicBool::new(false));
        let busy = {
            let stop = Arc::clone(&stop);
            runtime.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    yield_now().await;
                }
            })
        };
        runtime.block_on(async {
            let local = Here::new("local");
            for _ in 0..3 {
                event(&local).await;
            }
        });
        stop.store(true, Ordering::Relaxed);
        runtime.block_on(busy).unwrap();
    }
}

#[test]
fn what_a_guest_has_queued_runs_elsewhere_when_a_local_reactor_takes_its_thread() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    runtime.block_on(async {
        let local = Here::new("local");
        let events = Arc::clone(&local.events);
        let tasks: Vec<_> = (0..10).map(|n| runtime::spawn(async move { n })).collect();
        // Nobody but a worker can run them now, and only they end the wait.
        let all = runtime::spawn(async move {
            for task in tasks {
                task.await.unwrap();
            }
            // The worker may have been quicker than this thread.
            while events.waiting() == 0 {
                yield_now().await;
            }
            events.happen();
        });
        local.next().await.unwrap();
        all.await.unwrap();
    });
    // The seat is free, and taken again.
    assert_eq!(runtime.block_on(async { runtime::spawn(async { 7 }).await }).unwrap(), 7);
}

#[test]
fn the_thread_beside_a_local_reactor_ends_with_it() {
    let _watchdog = watchdog();
    let runtime = Builder::new_current_thread().thread_name("beside-local").build().unwrap();
    let threads = || process::context_switches("beside-local").0;
    runtime.block_on(async {
        let local = Here::new("local");
        event(&local).await;
        for _ in 0..10 {
            join!(event(&local), sleep(MS));
            // One that is told to end may not have ended when the next is started.
            assert!(threads() <= 2);
        }
        // The thread drives again what it had given away.
        while threads() > 0 {
            sleep(MS).await;
        }
        let mut echo = Echo::new().await;
        echo.round().await;
        assert_eq!(threads(), 0);
        let _ = event(&local).now_or_never();
        join!(event(&local), echo.round());
    });
    until(|| threads() == 0);
    runtime.block_on(sleep(MS));
}

#[test]
fn local_reactors_that_come_and_go_lose_no_wake_up() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for runtime in [sole(), pool(1), pool(2)] {
        let stop = Arc::new(AtomicBool::new(false));
        // Others wake the same thread meanwhile, wherever it blocks.
        let spawning = {
            let (handle, stop) = (runtime.handle().clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut tasks = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    tasks.push(handle.spawn(sleep(MS / 2)));
                    std::thread::sleep(MS / 4);
                }
                tasks
            })
        };
        runtime.block_on(async {
            let (one, other) = (Here::new("one"), Here::new("other"));
            let mut echo = Echo::new().await;
            for _ in 0..count(100, 5_000) {
                match rng.below(5) {
                    0 => event(&one).await,
                    1 => event(&other).await,
                    2 => sleep(MS).await,
                    3 => drop(join!(event(&one), echo.round(), runtime::spawn(sleep(MS)))),
                    // Offered, and gone before the thread has waited in it.
                    _ => drop(one.next().now_or_never()),
                }
            }
        });
        stop.store(true, Ordering::Relaxed);
        let tasks = spawning.join().unwrap();
        runtime.block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

#[test]
fn a_shutdown_leaves_a_thread_in_its_local_reactor() {
    let _watchdog = watchdog();
    for runtime in [sole(), pool(1)] {
        let handle = runtime.handle().clone();
        let local_thread = std::thread::spawn(move || {
            let local = Here::new("local");
            let events = Arc::clone(&local.events);
            handle.block_on(async {
                let ended = async {
                    runtime.shutdown_background();
                    std::thread::spawn(move || {
                        std::thread::sleep(5 * MS);
                        events.happen();
                    });
                };
                let (next, ()) = join!(local.next(), ended);
                next.unwrap();
                sleep(MS).await;
            });
        });
        local_thread.join().unwrap();
    }
}

#[test]
fn two_threads_in_one_runtime_have_a_local_reactor_each() {
    let _watchdog = watchdog();
    for runtime in [sole(), pool(1)] {
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    runtime.block_on(async {
                        let local = Here::new("local");
                        for _ in 0..5 {
                            join!(event(&local), sleep(MS), async {
                                runtime::spawn(sleep(MS)).await.unwrap();
                            });
                        }
                        assert_eq!(local.events.threads(), [std::thread::current().id()]);
                    });
                });
            }
        });
    }
}

#[test]
fn two_foreign_reactors_run_side_by_side_on_a_pool() {
    let _watchdog = watchdog();
    for runtime in [pool(1), pool(2), sole()] {
        let drivers = [Anywhere::new("one"), Anywhere::new("other")];
        runtime.block_on(async {
            let tasks = drivers.clone().map(|driver| {
                runtime::spawn(async move {
                    let mut echo = Echo::new().await;
                    for _ in 0..10 {
                        driver.events.happen_soon();
                        let (next, (), ()) = join!(driver.next(), echo.round(), sleep(MS));
                        next.unwrap();
                    }
                    std::thread::current().id()
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
        });
        let [one, other] = drivers.map(|driver| driver.events.threads());
        // A thread each, and neither is one that executes.
        assert_eq!((one.len(), other.len()), (1, 1));
        assert_ne!(one, other);
        assert_ne!(one, [std::thread::current().id()]);
    }
}

#[test]
fn combinators_are_in_the_frame_of_the_one_who_polls_them() {
    let _watchdog = watchdog();
    in_each(async |place| {
        let (local, shared) = (Here::new("local"), Anywhere::new("shared"));
        let foreign = async || {
            shared.events.happen_soon();
            shared.next().await.unwrap();
        };
        select! {
            () = event(&local).fuse() => {}
            () = std::future::pending().fuse() => {}
        }
        let mut all: FuturesUnordered<futures::future::LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
        all.push(event(&local).boxed_local());
        all.push(sleep(MS).boxed_local());
        all.push(foreign().boxed_local());
        all.push(async { Echo::new().await.round().await }.boxed_local());
        while all.next().await.is_some() {}
        assert_eq!(local.events.threads(), [std::thread::current().id()], "{place}");
    });
}

#[test]
fn block_on_inside_of_a_closure_that_blocks_has_a_place_of_its_own() {
    let _watchdog = watchdog();
    fn inside() {
        runtime::block_on(async {
            let local = Here::new("local");
            let mut echo = Echo::new().await;
            join!(event(&local), echo.round(), sleep(MS));
            assert_eq!(local.events.threads(), [std::thread::current().id()]);
            // The closure's runtime is still meant by `spawn`.
            runtime::spawn(sleep(MS)).await.unwrap();
        });
    }
    let runtime = pool(1);
    runtime.block_on(async {
        runtime::spawn_blocking(inside).await.unwrap();
        runtime::spawn(async { block_in_place(inside) }).await.unwrap();
        block_in_place(inside);
    });
    // Of a runtime, too.
    let inner = Arc::new(pool(1));
    runtime.block_on(async {
        runtime::spawn_blocking(move || {
            inner.block_on(async {
                let local = Here::new("local");
                join!(event(&local), sleep(MS));
            });
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_local_reactor_is_known_by_its_type() {
    in_each(async |place| {
        let local = Here::new("local");
        let mut next = Box::pin(local.next());
        first_poll(next.as_mut()).await;
        // A runtime that is merely entered does not hide the executor.
        let other = sole();
        let _entered = other.enter();
        let found = reactor_hook::local_driver_of::<Here>().expect(place);
        assert_eq!(found.name(), "local");
        drive_local(&local).unwrap();
    });
}

/// Wakes somebody whose waker panics.
struct Panics;

impl reactor_hook::LocalDriver for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn block(&self, _: Option<Duration>) -> reactor_hook::Turn {
        reactor_hook::Turn::Used
    }

    fn unblocker(&self) -> Arc<dyn reactor_hook::Unpark> {
        reactor_hook::Parker::new()
    }

    fn abandoned(&self) {
        panic!("a waker panics");
    }
}

#[test]
fn a_runtime_ends_also_when_those_who_wait_for_a_local_driver_panic() {
    let _watchdog = watchdog();
    for runtime in [sole(), pool(1)] {
        runtime.block_on(async { drive_local(&Rc::new(Panics)).unwrap() });
        drop(runtime);
    }
}

/// A reactor to which nothing happens. What its `unpark` does besides is the test's.
struct Told<F> {
    told: Mutex<bool>,
    changed: Condvar,
    /// A thread is inside, and stays there until it is told.
    entered: Gate,
    calls: Tally,
    on_unpark: F,
}

impl<F: Fn() + Send + Sync> Unpark for Told<F> {
    fn unpark(&self) {
        self.calls.add();
        *self.told.lock() = true;
        self.changed.notify_all();
        (self.on_unpark)();
    }
}

struct ToldHere<F>(Arc<Told<F>>);

impl<F: Fn() + Send + Sync + 'static> LocalDriver for ToldHere<F> {
    fn name(&self) -> &'static str {
        "told"
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        let mut told = self.0.told.lock();
        match timeout {
            // It tidies.
            Some(timeout) if !*told => drop(self.0.changed.wait_for(&mut told, timeout)),
            Some(_) => {}
            None => {
                self.0.entered.open();
                while !*told {
                    self.0.changed.wait(&mut told);
                }
            }
        }
        *told = false;
        Turn::Used
    }

    fn unblocker(&self) -> Arc<dyn Unpark> {
        Arc::clone(&self.0) as Arc<dyn Unpark>
    }

    fn abandoned(&self) {}
}

/// Another thread lets go of so many complete tasks that it calls the one who tidies, which is in a local reactor. Fails when that
/// does not return as it should.
fn call_to_tidy_calls(runtime: &Runtime, on_unpark: impl Fn() + Send + Sync + 'static) {
    let told = Arc::new(Told {
        told: Mutex::new(false),
        changed: Condvar::new(),
        entered: Gate::default(),
        calls: Tally::default(),
        on_unpark,
    });
    let local = Rc::new(ToldHere(Arc::clone(&told)));
    runtime.block_on(async {
        let mut handles: Vec<_> = (0..20_000).map(|_| runtime::spawn(async {})).collect();
        for handle in &handles {
            while !handle.is_finished() {
                yield_now().await;
            }
        }
        let over = Arc::new(AtomicBool::new(false));
        let mut releases = None;
        poll_fn(|cx| {
            drive_local(&local).unwrap();
            releases.get_or_insert_with(|| {
                let (waker, over) = (cx.waker().clone(), Arc::clone(&over));
                let (told, handles) = (Arc::clone(&told), std::mem::take(&mut handles));
                std::thread::spawn(move || {
                    let _over = OnDrop::new(move || {
                        over.store(true, Ordering::SeqCst);
                        // Where nobody was called before, the panic that is tested for comes from here.
                        drop(catch_unwind(AssertUnwindSafe(|| waker.wake())));
                    });
                    told.entered.wait();
                    drop(handles);
                    told.calls.get()
                })
            });
            if over.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let calls = releases.unwrap().join().expect("a panic of `unpark` came out of a handle's drop");
        assert!(calls > 0 || cfg!(runtime_no_recycle), "nobody was called to tidy");
    });
}

#[test]
fn whoever_is_called_to_tidy_in_a_local_reactor_may_spawn_and_let_go_of_tasks() {
    let _watchdog = watchdog();
    let runtime = sole();
    let (handle, last) = (runtime.handle().clone(), Mutex::new(Some(runtime.spawn(async {}))));
    call_to_tidy_calls(&runtime, move || {
        drop(handle.spawn(async {}));
        let last = last.lock().take();
        drop(last);
    });
}

#[test]
fn a_handle_is_dropped_though_the_unpark_of_a_local_reactor_panics() {
    let _watchdog = watchdog();
    let runtime = sole();
    let panics = AtomicBool::new(true);
    call_to_tidy_calls(&runtime, move || {
        if panics.swap(false, Ordering::SeqCst) {
            panic_silently();
        }
    });
}
