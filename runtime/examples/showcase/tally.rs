//! What was begun, and what came back in order.
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one kind of thing.
#[derive(Debug, Default)]
pub(crate) struct Count {
    begun: AtomicU64,
    done: AtomicU64,
}

impl Count {
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// To be called when the answer was the right one.
    pub(crate) fn finish(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Begun and not finished, or finished wrongly; meaningful when everything has ended.
    pub(crate) fn lost(&self) -> u64 {
        self.begun.load(Ordering::Relaxed) - self.done()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: Count,
    pub(crate) timers: Count,
    pub(crate) jobs: Count,
}

impl Tally {
    pub(crate) fn lost(&self) -> u64 {
        self.requests.lost() + self.timers.lost() + self.jobs.lost()
    }
}
