//! Counters of what the scheduler does: written by one thread each, read by anybody, relaxed.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A counter with a single writer at a time.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// To be called by the owner of the slot only: a load and a store, no locked operation.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        // Relaxed: a figure for people; the single writer loses nothing.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        // Relaxed: as in `add`.
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: as in `add`.
        self.0.load(Ordering::Relaxed)
    }
}

/// What one slot counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) spawned: Counter,
    pub(crate) completed: Counter,
    /// Tasks taken from other slots.
    pub(crate) stolen: Counter,
    /// Times it took some.
    pub(crate) steals: Counter,
    /// Tasks taken from the injector.
    pub(crate) injected: Counter,
    pub(crate) parks: Counter,
    pub(crate) unparks: Counter,
    /// Times it turned the driver, blocking or not.
    pub(crate) turns: Counter,
    pub(crate) parked_nanos: Counter,
    /// Nanoseconds since the runtime started at which the present parking began; zero when running.
    pub(crate) parked_since: Counter,
    /// Nanoseconds since the runtime started at which a thread took the slot, plus one; zero when none has it.
    pub(crate) started: Counter,
    /// Nanoseconds of busy time of threads that had the slot before.
    pub(crate) former_busy: Counter,
    /// Nanoseconds that such threads had it.
    pub(crate) former_alive: Counter,
}

/// What a worker has done since the runtime started: a plain value, taken by [`Metrics::workers`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Tasks polled.
    pub polls: u64,
    /// Tasks taken from other workers.
    pub stolen: u64,
    /// Times that it took tasks from another worker.
    pub steals: u64,
    /// Tasks taken from the injector.
    pub injected: u64,
    /// Times that it parked.
    pub parks: u64,
    /// Times that another thread unparked it.
    pub unparks: u64,
    /// Times that it turned the driver.
    pub turns: u64,
    /// Tasks in its local queue now.
    pub queued: usize,
    /// Time not spent parked.
    pub busy: Duration,
    /// Time since its thread started.
    pub alive: Duration,
}

impl WorkerMetrics {
    /// The share of its life that the worker was not parked, from 0 to 1.
    pub fn busy_ratio(&self) -> f64 {
        if self.alive.is_zero() { 0.0 } else { self.busy.as_secs_f64() / self.alive.as_secs_f64() }
    }
}

/// A snapshot of a runtime, by [`Runtime::metrics`](crate::Runtime::metrics). Figures of different workers may be some
/// nanoseconds apart.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// The workers, by index.
    pub workers: Vec<WorkerMetrics>,
    /// The thread inside `block_on`. It polls tasks in a runtime without workers only.
    pub guest: WorkerMetrics,
    /// Spare threads that stand in for a blocked worker now.
    pub spares: usize,
    /// Tasks spawned so far.
    pub spawned: u64,
    /// Tasks that are not complete.
    pub live_tasks: u64,
    /// Tasks waiting in the injector.
    pub injector_depth: usize,
    /// Timers registered.
    pub timers: usize,
    /// Sockets and other sources registered.
    pub sources: usize,
    /// Threads of the blocking pool.
    pub blocking_threads: usize,
    /// Threads of the blocking pool that have nothing to do.
    pub idle_blocking_threads: usize,
    /// Closures waiting for a thread of the blocking pool.
    pub blocking_queue_depth: usize,
    /// Threads of the pool for closures that compute.
    pub compute_threads: usize,
    /// Closures waiting for one of those.
    pub compute_queue_depth: usize,
    /// Polls that the supervisor found longer than the stall threshold.
    pub stalls: u64,
    /// Workers that are inside of such a poll now, as of the last sample.
    pub stalled_workers: usize,
    /// Times that the supervisor found the driver unowned for too long and called somebody to it.
    pub driver_rescues: u64,
}
