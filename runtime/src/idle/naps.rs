//! Who naps: blocked for a limited time, and for everybody else as if inside of a poll. "A nap" in the README.
use super::Idle;
use super::word::SLOTS;
use crate::primitives::atomic::{AtomicU64, Ordering, fence};

/// A bit for each of the first slots.
#[derive(Debug)]
pub(super) struct Naps(AtomicU64);

impl Naps {
    /// Nobody does.
    pub(super) fn new() -> Naps {
        Naps(AtomicU64::new(0))
    }

    fn begin(&self, slot: usize) -> u64 {
        debug_assert!(slot < SLOTS, "slot {slot} has no bit");
        // Relaxed: of two who begin at once the second sees the first, for it is one word.
        let before = self.0.fetch_or(1 << slot, Ordering::Relaxed);
        debug_assert!(before & 1 << slot == 0, "slot {slot} naps twice: {before:#b}");
        before
    }

    fn end(&self, slot: usize) {
        // Relaxed: who sees it late leaves a token too much, or does not nap.
        let before = self.0.fetch_and(!(1 << slot), Ordering::Relaxed);
        debug_assert!(before & 1 << slot != 0, "slot {slot} does not nap: {before:#b}");
    }

    fn slots(&self) -> u64 {
        // Relaxed: ordered by the fences of `begin_nap` and `claim`, where order matters.
        self.0.load(Ordering::Relaxed)
    }
}

impl Idle {
    /// A running slot is about to block for a limited time, and nobody calls it meanwhile. False: it is not to, for each of `others`, a set of
    /// bits, naps as well or is parked.
    #[must_use]
    pub fn begin_nap(&self, slot: usize, others: u64) -> bool {
        let napping = self.naps.begin(slot);
        if others & !napping & !self.first.load().parked_bits() == 0 {
            self.naps.end(slot);
            return false;
        }
        // Ordering: store-load fence between the nap and the look at what is for this slot alone, pairs with that in `claim`: either we see
        // that, or who has brought it sees the nap.
        fence(Ordering::SeqCst);
        true
    }

    /// The nap is over.
    pub fn end_nap(&self, slot: usize) {
        self.naps.end(slot);
    }

    /// Whether this slot naps. After a `claim` in vain: then it is to be unparked.
    pub fn is_napping(&self, slot: usize) -> bool {
        slot < SLOTS && self.naps.slots() & 1 << slot != 0
    }

    /// Whether more than one slot is awake and does not nap. A hint.
    pub fn are_several_at_work(&self) -> bool {
        self.awake() > 1 + self.naps.slots().count_ones() as usize
    }
}
