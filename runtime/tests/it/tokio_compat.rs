//! Tokio's sockets, timers and tasks on our executors, with `Builder::tokio_compat`.
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use runtime::task::{LocalSet, spawn_local};
use runtime::{Builder, Runtime, tokio_compat};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Gate, OnDrop, Tally, child, count, process, until, watchdog};

const SHORT: Duration = Duration::from_millis(2);

fn compat(workers: usize) -> Runtime {
    Runtime::builder().worker_threads(workers).tokio_compat(true).build().unwrap()
}

fn compat_current_thread() -> Runtime {
    Builder::new_current_thread().tokio_compat(true).build().unwrap()
}

/// Whether this thread is in a context of tokio's.
fn in_tokio() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

/// One connection of tokio's, answered once for each read.
async fn echo_one(listener: TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length]).await?,
        }
    }
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn ask(address: SocketAddr, rounds: usize) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for round in 0..rounds {
        let sent = [round as u8; 32];
        stream.write_all(&sent).await.unwrap();
        let mut received = [0; 32];
        stream.read_exact(&mut received).await.unwrap();
        assert_eq!(sent, received);
    }
}

/// Both ends in one future.
async fn echo_here(rounds: usize) {
    let (listener, address) = bind().await;
    let (served, ()) = futures::join!(echo_one(listener), ask(address, rounds));
    served.unwrap();
}

/// Really waits, by tokio's clock.
async fn timers() {
    let begun = Instant::now();
    tokio::time::sleep(SHORT).await;
    assert!(begun.elapsed() >= SHORT);
    let never = tokio::time::timeout(SHORT, std::future::pending::<()>());
    assert!(never.await.is_err());
    let mut interval = tokio::time::interval(SHORT);
    for _ in 0..3 {
        interval.tick().await;
    }
    assert!(begun.elapsed() >= 4 * SHORT);
}

#[test]
fn tokio_sockets_and_timers_run_in_plain_tasks() {
    let _watchdog = watchdog();
    let runtime = compat(2);
    let tasks: Vec<_> = (0..count(8, 200))
        .map(|_| {
            runtime.spawn(async {
                let (listener, address) = bind().await;
                let server = runtime::spawn(echo_one(listener));
                let client = runtime::spawn(ask(address, 20));
                timers().await;
                client.await.unwrap();
                server.await.unwrap().unwrap();
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
}

#[test]
fn tokio_sockets_and_timers_run_in_block_on() {
    let _watchdog = watchdog();
    let runtime = compat(1);
    runtime.block_on(async {
        echo_here(20).await;
        timers().await;
    });
    // A second thread in `block_on` has no seat, and polls its root all the same.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| runtime.block_on(async { futures::join!(echo_here(20), timers()) }));
        }
    });
    assert!(!in_tokio(), "the thread has left it");
}

#[test]
fn tokio_sockets_and_timers_run_in_a_current_thread_runtime() {
    let _watchdog = watchdog();
    let runtime = compat_current_thread();
    runtime.block_on(async {
        let task = runtime::spawn(async {
            echo_here(20).await;
            timers().await;
        });
        echo_here(20).await;
        task.await.unwrap();
    });
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| runtime.block_on(async { futures::join!(echo_here(5), timers()) }));
        }
    });
}

#[test]
fn tokio_sockets_and_timers_run_without_a_runtime_while_a_guard_is_held() {
    let _watchdog = watchdog();
    {
        let _entered = tokio_compat::enter();
        runtime::block_on(async {
            echo_here(20).await;
            timers().await;
        });
    }
    assert!(!in_tokio());
}

#[test]
fn tokio_sockets_and_timers_run_in_blocking_closures() {
    let _watchdog = watchdog();
    let runtime = compat(1);
    let handle = runtime.handle().clone();
    let closures = [
        runtime.spawn_blocking(|| runtime::block_on(async { futures::join!(echo_here(5), timers()) })),
        runtime.spawn_blocking(move || handle.block_on(async { futures::join!(echo_here(5), timers()) })),
    ];
    for closure in closures {
        runtime.block_on(closure).unwrap();
    }
}

#[test]
fn libraries_may_spawn_with_tokio_from_our_tasks() {
    let _watchdog = watchdog();
    for runtime in [compat(2), compat_current_thread()] {
        let task = runtime.spawn(async {
            let spawned = tokio::spawn(async {
                timers().await;
                echo_here(5).await;
                1
            });
            let blocking = tokio::task::spawn_blocking(|| {
                // As libraries do to call async code of theirs.
                tokio::runtime::Handle::current().block_on(timers());
                2
            });
            spawned.await.unwrap() + blocking.await.unwrap()
        });
        assert_eq!(runtime.block_on(task).unwrap(), 3);
    }
}

#[test]
fn the_thread_that_stands_in_for_a_blocked_worker_is_in_tokios_world_too() {
    let _watchdog = watchdog();
    let runtime = compat(1);
    let done = Gate::default();
    let opened = done.clone();
    let blocked = runtime.spawn(async move {
        let beside = runtime::spawn(async move {
            timers().await;
            echo_here(5).await;
            opened.open();
        });
        runtime::task::block_in_place(|| {
            done.wait();
            // The closure is no part of the executor, and may block on futures of its own.
            runtime::block_on(timers());
        });
        timers().await;
        beside.await.unwrap();
    });
    // Not in `block_on`, which would run the task beside itself.
    until(|| blocked.is_finished());
    runtime.block_on(blocked).unwrap();
}

#[test]
fn tokio_sockets_and_timers_run_in_a_local_set() {
    let _watchdog = watchdog();
    let locals = || {
        let set = LocalSet::new();
        let done = set.spawn_local(async {
            // Neither is `Send`.
            let mine = std::rc::Rc::new(5);
            echo_here(*mine).await;
            spawn_local(async move {
                timers().await;
                *mine
            })
            .await
            .unwrap()
        });
        async move { set.run_until(done).await.unwrap() }
    };
    assert_eq!(compat(1).block_on(locals()), 5);
    assert_eq!(compat_current_thread().block_on(locals()), 5);
    let _entered = tokio_compat::enter();
    assert_eq!(runtime::block_on(locals()), 5);
}

#[test]
fn tokio_sockets_and_timers_run_in_pinned_tasks() {
    let _watchdog = watchdog();
    for runtime in [compat(2), compat_current_thread()] {
        let pinned = runtime.spawn_pinned(|| async {
            let mine = std::rc::Rc::new(5);
            timers().await;
            echo_here(*mine).await;
            *mine
        });
        assert_eq!(runtime.block_on(pinned).unwrap(), 5);
    }
}

#[test]
fn tokios_block_in_place_calls_its_closure() {
    let _watchdog = watchdog();
    let runtime = compat(2);
    let task = runtime.spawn(async {
        let thread = std::thread::current().id();
        tokio::task::block_in_place(move || std::thread::current().id() == thread)
    });
    assert!(runtime.block_on(task).unwrap());
}

#[test]
fn our_sockets_and_tokios_meet_in_one_task() {
    let _watchdog = watchdog();
    let runtime = compat(2);
    let task = runtime.spawn(async {
        let listener = runtime::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ours = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 64];
            while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                stream.write_all(&buffer[..length]).await.unwrap();
                runtime::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let theirs = async {
            ask(address, 5).await;
            tokio::time::sleep(SHORT).await;
        };
        futures::join!(ours, theirs, timers());
        // One timer of each kind around the other's.
        let inner = tokio::time::timeout(SHORT, std::future::pending::<()>());
        let outer = runtime::time::timeout(Duration::from_secs(30), inner);
        assert!(outer.await.unwrap().is_err());
    });
    runtime.block_on(task).unwrap();
}

#[test]
fn a_runtime_that_goes_leaves_tokios_world_to_the_others() {
    let _watchdog = watchdog();
    let (stays, goes) = (compat(1), compat_current_thread());
    let open = goes.block_on(async {
        drop(goes.spawn(echo_here(1)));
        let (listener, address) = bind().await;
        let client = TcpStream::connect(address).await.unwrap();
        (listener.accept().await.unwrap().0, client)
    });
    let waits = stays.spawn(async {
        let (mut server, mut client) = open;
        tokio::time::sleep(10 * SHORT).await;
        client.write_all(b"still").await.unwrap();
        let mut received = [0; 5];
        server.read_exact(&mut received).await.unwrap();
        received
    });
    drop(goes);
    assert_eq!(&stays.block_on(waits).unwrap(), b"still");
    stays.block_on(echo_here(5));
}

#[test]
fn tasks_are_dropped_inside_tokios_world_by_a_shutdown() {
    let _watchdog = watchdog();
    for runtime in [compat(2), compat_current_thread()] {
        let inside = Tally::default();
        for _ in 0..10 {
            let inside = inside.clone();
            drop(runtime.spawn(async move {
                let _at_end = OnDrop::new(move || {
                    // A pool gives its connections back like this.
                    drop(tokio::spawn(async {}));
                    drop(tokio::time::sleep(SHORT));
                    inside.add();
                });
                let (listener, _) = bind().await;
                drop(listener.accept().await);
            }));
        }
        runtime.block_on(timers());
        drop(runtime);
        assert_eq!(inside.get(), 10);
    }
}

#[test]
fn a_runtime_with_tokios_world_may_be_dropped_in_async_code() {
    let _watchdog = watchdog();
    let outer = compat(1);
    let task = outer.spawn(async {
        for inner in [compat(1), compat_current_thread()] {
            drop(inner.spawn(echo_here(1)));
            drop(inner);
        }
        timers().await;
    });
    outer.block_on(task).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        drop(compat(1));
        drop(compat_current_thread());
    });
}

/// Runs in a child: nobody else has the world.
#[test]
fn tokios_world_may_end_by_a_task_of_its_own() {
    child::run("tokio_compat::tokios_world_may_end_by_a_task_of_its_own", || {
        let _watchdog = watchdog();
        let before = process::threads();
        let runtime = compat(1);
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let dropped = Gate::default();
        let done = dropped.clone();
        let handle = runtime.handle().clone();
        let entered = handle.enter();
        drop(tokio::spawn(async move {
            gone.await.unwrap();
            drop(runtime);
            done.open();
        }));
        drop(entered);
        go.send(()).unwrap();
        dropped.wait();
        until(|| process::threads() == before);
        // The next one is as good.
        compat(1).block_on(echo_here(1));
    });
}

/// Runs in a child: threads and descriptors are the process's.
#[test]
fn runtimes_with_tokios_world_leave_no_thread_and_no_descriptor_behind() {
    child::run("tokio_compat::runtimes_with_tokios_world_leave_no_thread_and_no_descriptor_behind", || {
        let _watchdog = watchdog();
        let round = |index: usize| {
            let runtime = if index.is_multiple_of(2) { compat(2) } else { compat_current_thread() };
            runtime.block_on(async {
                let task = runtime::spawn(echo_here(1));
                tokio::task::spawn_blocking(|| ()).await.unwrap();
                task.await.unwrap();
            });
        };
        round(0);
        round(1);
        let before = (process::threads(), process::open_fds());
        for index in 0..100 {
            round(index);
            // Exactly, and at once: the drop has waited. A thread that was joined may be listed for a moment still.
            assert_eq!(process::open_fds(), before.1);
            until(|| process::threads() == before.0);
        }
    });
}

#[test]
fn tokios_world_is_one_thread_for_the_whole_process() {
    child::run("tokio_compat::tokios_world_is_one_thread_for_the_whole_process", || {
        let _watchdog = watchdog();
        let before = process::threads();
        let without = [1, 2].map(|workers| Runtime::builder().worker_threads(workers).build().unwrap());
        let plain = process::threads() - before;
        assert!(!without[0].block_on(without[0].spawn(async { in_tokio() })).unwrap());
        drop(without);
        let with = [compat(1), compat(2)];
        let guard = tokio_compat::enter();
        for runtime in &with {
            runtime.block_on(runtime.spawn(echo_here(1))).unwrap();
            assert_eq!(runtime.metrics().workers.len(), if std::ptr::eq(runtime, &with[0]) { 1 } else { 2 });
        }
        // Not at once: a machine that holds a worker up lets a spare be started, which ends again.
        until(|| process::threads() - before == plain + 1);
        assert_eq!(process::context_switches("runtime-tokio").0, 1);
        drop(with);
        assert_eq!(process::context_switches("runtime-tokio").0, 1, "the guard keeps it");
        drop(guard);
        until(|| process::threads() == before);
    });
}

/// Runs in a child: nobody else has the world.
#[test]
fn a_task_of_tokios_that_blocks_its_thread_does_not_hang_the_end() {
    child::run("tokio_compat::a_task_of_tokios_that_blocks_its_thread_does_not_hang_the_end", || {
        let _watchdog = watchdog();
        let before = process::threads();
        let runtime = Runtime::builder()
            .worker_threads(1)
            .shutdown_timeout(Duration::from_millis(50))
            .tokio_compat(true)
            .build()
            .unwrap();
        let (blocks, goes_on) = (Gate::default(), Gate::default());
        let (begun, until_told) = (blocks.clone(), goes_on.clone());
        runtime.block_on(async {
            drop(tokio::spawn(async move {
                begun.open();
                until_told.wait();
            }));
        });
        blocks.wait();
        drop(runtime);
        // A world of its own, beside the one that cannot end yet.
        compat(1).block_on(async {
            echo_here(1).await;
            timers().await;
        });
        goes_on.open();
        until(|| process::threads() == before);
    });
}

#[test]
fn contexts_may_be_left_in_any_order() {
    let _watchdog = watchdog();
    let (with, without) = (compat_current_thread(), Builder::new_current_thread().build().unwrap());
    let first = with.enter();
    let second = without.enter();
    let third = with.enter();
    assert!(in_tokio());
    drop(first);
    assert!(in_tokio());
    drop(second);
    assert!(in_tokio());
    drop(third);
    assert!(!in_tokio());
}

#[test]
fn a_guard_in_a_root_future_outlives_the_seat_in_which_it_was_made() {
    let _watchdog = watchdog();
    let runtime = compat_current_thread();
    let handle = runtime.handle().clone();
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let (told, tell) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let handle = &handle;
        let root = scope.spawn(move || {
            handle.block_on(async {
                let _entered = handle.enter();
                told.send(()).unwrap();
                gone.await.unwrap();
                timers().await;
                in_tokio()
            }) && !in_tokio()
        });
        tell.recv().unwrap();
        runtime.shutdown_background();
        go.send(()).unwrap();
        assert!(root.join().unwrap());
    });
}

/// Tokio reports a guard that is dropped before a later one with a panic; on a worker that would end the process.
#[test]
fn a_guard_of_tokios_that_outlives_its_worker_ends_nothing_but_itself() {
    static HANDLE: OnceLock<tokio::runtime::Handle> = OnceLock::new();
    thread_local! {
        static LATER: RefCell<Option<tokio::runtime::EnterGuard<'static>>> = const { RefCell::new(None) };
    }
    let _watchdog = watchdog();
    let runtime = compat(1);
    // Not in `block_on`, whose thread would run the task too.
    let task = runtime.spawn(async {
        LATER.set(Some(HANDLE.get_or_init(tokio::runtime::Handle::current).enter()));
    });
    until(|| task.is_finished());
    assert!(runtime.shutdown(Duration::from_secs(30)).is_clean());
}

#[test]
fn a_thread_locals_destructor_may_enter_where_tokios_own_is_gone() {
    thread_local! {
        static LATE: RefCell<Option<OnDrop<AtEnd>>> = const { RefCell::new(None) };
    }
    type AtEnd = Box<dyn FnOnce()>;
    let _watchdog = watchdog();
    let runtime = compat_current_thread();
    let handle = runtime.handle().clone();
    let ran = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ran);
    std::thread::spawn(move || {
        let outer = handle.clone();
        // Registered before tokio's, dropped after it.
        LATE.set(Some(OnDrop::new(Box::new(move || {
            drop(handle.enter());
            drop(tokio_compat::enter());
            seen.store(true, Ordering::SeqCst);
        }))));
        drop(outer.enter());
    })
    .join()
    .unwrap();
    assert!(ran.load(Ordering::SeqCst));
}

/// Runs in a child: nobody else has the world.
#[test]
fn a_tokio_socket_that_outlives_the_world_gives_an_error_and_never_hangs() {
    child::run("tokio_compat::a_tokio_socket_that_outlives_the_world_gives_an_error_and_never_hangs", || {
        let _watchdog = watchdog();
        let runtime = compat(1);
        let (mut server, _client) = runtime.block_on(async {
            let (listener, address) = bind().await;
            let client = TcpStream::connect(address).await.unwrap();
            (listener.accept().await.unwrap().0, client)
        });
        let begun = Gate::default();
        let waits = begun.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 1];
            let pending = async {
                let mut read = std::pin::pin!(server.read(&mut buffer));
                assert!(futures::poll!(&mut read).is_pending());
                begun.open();
                read.await.map(drop)
            };
            let first = pollster::block_on(pending);
            (first, pollster::block_on(server.read(&mut buffer)).map(drop))
        });
        waits.wait();
        drop(runtime);
        let (pending, later) = reader.join().unwrap();
        for error in [pending.unwrap_err(), later.unwrap_err()] {
            assert!(error.to_string().contains("shutdown"), "{error}");
        }
    });
}

#[test]
fn a_handle_to_a_runtime_that_is_gone_still_has_a_reactor_for_tokios_futures() {
    let _watchdog = watchdog();
    for runtime in [compat(1), compat_current_thread()] {
        let handle = runtime.handle().clone();
        drop(runtime);
        handle.block_on(async {
            echo_here(5).await;
            timers().await;
        });
    }
}
