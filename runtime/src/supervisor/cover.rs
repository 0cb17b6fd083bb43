//! Who stands in for whom: the books of the spare slots. The README in this folder has the table of steps.
#![allow(unreachable_pub, reason = "the loom models reach these through `model`")]

use crate::primitives::Mutex;
use crate::primitives::atomic::{AtomicUsize, Ordering};

/// Who wished a slot to be covered, and will say when it need not be any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The thread that holds it: it blocks in place.
    Itself,
    /// The supervisor, which found it stuck.
    Supervisor,
}

/// What the caller must do so that somebody stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum StandIn {
    /// Unpark the spare that lingers on this slot.
    Resume(usize),
    /// Start a thread for this slot, or else call [`Cover::refused`].
    Start(usize),
    /// Nothing: there are enough, or no more may be.
    Nobody,
}

/// The books. The two counts are written under the lock and read without it.
#[derive(Debug)]
pub struct Cover {
    books: Mutex<Books>,
    /// Spares wanted: one for each covered slot, two for a spare that is stuck.
    wanted: AtomicUsize,
    /// Spares that run tasks now.
    active: AtomicUsize,
}

#[derive(Debug)]
struct Books {
    free: Vec<usize>,
    lingering: Vec<usize>,
    /// For each slot, spare or not.
    covered: Box<[Option<Wish>]>,
    first_spare: usize,
}

/// Why a slot is covered.
#[derive(Clone, Copy, Debug)]
struct Wish {
    by: By,
    /// What it adds to `wanted`.
    spares: usize,
}

impl Cover {
    /// `spares`: the indices of the spare slots, which are the last of all.
    pub fn new(spares: std::ops::Range<usize>) -> Cover {
        let covered = vec![None; spares.end].into_boxed_slice();
        let first_spare = spares.start;
        let books = Books { free: spares.rev().collect(), lingering: Vec::new(), covered, first_spare };
        Cover { books: Mutex::new(books), wanted: AtomicUsize::new(0), active: AtomicUsize::new(0) }
    }

    /// Spares that run tasks now.
    pub fn active(&self) -> usize {
        // Relaxed: a figure.
        self.active.load(Ordering::Relaxed)
    }

    /// Whether the thread of `slot` has said itself that it blocks.
    pub fn blocks_in_place(&self, slot: usize) -> bool {
        self.books.lock().covered[slot].is_some_and(|wish| wish.by == By::Itself)
    }

    /// Whether the thread of `slot` is held up, as far as anybody knows.
    pub fn is_covered(&self, slot: usize) -> bool {
        // Relaxed: a figure.
        self.wanted.load(Ordering::Relaxed) > 0 && self.books.lock().covered[slot].is_some()
    }

    /// Whether there are more spares than covered slots: a look by one that might leave.
    pub fn has_surplus(&self) -> bool {
        // Relaxed: acted upon only after a second look under the lock.
        self.active.load(Ordering::Relaxed) > self.wanted.load(Ordering::Relaxed)
    }

    /// Slot `slot` is to be covered. To be followed by `retry` until nobody is found.
    pub fn cover(&self, slot: usize, by: By) -> StandIn {
        let mut books = self.books.lock();
        // A spare that is stuck in its turn has met a row of blockers: the next batch is twice as large.
        let spares = if by == By::Supervisor && slot >= books.first_spare { 2 } else { 1 };
        match &mut books.covered[slot] {
            none @ None => {
                *none = Some(Wish { by, spares });
                // Relaxed, here and below: written under the lock.
                self.wanted.store(self.wanted.load(Ordering::Relaxed) + spares, Ordering::Relaxed);
                self.find(&mut books)
            }
            Some(wish) => {
                if by == By::Itself {
                    wish.by = by;
                }
                StandIn::Nobody
            }
        }
    }

    /// Slot `slot` need not be covered any more, says who wished it; somebody else's wish stays. So many spares are
    /// surplus now, and must be told if they are parked.
    #[must_use]
    pub fn uncover(&self, slot: usize, by: By) -> usize {
        let mut books = self.books.lock();
        let Some(wish) = books.covered[slot].take_if(|wish| wish.by == by) else {
            return 0;
        };
        let wanted = self.wanted.load(Ordering::Relaxed) - wish.spares;
        self.wanted.store(wanted, Ordering::Relaxed);
        self.active.load(Ordering::Relaxed).saturating_sub(wanted)
    }

    /// The next spare for slots that are covered in the books only.
    pub fn retry(&self) -> StandIn {
        self.find(&mut self.books.lock())
    }

    /// No thread could be had for `slot`.
    pub fn refused(&self, slot: usize) {
        let mut books = self.books.lock();
        self.active.store(self.active.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        books.free.push(slot);
    }

    /// The spare on `slot` lingers from now on, and can be resumed. False: it is needed after all.
    #[must_use]
    pub fn linger(&self, slot: usize) -> bool {
        let mut books = self.books.lock();
        if !self.has_surplus() {
            return false;
        }
        self.active.store(self.active.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        books.lingering.push(slot);
        true
    }

    /// The spare on `slot` has lingered long enough. False: it was resumed meanwhile, and is active again.
    #[must_use]
    pub fn stop_lingering(&self, slot: usize) -> bool {
        let mut books = self.books.lock();
        let place = books.lingering.iter().position(|&lingering| lingering == slot);
        place.map(|place| books.lingering.swap_remove(place)).is_some()
    }

    /// The thread of the spare on `slot` has let go of it.
    pub fn freed(&self, slot: usize) {
        self.books.lock().free.push(slot);
    }

    /// A spare that is there, if one more is wanted.
    fn find(&self, books: &mut Books) -> StandIn {
        let active = self.active.load(Ordering::Relaxed);
        if active >= self.wanted.load(Ordering::Relaxed) {
            return StandIn::Nobody;
        }
        let found = match books.lingering.pop() {
            Some(slot) => StandIn::Resume(slot),
            None => match books.free.pop() {
                Some(slot) => StandIn::Start(slot),
                None => return StandIn::Nobody,
            },
        };
        self.active.store(active + 1, Ordering::Relaxed);
        found
    }
}
