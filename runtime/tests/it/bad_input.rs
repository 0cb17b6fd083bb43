//! What cannot work is refused in clear words, and the runtime is usable afterwards.
use std::io;
use std::time::Duration;

use runtime::{Builder, Runtime};

use crate::support::{assert_helpful, child, panic_message, pool, process, watchdog};

/// Whatever was refused: a runtime can be made, and works.
fn assert_usable(runtime: &Runtime) {
    let answer = runtime.block_on(async {
        runtime::time::sleep(Duration::from_micros(10)).await;
        runtime::spawn(async { 6 }).await.unwrap() + runtime::task::spawn_blocking(|| 1).await.unwrap()
    });
    assert_eq!(answer, 7);
}

#[test]
fn zero_workers_are_refused_with_help() {
    let _watchdog = watchdog();
    let mut builder = Runtime::builder();
    let message = panic_message(|| drop(builder.worker_threads(0).build()));
    assert_helpful(&message, "Builder::worker_threads");
    let message = panic_message(|| drop(builder.worker_threads(usize::MAX).build()));
    assert_helpful(&message, "Builder::worker_threads");
    // The same builder is as good as new.
    assert_usable(&builder.worker_threads(2).build().unwrap());
}

#[test]
fn a_cap_of_zero_blocking_threads_is_refused_with_help() {
    let _watchdog = watchdog();
    let mut builder = Runtime::builder();
    builder.worker_threads(1);
    let message = panic_message(|| drop(builder.max_blocking_threads(0).build()));
    assert_helpful(&message, "Builder::max_blocking_threads");
    assert_usable(&builder.max_blocking_threads(1).build().unwrap());
}

#[test]
fn intervals_of_zero_are_refused_with_help() {
    let _watchdog = watchdog();
    let mut builder = Runtime::builder();
    builder.worker_threads(1);
    assert_helpful(&panic_message(|| drop(builder.event_interval(0).build())), "Builder::event_interval");
    let message = panic_message(|| drop(builder.global_queue_interval(0).build()));
    assert_helpful(&message, "Builder::global_queue_interval");
    assert_usable(&builder.event_interval(1).global_queue_interval(1).build().unwrap());
}

/// Runs `test` in a child whose environment says so many workers.
fn with_environment(test: &str, value: &str) {
    let mut command = child::command(test);
    // Its panics are part of the test: nobody needs their frames, and to name them takes a sanitizer's build seconds.
    command.env("RUST_BACKTRACE", "0");
    child::pass(command.env("RUNTIME_WORKER_THREADS", value).env("RUNTIME_TEST_VALUE", value));
}

#[test]
fn garbage_and_zero_in_the_environment_are_refused_with_help() {
    const TEST: &str = "bad_input::garbage_and_zero_in_the_environment_are_refused_with_help";
    if child::is(TEST) {
        let value = std::env::var("RUNTIME_TEST_VALUE").unwrap();
        let (fds, threads) = (process::open_fds(), process::threads());
        let error = Runtime::builder().build().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(text.contains("RUNTIME_WORKER_THREADS") && text.contains(&format!("{value:?}")), "{text}");
        let message = panic_message(Runtime::new);
        assert_helpful(&message, "Runtime::new");
        assert!(message.contains("RUNTIME_WORKER_THREADS"), "{message}");
        assert_eq!((process::open_fds(), process::threads()), (fds, threads));
        // An explicit number does not ask the environment.
        assert_usable(&pool(1));
        assert_usable(&Builder::new_current_thread().build().unwrap());
        return;
    }
    let _watchdog = watchdog();
    for value in ["0", "", "two", "-1", "1.5", "1e3", "99999999999999999999999", "4 workers"] {
        with_environment(TEST, value);
    }
}

#[test]
fn the_environment_decides_the_number_of_workers() {
    const TEST: &str = "bad_input::the_environment_decides_the_number_of_workers";
    if child::is(TEST) {
        let runtime = Runtime::new();
        assert_eq!(runtime.metrics().workers.len(), 3);
        assert_usable(&runtime);
        return;
    }
    let _watchdog = watchdog();
    with_environment(TEST, "3");
}

#[test]
fn threads_that_cannot_be_had_are_an_error_and_leave_nothing_behind() {
    let _watchdog = watchdog();
    child::run("bad_input::threads_that_cannot_be_had_are_an_error_and_leave_nothing_behind", || {
        let (fds, threads) = (process::open_fds(), process::threads());
        // No address space is as large as this stack.
        let error = Runtime::builder().worker_threads(2).thread_stack_size(1 << 47).build().unwrap_err();
        assert!(error.raw_os_error().is_some(), "as the system said it: {error}");
        crate::support::until(|| process::threads() == threads);
        assert_eq!(process::open_fds(), fds);
        // Where no thread is needed to begin with, closures that block are cancelled for want of one.
        let sole = Builder::new_current_thread().thread_stack_size(1 << 47).build().unwrap();
        for _ in 0..3 {
            let error = sole.block_on(async { runtime::task::spawn_blocking(|| ()).await.unwrap_err() });
            assert!(error.is_cancelled());
            assert_eq!(sole.block_on(async { runtime::spawn(async { 7 }).await.unwrap() }), 7);
        }
        drop(sole);
        assert_usable(&pool(2));
    });
}

#[test]
fn file_descriptors_that_cannot_be_had_are_an_error_and_leave_nothing_behind() {
    let _watchdog = watchdog();
    child::run(
        "bad_input::file_descriptors_that_cannot_be_had_are_an_error_and_leave_nothing_behind",
        || {
            let threads = process::threads();
            // Every descriptor that there is.
            let mut hoard = Vec::new();
            let error = loop {
                match std::fs::File::open("/dev/null") {
                    Ok(file) => hoard.push(file),
                    Err(error) => break error,
                }
            };
            // 24 is EMFILE.
            assert_eq!(error.raw_os_error(), Some(24));
            for free in 0..2 {
                let error = Runtime::builder().worker_threads(2).build().map(drop);
                match error {
                    Err(error) => assert_eq!(error.raw_os_error(), Some(24), "{free} free: {error}"),
                    // It needs fewer.
                    Ok(()) => assert!(free > 0),
                }
                hoard.pop();
            }
            drop(hoard);
            crate::support::until(|| process::threads() == threads);
            assert_usable(&pool(2));
        },
    );
}

#[test]
fn a_spawn_outside_of_any_runtime_is_refused_with_help() {
    let _watchdog = watchdog();
    assert_helpful(&panic_message(|| runtime::spawn(async {})), "runtime::spawn");
    assert_helpful(&panic_message(|| runtime::spawn_blocking(|| {})), "runtime::spawn_blocking");
    assert_helpful(&panic_message(runtime::Handle::current), "Handle::current");
    // `block_on` without a runtime has none to spawn into either.
    runtime::block_on(async {
        assert_helpful(&panic_message(|| runtime::spawn(async {})), "runtime::spawn");
    });
    assert!(runtime::Handle::try_current().is_err());
}

#[test]
fn a_handle_polled_after_it_resolved_says_so() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let mut handle = runtime.spawn(async { 7 });
    assert_eq!(runtime.block_on(&mut handle).unwrap(), 7);
    let message = panic_message(|| runtime.block_on(&mut handle).map(drop));
    assert_eq!(message.matches("help:").count(), 2, "{message}");
    assert_usable(&runtime);
}
