//! What a sleeper that comes back by itself has left to others, who call nobody for it meanwhile. "What is left to others" in the
//! README.
use super::{Idle, Leave};
use crate::primitives::atomic::{AtomicU64, Ordering, fence};

/// To whom: a bit for each of the first 48 slots. What is left is what these have queued, and what is in the injector.
/// Several may leave something at once: who ends it ends it for all, and the others are called.
#[derive(Debug)]
pub struct Left(AtomicU64);

impl Left {
    /// Nothing is.
    pub fn new() -> Left {
        Left(AtomicU64::new(0))
    }

    /// By a slot that is about to announce itself as parked: else it would be called before it is said.
    pub fn begin(&self, to: u64) {
        // Relaxed: who sees it late calls somebody.
        self.0.fetch_or(to, Ordering::Relaxed);
    }

    /// By a slot that stays awake after all, before it looks everywhere.
    pub fn end(&self) {
        // Relaxed: ordered by the fence that follows.
        self.0.store(0, Ordering::Relaxed);
        // Ordering: store-load fence between the end and the look, pairs with those in `notify_unless` and `stop_searching`:
        // either they see that nothing is left any more, or we see the work.
        fence(Ordering::SeqCst);
    }

    /// To whom now.
    #[inline]
    pub fn to(&self) -> u64 {
        // Relaxed: ordered by the fences in `notify_unless`, `stop_searching` and `end`.
        self.0.load(Ordering::Relaxed)
    }

    /// Whether to this slot.
    pub fn is_to(&self, slot: usize) -> bool {
        slot < 64 && self.to() & 1 << slot != 0
    }
}

impl Idle {
    /// Whether one of these, of the first 48 slots, is not parked.
    pub fn is_any_awake(&self, slots: u64) -> bool {
        slots & !self.first.load().parked_bits() != 0
    }

    /// As `leave`, of a slot that has left something: claimed or not, it is counted as searching.
    pub fn end_left(&self, slot: usize, left: &Left) -> Leave {
        // Before the count, so that its fence is before that of whichever searcher is the last.
        left.end();
        self.rejoin(slot)
    }
}
