//! A watchdog, wakers that count, and children without threads.
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};
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

/// How often a waker was woken.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn new() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once, as an executor does.
pub(crate) fn poll<F: Future + ?Sized>(future: std::pin::Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(waker))
}

/// Waits for something that comes about by itself; the watchdog bounds it.
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `body` in a child process in which no thread can be started: stacks are larger than the address space.
/// `test` is the name of the calling test.
#[track_caller]
pub(crate) fn without_threads(test: &str, body: impl FnOnce()) {
    const CHILD: &str = "REACTOR_HOOK_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return body();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--test-threads=1", "--nocapture"])
        .env(CHILD, test)
        .env("RUST_MIN_STACK", (1_u64 << 62).to_string())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "the child failed: {}\n{stdout}\n{stderr}",
        output.status
    );
}
