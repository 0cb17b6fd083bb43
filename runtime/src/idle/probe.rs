//! What tests and models ask the set, and the scheduler does not.
use super::Idle;
use super::word::{SLOTS, Snapshot};

impl Snapshot {
    /// Slots of this word that are parked.
    pub(in crate::idle) fn parked(self) -> usize {
        (0..SLOTS as u32).filter(|&bit| self.is_parked(bit)).count()
    }
}

impl Idle {
    /// Slots parked now.
    pub fn parked(&self) -> usize {
        self.words().map(|word| word.load().parked()).sum()
    }
}
