//! For tests that can hang: the process ends, naming the test, instead.
use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Runs `test` on this thread, and aborts the process if it takes more than 30 s (an hour in a soak).
pub(crate) fn watched(name: &str, test: impl FnOnce()) {
    let limit = Duration::from_secs(if soak() { 3600 } else { 30 });
    let (done, ended) = channel::<()>();
    let watched = name.to_owned();
    let dog = std::thread::spawn(move || {
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            // Not `eprintln!`: what the harness captures is lost by an abort.
            let _ = writeln!(std::io::stderr(), "watchdog: {watched} hangs: not done after {limit:?}");
            std::process::abort();
        }
    });
    test();
    drop(done);
    dog.join().expect("the watchdog does not panic");
}

/// Whether the full counts were asked for.
pub(crate) fn soak() -> bool {
    std::env::var_os("RUNTIME_SOAK").is_some_and(|value| value == "1")
}

/// `full` in a soak, else a hundredth of it.
pub(crate) fn rounds(full: usize) -> usize {
    if soak() { full } else { full / 100 }
}
