//! A runtime with nothing to do does nothing.
use std::thread;
use std::time::Duration;

use runtime::Runtime;

use crate::support::{Gate, Tally, child, process, soak, until, watchdog};

// S12
#[test]
fn an_idle_runtime_makes_no_wake_up_at_all() {
    let _watchdog = watchdog();
    child::run("idle::an_idle_runtime_makes_no_wake_up_at_all", || {
        let runtime = Runtime::builder()
            .worker_threads(4)
            .thread_name("idle-test")
            .thread_keep_alive(Duration::from_millis(100))
            .build()
            .unwrap();
        // Everything has been used: workers, timers, sockets, blocking threads.
        let reader = runtime.block_on(async {
            let tasks: Vec<_> = (0..100)
                .map(|_| runtime::spawn(async { runtime::time::sleep(Duration::from_millis(5)).await }))
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            runtime::task::spawn_blocking(|| {}).await.unwrap();
            let listener = runtime::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let far = runtime::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut near, _) = listener.accept().await.unwrap();
            // Waits for a byte, and for an hour, neither of which comes.
            runtime::spawn(async move {
                let _far = far;
                let hour = Duration::from_secs(3600);
                drop(runtime::time::timeout(hour, near.read(&mut [0; 1])).await);
            })
        });
        let threads = until_nothing_happens_for(Duration::from_secs(if soak() { 10 } else { 3 }));
        assert!(threads >= 4, "{threads} threads of the runtime found");
        // And it has not fallen asleep for good.
        assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
        reader.abort();
    });
}

#[test]
fn an_idle_thread_in_block_on_makes_no_wake_up_at_all() {
    let _watchdog = watchdog();
    child::run("idle::an_idle_thread_in_block_on_makes_no_wake_up_at_all", || {
        let runtime = Runtime::builder().worker_threads(2).thread_name("idle-test").build().unwrap();
        let (stop, stopped) = futures::channel::oneshot::channel::<()>();
        let guest = thread::Builder::new().name("idle-test-guest".into());
        let guest = guest
            .spawn(move || {
                runtime.block_on(async {
                    runtime::spawn(async {}).await.unwrap();
                    stopped.await.unwrap();
                });
            })
            .unwrap();
        let threads = until_nothing_happens_for(Duration::from_secs(2));
        assert!(threads >= 3, "{threads} threads of the runtime found");
        stop.send(()).unwrap();
        guest.join().unwrap();
    });
}

/// Waits until no thread whose name begins with `idle-test` has done anything for `span`, and says how many there are. Three seconds go by before
/// when nothing else runs: spares linger for half a second, the supervisor's first second goes by, what a burst took is given back within
/// three; and more beside others, for whom a step may wait for a second. What is done again and again is done in each span.
#[track_caller]
fn until_nothing_happens_for(span: Duration) -> usize {
    let most = Duration::from_secs(if soak() { 120 } else { 24 });
    for _ in 0..most.as_secs() / span.as_secs() {
        let before = process::context_switches("idle-test");
        // What is measured is a span of time: hence the sleep.
        thread::sleep(span);
        if process::context_switches("idle-test") == before {
            return before.0;
        }
    }
    panic!("after {most:?} they do something in each {span:?}");
}

/// Threads whose names begin with `idle-test`, so many, come to do nothing any more.
#[track_caller]
fn assert_nothing_happens(threads: usize) {
    assert_eq!(until_nothing_happens_for(Duration::from_secs(if soak() { 10 } else { 2 })), threads);
}

// S12
#[test]
fn after_a_stall_with_spares_and_blocking_in_place_there_is_no_wake_up_at_all() {
    let _watchdog = watchdog();
    child::run("idle::after_a_stall_with_spares_and_blocking_in_place_there_is_no_wake_up_at_all", || {
        let runtime = Runtime::builder()
            .worker_threads(2)
            .thread_name("idle-test")
            .thread_keep_alive(Duration::from_millis(100))
            .build()
            .unwrap();
        let (gate, blocked) = (Gate::default(), Tally::default());
        for n in 0..5 {
            let (gate, blocked) = (gate.clone(), blocked.clone());
            drop(runtime.spawn(async move {
                blocked.add();
                if n == 0 {
                    runtime::task::block_in_place(|| gate.wait());
                } else {
                    gate.wait();
                }
            }));
        }
        // All five at once: three spares at least.
        until(|| blocked.get() == 5);
        assert!(runtime.metrics().spares >= 3);
        gate.open();
        // Two workers and the supervisor.
        assert_nothing_happens(3);
        assert_eq!(runtime.metrics().spares, 0);
        assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
    });
}

// S12
#[test]
fn idle_local_and_pinned_tasks_make_no_wake_up_at_all() {
    let _watchdog = watchdog();
    child::run("idle::idle_local_and_pinned_tasks_make_no_wake_up_at_all", || {
        let runtime = Runtime::builder().worker_threads(2).thread_name("idle-test").build().unwrap();
        let pinned = runtime.block_on(async {
            runtime::task::spawn_pinned(|| async {
                runtime::time::sleep(Duration::from_millis(1)).await;
                drop(runtime::task::spawn_local(std::future::pending::<()>()));
                std::future::pending::<()>().await;
            })
        });
        let start = |name: &str, body: fn(futures::channel::oneshot::Receiver<()>)| {
            let (stop, stopped) = futures::channel::oneshot::channel();
            let thread = thread::Builder::new().name(name.into()).spawn(move || body(stopped)).unwrap();
            (stop, thread)
        };
        let set = start("idle-test-set", |stopped| {
            let set = runtime::task::LocalSet::new();
            drop(set.spawn_local(std::future::pending::<()>()));
            runtime::block_on(set.run_until(async {
                runtime::time::sleep(Duration::from_millis(1)).await;
                stopped.await.unwrap();
            }));
        });
        let current = start("idle-test-current", |stopped| {
            let runtime = runtime::Builder::new_current_thread().thread_name("idle-test").build().unwrap();
            runtime.block_on(async {
                runtime::time::sleep(Duration::from_millis(1)).await;
                drop(runtime::task::spawn_local(std::future::pending::<()>()));
                drop(runtime::spawn(std::future::pending::<()>()));
                stopped.await.unwrap();
            });
        });
        // Two workers, their supervisor, and the two threads that block on something.
        assert_nothing_happens(5);
        for (stop, thread) in [set, current] {
            stop.send(()).unwrap();
            thread.join().unwrap();
        }
        pinned.abort();
    });
}

#[test]
fn with_a_stall_threshold_that_never_comes_nobody_samples() {
    let _watchdog = watchdog();
    child::run("idle::with_a_stall_threshold_that_never_comes_nobody_samples", || {
        let runtime = Runtime::builder()
            .worker_threads(2)
            .thread_name("idle-test")
            .stall_threshold(Duration::MAX)
            .build()
            .unwrap();
        let (gate, blocked) = (Gate::default(), Tally::default());
        let (other, tally) = (gate.clone(), blocked.clone());
        // One worker is stuck for as long as this lasts: a supervisor that samples would do so all the while.
        drop(runtime.spawn(async move {
            tally.add();
            other.wait();
        }));
        until(|| blocked.get() == 1);
        // Its thread is there, for the end of the runtime.
        assert_nothing_happens(3);
        let metrics = runtime.metrics();
        assert_eq!((metrics.stalls, metrics.stalled_workers, metrics.spares), (0, 0, 0));
        gate.open();
        assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
    });
}
