//! A panic on a worker outside of any task: the process ends with a word about it, and never hangs.
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use runtime::{Builder, Runtime};

use crate::support::{child, watchdog};

/// The panic ends the process whatever its other threads do: here, nothing.
fn wait(runtime: Runtime) {
    std::thread::sleep(Duration::from_secs(20));
    drop(runtime);
}

/// Runs a task on a runtime whose builder was told what panics, and does with it what `end` says; the child must be
/// aborted, and say why.
fn aborts(name: &str, spoil: fn(&mut Builder), end: fn(Runtime)) {
    if child::is(name) {
        let mut builder = Runtime::builder();
        builder.worker_threads(2);
        spoil(&mut builder);
        let runtime = builder.build().unwrap();
        let _ = runtime.block_on(runtime.spawn(async {}));
        end(runtime);
        // The threads have ended, or will never: either way a panic is lost.
        return;
    }
    let output = child::command(name).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{}: {said}", output.status);
    assert!(said.contains("deliberately"), "the panic's own message: {said}");
    assert!(said.contains("a panic outside of any task ended a worker thread"), "{said}");
    assert_eq!(
        said.matches("help: a callback given to `Builder::on_thread_*` must not panic").count(),
        1,
        "{said}"
    );
}

// S10
#[test]
fn a_callback_that_panics_when_a_worker_starts_aborts_the_process() {
    let _watchdog = watchdog();
    aborts(
        "worker_panics::a_callback_that_panics_when_a_worker_starts_aborts_the_process",
        |builder| {
            builder.worker_threads(1).on_thread_start(|| panic!("deliberately"));
        },
        wait,
    );
}

// S10
#[test]
fn a_callback_that_panics_when_a_worker_parks_aborts_the_process() {
    let _watchdog = watchdog();
    aborts(
        "worker_panics::a_callback_that_panics_when_a_worker_parks_aborts_the_process",
        |builder| {
            builder.worker_threads(1).on_thread_park(|| {
                // The guest's thread is the caller's: its panic unwinds into `block_on`.
                if std::thread::current().name() == Some("runtime-worker") {
                    panic!("deliberately");
                }
            });
        },
        wait,
    );
}

// S10
#[test]
fn a_callback_that_panics_when_a_worker_ends_aborts_the_process() {
    let _watchdog = watchdog();
    aborts(
        "worker_panics::a_callback_that_panics_when_a_worker_ends_aborts_the_process",
        |builder| {
            builder.worker_threads(1).on_thread_stop(|| panic!("deliberately"));
        },
        drop,
    );
}
