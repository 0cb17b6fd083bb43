//! What the tests share: watchdog, seeds, counters, child processes.
mod allocator;
pub(crate) mod child;
pub(crate) mod process;
mod rng;
mod watchdog;

use parking_lot::{Condvar, Mutex};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use runtime::Runtime;

pub(crate) use allocator::live_bytes;
pub(crate) use rng::Rng;
pub(crate) use watchdog::watchdog;

/// One, two, and more workers than any machine of ours has cores (row S11).
pub(crate) const WORKERS: [usize; 3] = [1, 2, 64];

/// Whether the full counts are asked for.
pub(crate) fn soak() -> bool {
    std::env::var_os("RUNTIME_SOAK").is_some()
}

/// `full` under RUNTIME_SOAK, else `short`.
pub(crate) fn count(short: usize, full: usize) -> usize {
    if soak() { full } else { short }
}

/// A runtime with so many workers.
#[track_caller]
pub(crate) fn pool(workers: usize) -> Runtime {
    Runtime::builder().worker_threads(workers).build().unwrap()
}

/// As `pool`, and nobody stands in for a worker that the test blocks.
#[track_caller]
pub(crate) fn pool_without_spares(workers: usize) -> Runtime {
    Runtime::builder().worker_threads(workers).max_spare_threads(0).build().unwrap()
}

/// As `pool_without_spares`, and no supervisor looks on: what is queued behind a poll that waits for it is found by another worker, or never.
#[track_caller]
pub(crate) fn pool_without_supervisor(workers: usize) -> Runtime {
    let mut builder = Runtime::builder();
    builder
        .worker_threads(workers)
        .max_spare_threads(0)
        .stall_threshold(std::time::Duration::MAX)
        .build()
        .unwrap()
}

/// Waits for something that comes about by itself; the watchdog bounds it.
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}

/// All tasks of `runtime` end, now or soon.
pub(crate) fn until_no_tasks(runtime: &Runtime) {
    until(|| runtime.metrics().live_tasks == 0);
}

/// Unwinds without a word from the panic hook.
pub(crate) fn panic_silently() -> ! {
    std::panic::resume_unwind(Box::new(Deliberate))
}

/// The payload of [`panic_silently`].
#[derive(Debug)]
pub(crate) struct Deliberate;

/// Runs `f`, which must panic, and returns the message.
#[track_caller]
pub(crate) fn panic_message<R>(f: impl FnOnce() -> R) -> String {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(_) => panic!("it should have panicked"),
        Err(payload) => message_of(payload.as_ref()),
    }
}

pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|message| (*message).to_owned()))
        .unwrap_or_else(|| "no text".to_owned())
}

/// A misuse panic names the operation and the thread, and says what to do in two lines.
#[track_caller]
pub(crate) fn assert_helpful(message: &str, operation: &str) {
    assert!(message.contains(operation), "operation not named: {message}");
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    assert!(message.contains(name), "thread {name:?} not named: {message}");
    assert_eq!(message.matches("help:").count(), 2, "two help lines: {message}");
}

/// Counts its wakes.
#[derive(Default)]
pub(crate) struct WakeCount(AtomicUsize);

impl WakeCount {
    pub(crate) fn new() -> (Arc<WakeCount>, Waker) {
        let count = Arc::new(WakeCount::default());
        (Arc::clone(&count), Waker::from(count))
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Opened once; blocks those who wait until then.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        let mut open = self.0.0.lock();
        while !*open {
            self.0.1.wait(&mut open);
        }
    }
}

/// Opens its gate when dropped.
pub(crate) struct OpenOnDrop(pub(crate) Gate);

impl Drop for OpenOnDrop {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// A counter that can be cloned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<AtomicUsize>);

impl Tally {
    pub(crate) fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Something that counts its drop.
    pub(crate) fn on_drop(&self) -> CountDrop {
        CountDrop(self.clone())
    }
}

#[derive(Debug)]
pub(crate) struct CountDrop(Tally);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.add();
    }
}

/// Calls a function when dropped.
pub(crate) struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    pub(crate) fn new(f: F) -> Self {
        OnDrop(Some(f))
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}
