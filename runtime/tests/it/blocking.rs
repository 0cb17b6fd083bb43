//! Closures that block, through `spawn_blocking`.
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use runtime::Runtime;

use crate::support::{
    Gate, OnDrop, OpenOnDrop, Rng, Tally, child, count, panic_silently, pool, process, until, watchdog,
};

fn with_cap(cap: usize) -> Runtime {
    Runtime::builder().worker_threads(2).max_blocking_threads(cap).build().unwrap()
}

// B1
#[test]
fn ten_times_the_cap_never_runs_more_than_the_cap_and_all_finish() {
    let _watchdog = watchdog();
    const CAP: usize = 4;
    let runtime = with_cap(CAP);
    for _ in 0..count(20, 2_000) {
        let running = Arc::new(AtomicUsize::new(0));
        // And it does reach the cap: closures that wait for one another meet.
        let meeting = Arc::new(Barrier::new(CAP));
        let handles: Vec<_> = (0..10 * CAP)
            .map(|index| {
                let (running, meeting) = (Arc::clone(&running), Arc::clone(&meeting));
                runtime.spawn_blocking(move || {
                    assert!(running.fetch_add(1, Ordering::SeqCst) < CAP, "over the cap");
                    meeting.wait();
                    running.fetch_sub(1, Ordering::SeqCst);
                    index
                })
            })
            .collect();
        runtime.block_on(async {
            for (index, handle) in handles.into_iter().enumerate() {
                assert_eq!(handle.await.unwrap(), index);
            }
        });
        assert!(runtime.metrics().blocking_threads <= CAP);
    }
}

// B2
#[test]
fn a_closure_submitted_as_the_only_thread_goes_idle_runs() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = with_cap(1);
    runtime.block_on(async {
        for n in 0..count(10_000, 1_000_000) {
            assert_eq!(runtime::task::spawn_blocking(move || n).await.unwrap(), n);
            rng.spin(1_000);
        }
    });
    // From several threads at a time.
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for n in 0..count(2_000, 200_000) {
                    let handle = runtime.spawn_blocking(move || n);
                    assert_eq!(futures::executor::block_on(handle).unwrap(), n);
                }
            });
        }
    });
    assert_eq!(runtime.metrics().blocking_threads, 1);
}

// B3
#[test]
fn a_closure_submitted_as_the_keep_alive_expires_runs() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = Runtime::builder()
        .worker_threads(1)
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::from_millis(1))
        .build()
        .unwrap();
    for n in 0..count(1_000, 100_000) {
        let handle = runtime.spawn_blocking(move || n);
        assert_eq!(futures::executor::block_on(handle).unwrap(), n);
        let began = Instant::now();
        let pause = Duration::from_micros(900) + rng.micros(300);
        while began.elapsed() < pause {
            std::hint::spin_loop();
        }
    }
    until(|| runtime.metrics().blocking_threads == 0);
}

/// Threads that a runtime of one worker starts as it is built.
const THREADS_OF_BUILD: &str = "threads of build: ";

/// Where strace is missing, and the checks do not bring it, there is nothing that could refuse threads to root.
fn strace_is_missing() -> bool {
    let missing = std::process::Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err();
    if missing {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "strace is needed for this test");
        eprintln!("skipped: strace is not installed");
    }
    missing
}

/// The child, told to have its threads refused from the n-th of each thread on.
fn refused(test: &str, first: usize) -> std::process::Command {
    let inject = format!("inject=clone,clone3:error=EAGAIN:when={first}+");
    let mut command = child::wrapped(
        &["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=clone,clone3", "-e", &inject],
        test,
    );
    // The leak sanitizer cannot work in a process that is traced already.
    for options in ["ASAN_OPTIONS", "LSAN_OPTIONS"] {
        let inherited = std::env::var(options).unwrap_or_default();
        command.env(options, format!("{inherited}:detect_leaks=0"));
    }
    command
}

// B4
#[test]
fn without_a_thread_to_be_had_closures_are_cancelled_and_the_runtime_stays_usable() {
    const TEST: &str =
        "blocking::without_a_thread_to_be_had_closures_are_cancelled_and_the_runtime_stays_usable";
    if child::is(TEST) {
        let before = process::threads();
        let runtime = Runtime::builder().worker_threads(1).build().unwrap();
        println!("{THREADS_OF_BUILD}{}", process::threads() - before);
        if std::env::var_os("RUNTIME_TEST_REFUSED").is_none() {
            return;
        }
        for _ in 0..3 {
            let ran = Tally::default();
            let dropped = Tally::default();
            let (counter, guard) = (ran.clone(), dropped.on_drop());
            let handle = runtime.spawn_blocking(move || {
                let _guard = guard;
                counter.add();
            });
            let error = futures::executor::block_on(handle).unwrap_err();
            assert!(error.is_cancelled(), "{error}");
            assert_eq!((ran.get(), dropped.get()), (0, 1));
            // Workers need no new thread.
            assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
        }
        assert_eq!(runtime.metrics().blocking_threads, 0);
        assert_eq!(runtime.metrics().blocking_queue_depth, 0);
        drop(runtime);
        return;
    }
    let _watchdog = watchdog();
    if strace_is_missing() {
        return;
    }
    let output = child::pass(&mut child::command(TEST));
    let threads = output.split(THREADS_OF_BUILD).nth(1).and_then(|rest| rest.split_whitespace().next());
    let threads: usize = threads.expect("the child said how many").parse().unwrap();
    child::pass(refused(TEST, threads + 1).env("RUNTIME_TEST_REFUSED", "1"));
}

// Bad input: refused threads
#[test]
fn a_runtime_that_is_refused_a_thread_says_so_and_leaves_nothing_behind() {
    const TEST: &str = "blocking::a_runtime_that_is_refused_a_thread_says_so_and_leaves_nothing_behind";
    if child::is(TEST) {
        let fds = process::open_fds();
        let threads = process::threads();
        let error = Runtime::builder().worker_threads(4).build().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(11), "EAGAIN as it came: {error}");
        // What was started has ended, or is about to.
        until(|| process::threads() == threads);
        assert_eq!(process::open_fds(), fds);
        let message = crate::support::panic_message(Runtime::new);
        crate::support::assert_helpful(&message, "Runtime::new");
        // Without threads there is still this one.
        assert_eq!(runtime::block_on(async { 7 }), 7);
        return;
    }
    let _watchdog = watchdog();
    if strace_is_missing() {
        return;
    }
    for first in 1..=3 {
        child::pass(&mut refused(TEST, first));
    }
}

// B5
#[test]
fn dropping_the_runtime_waits_only_so_long_for_a_closure_that_runs() {
    let _watchdog = watchdog();
    let runtime =
        Runtime::builder().worker_threads(1).shutdown_timeout(Duration::from_millis(20)).build().unwrap();
    let gate = Gate::default();
    let (started_tx, started) = mpsc::channel();
    let (ended_tx, ended) = mpsc::channel();
    let held = gate.clone();
    let handle = runtime.spawn_blocking(move || {
        started_tx.send(()).unwrap();
        held.wait();
        ended_tx.send(()).unwrap();
        7
    });
    started.recv().unwrap();
    drop(runtime);
    assert!(ended.try_recv().is_err(), "it still runs");
    gate.open();
    ended.recv().unwrap();
    // Its output is not lost.
    assert_eq!(futures::executor::block_on(handle).unwrap(), 7);
}

// B5
#[test]
fn a_closure_that_the_end_leaves_behind_is_told_on_standard_error() {
    const NAME: &str = "blocking::a_closure_that_the_end_leaves_behind_is_told_on_standard_error";
    let _watchdog = watchdog();
    if child::is(NAME) {
        let mut builder = Runtime::builder();
        let runtime = builder.worker_threads(1).shutdown_timeout(Duration::from_millis(20)).build().unwrap();
        let (started_tx, started) = mpsc::channel();
        drop(runtime.spawn_blocking(move || {
            started_tx.send(()).unwrap();
            loop {
                thread::park();
            }
        }));
        started.recv().unwrap();
        return drop(runtime);
    }
    let output = child::command(NAME).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("1 blocking closures had not returned 20ms").count(), 1, "{said}");
    assert_eq!(said.matches("help: ").count(), 2, "{said}");
}

// B5
#[test]
fn dropping_the_runtime_waits_for_a_closure_that_ends_in_time() {
    let _watchdog = watchdog();
    let runtime =
        Runtime::builder().worker_threads(1).shutdown_timeout(Duration::from_secs(50)).build().unwrap();
    let gate = Gate::default();
    let ended = Tally::default();
    let (started_tx, started) = mpsc::channel();
    // The gate is opened by the shutdown itself, which drops this task.
    let opener = OpenOnDrop(gate.clone());
    drop(runtime.spawn(async move {
        let _opener = opener;
        std::future::pending::<()>().await;
    }));
    let counter = ended.clone();
    drop(runtime.spawn_blocking(move || {
        started_tx.send(()).unwrap();
        gate.wait();
        counter.add();
    }));
    started.recv().unwrap();
    drop(runtime);
    assert_eq!(ended.get(), 1);
}

// B6
#[test]
fn shutdown_returns_on_time_and_reports_what_remains() {
    let _watchdog = watchdog();
    for timeout in [Duration::ZERO, Duration::from_millis(100)] {
        let runtime = with_cap(8);
        let gate = Gate::default();
        let (started_tx, started) = mpsc::channel();
        for _ in 0..3 {
            let (gate, started) = (gate.clone(), started_tx.clone());
            drop(runtime.spawn_blocking(move || {
                started.send(()).unwrap();
                gate.wait();
            }));
        }
        (0..3).for_each(|_| started.recv().unwrap());
        let began = Instant::now();
        let report = runtime.shutdown(timeout);
        let took = began.elapsed();
        assert_eq!(report.blocking, 3, "{report:?}");
        assert!(!report.is_clean());
        assert!(took >= timeout, "{took:?}");
        // On time; how punctually is a matter of the machine's load.
        assert!(took < timeout + Duration::from_secs(2), "{took:?}");
        gate.open();
    }
}

// B6
#[test]
fn shutdown_without_a_limit_waits_for_all_and_reports_nothing() {
    let _watchdog = watchdog();
    let runtime = with_cap(8);
    let gate = Gate::default();
    let ended = Tally::default();
    let (started_tx, started) = mpsc::channel();
    let opener = OpenOnDrop(gate.clone());
    drop(runtime.spawn(async move {
        let _opener = opener;
        std::future::pending::<()>().await;
    }));
    for _ in 0..3 {
        let (gate, started, ended) = (gate.clone(), started_tx.clone(), ended.clone());
        drop(runtime.spawn_blocking(move || {
            started.send(()).unwrap();
            gate.wait();
            ended.add();
        }));
    }
    (0..3).for_each(|_| started.recv().unwrap());
    let report = runtime.shutdown(Duration::MAX);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(ended.get(), 3);
}

// B6
#[test]
fn shutdown_reports_a_worker_that_does_not_return() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let gate = Gate::default();
    let (started_tx, started) = mpsc::channel();
    let held = gate.clone();
    let handle = runtime.spawn(async move {
        started_tx.send(()).unwrap();
        held.wait();
    });
    started.recv().unwrap();
    let report = runtime.shutdown(Duration::from_millis(20));
    assert_eq!((report.workers, report.tasks), (1, 1), "{report:?}");
    gate.open();
    // It was in its last poll.
    futures::executor::block_on(handle).unwrap();
}

// B7
#[test]
fn closures_that_have_not_started_at_shutdown_are_cancelled() {
    let _watchdog = watchdog();
    let runtime = with_cap(1);
    let gate = Gate::default();
    let (started_tx, started) = mpsc::channel();
    let held = gate.clone();
    let running = runtime.spawn_blocking(move || {
        started_tx.send(()).unwrap();
        held.wait();
        7
    });
    started.recv().unwrap();
    let (ran, dropped) = (Tally::default(), Tally::default());
    let queued: Vec<_> = (0..100)
        .map(|_| {
            let (counter, guard) = (ran.clone(), dropped.on_drop());
            runtime.spawn_blocking(move || {
                let _guard = guard;
                counter.add();
            })
        })
        .collect();
    runtime.shutdown_background();
    for handle in queued {
        assert!(futures::executor::block_on(handle).unwrap_err().is_cancelled());
    }
    assert_eq!((ran.get(), dropped.get()), (0, 100));
    gate.open();
    assert_eq!(futures::executor::block_on(running).unwrap(), 7);
}

// B8
#[test]
fn a_closure_that_panics_gives_a_join_error_and_its_thread_is_used_again() {
    let _watchdog = watchdog();
    let runtime = with_cap(1);
    let first = runtime.block_on(runtime.spawn_blocking(|| thread::current().id())).unwrap();
    for _ in 0..100 {
        let error = runtime.block_on(runtime.spawn_blocking(|| panic_silently())).unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert!(error.into_panic().is::<crate::support::Deliberate>());
        let next = runtime.block_on(runtime.spawn_blocking(|| thread::current().id())).unwrap();
        assert_eq!(next, first);
    }
    assert_eq!(runtime.metrics().blocking_threads, 1);
}

// B9
#[test]
fn a_closure_submitted_by_a_drop_during_shutdown_resolves() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let (tx, rx) = mpsc::channel();
        let (ran, dropped) = (Tally::default(), Tally::default());
        for _ in 0..50 {
            let (tx, counter, captured) = (tx.clone(), ran.clone(), dropped.on_drop());
            let handle = runtime.handle().clone();
            let guard = OnDrop::new(move || {
                let closure = handle.spawn_blocking(move || {
                    let _captured = captured;
                    counter.add();
                });
                tx.send(closure).unwrap();
            });
            drop(runtime.spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
        }
        drop(tx);
        drop(runtime);
        let closures: Vec<_> = rx.iter().collect();
        assert_eq!(closures.len(), 50);
        for closure in closures {
            assert!(futures::executor::block_on(closure).unwrap_err().is_cancelled());
        }
        assert_eq!((ran.get(), dropped.get()), (0, 50));
    }
}

// B10
#[test]
fn a_closure_that_never_returns_does_not_hold_the_process() {
    const TEST: &str = "blocking::a_closure_that_never_returns_does_not_hold_the_process";
    if child::is(TEST) {
        let runtime = Runtime::builder().worker_threads(1).build().unwrap();
        let (started_tx, started) = mpsc::channel();
        drop(runtime.spawn_blocking(move || {
            started_tx.send(()).unwrap();
            drop(std::io::stdin().read(&mut [0; 1]));
        }));
        started.recv().unwrap();
        drop(runtime);
        return;
    }
    let _watchdog = watchdog();
    let mut child = child::command(TEST).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Open for as long as the child lives, and silent.
    let stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("1 passed")));
    assert!(child.wait().unwrap().success());
    drop(stdin);
}

#[test]
fn aborting_a_closure_that_has_not_started_cancels_it() {
    let _watchdog = watchdog();
    let runtime = with_cap(1);
    let gate = Gate::default();
    let held = gate.clone();
    let running = runtime.spawn_blocking(move || held.wait());
    let ran = Tally::default();
    let counter = ran.clone();
    let queued = runtime.spawn_blocking(move || counter.add());
    queued.abort();
    gate.open();
    assert!(runtime.block_on(queued).unwrap_err().is_cancelled());
    runtime.block_on(running).unwrap();
    assert_eq!(ran.get(), 0);
}

#[test]
fn a_closure_may_spawn_and_block_on_tasks_of_its_runtime() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let closure = runtime.spawn_blocking(|| {
            let task = runtime::spawn(async { 6 });
            let sum = runtime::Handle::current().block_on(async { task.await.unwrap() + 1 });
            let nested = runtime::task::spawn_blocking(move || sum);
            runtime::Handle::current().block_on(nested).unwrap()
        });
        assert_eq!(runtime.block_on(closure).unwrap(), 7);
    }
}
