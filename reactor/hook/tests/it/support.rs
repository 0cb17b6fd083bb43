//! A watchdog.
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Aborts the process, naming the test, unless it is dropped within a minute.
pub(crate) struct Watchdog(Arc<AtomicBool>);

pub(crate) fn watchdog() -> Watchdog {
    let done = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&done);
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    std::thread::spawn(move || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(50));
            if seen.load(Ordering::Relaxed) {
                return;
            }
        }
        let _ = writeln!(std::io::stderr(), "\nwatchdog: {test} hangs");
        std::process::abort();
    });
    Watchdog(done)
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
