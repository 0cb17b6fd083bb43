//! A sleeper that comes back by itself: meanwhile the one whose queue it watches calls nobody. See "A watch" in the README.
use super::{Idle, Leave, Woken};
use crate::primitives::atomic::{AtomicBool, Ordering, fence};

/// Whether a sleeper will come for what a slot queues, soon and uncalled. Several may watch one slot: who ends it ends it
/// for all, and the others come in vain.
#[derive(Debug)]
pub struct Watch(AtomicBool);

impl Watch {
    /// Nobody watches.
    pub fn new() -> Watch {
        Watch(AtomicBool::new(false))
    }

    /// By a slot that has announced itself as parked, before it blocks for a limited time.
    pub fn begin(&self) {
        // Relaxed: who sees it late calls somebody.
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody watches.
    pub fn is_kept(&self) -> bool {
        // Relaxed: ordered by the fence in `notify_unless`, and those of `park` and `stop_searching`.
        self.0.load(Ordering::Relaxed)
    }
}

impl Idle {
    /// As `notify`; but where a slot is to be claimed, `watched` may say that somebody comes by himself. For what the caller
    /// will run itself, if nobody else does.
    #[inline]
    pub fn notify_unless(&self, watched: impl FnOnce() -> bool) -> Option<Woken> {
        // Ordering: store-load fence as in `notify`; and between the work and the watch, pairs with those in `park` and `stop_searching`: either
        // we see that the watch is over, or whoever kept it sees the work.
        fence(Ordering::SeqCst);
        if self.first.load().wants_searcher() || !self.others.is_empty() {
            self.claim_unless(watched)
        } else {
            None
        }
    }

    #[cold]
    #[inline(never)]
    fn claim_unless(&self, watched: impl FnOnce() -> bool) -> Option<Woken> {
        if watched() { None } else { self.claim_searcher() }
    }

    /// As `leave`, of a slot that has kept `watch`: claimed or not, it is counted as searching.
    pub fn end_watch(&self, slot: usize, watch: &Watch) -> Leave {
        // Relaxed: a searcher's next step orders it, `park` by its fence, `stop_searching` by its Release and the fence of whichever
        // searcher is the last; each pairs with that in `notify_unless`.
        watch.0.store(false, Ordering::Relaxed);
        self.rejoin(slot)
    }
}
