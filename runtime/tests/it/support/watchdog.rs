//! Ends the process when a test hangs.
use std::convert::Infallible;
use std::io::Write as _;
use std::panic::Location;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Far above what any test needs on a machine that is busy with others, or under a sanitizer.
const LIMIT: Duration = Duration::from_secs(60);
const SOAK_LIMIT: Duration = Duration::from_secs(3600);

/// Calls the watchdog off when dropped.
pub(crate) struct Watchdog {
    _alive: mpsc::Sender<Infallible>,
}

/// Aborts the process with the name of the calling test unless the answer is dropped in time.
#[track_caller]
pub(crate) fn watchdog() -> Watchdog {
    let (alive, gone) = mpsc::channel::<Infallible>();
    let test = thread::current().name().unwrap_or("<unnamed>").to_owned();
    let place = Location::caller();
    let limit = if std::env::var_os("RUNTIME_SOAK").is_some() { SOAK_LIMIT } else { LIMIT };
    thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || {
            if gone.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Not `eprintln!`: what the harness captures is lost by an abort.
                let told =
                    writeln!(std::io::stderr(), "watchdog: {test} ({place}) hangs: {limit:?} have passed");
                drop(told);
                std::process::abort();
            }
        })
        .unwrap();
    Watchdog { _alive: alive }
}
