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
    /// Slots that are covered.
    wanted: AtomicUsize,
    /// Spares that run tasks now.
    active: AtomicUsize,
}

#[derive(Debug)]
struct Books {
    free: Vec<usize>,
    lingering: Vec<usize>,
    /// For each slot, spare or not.
    covered: Box<[Option<By>]>,
}

impl Cover {
    /// `spares`: the indices of the spare slots, which are the last of all.
    pub fn new(spares: std::ops::Range<usize>) -> Cover {
        let covered = vec![None; spares.end].into_boxed_slice();
        Cover {
            books: Mutex::new(Books { free: spares.rev().collect(), lingering: Vec::new(), covered }),
            wanted: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
        }
    }

    /// Spares that run tasks now.
    pub fn active(&self) -> usize {
        // Relaxed: a figure.
        self.active.load(Ordering::Relaxed)
    }

    /// Whether there are more spares than covered slots: a look by one that might leave.
    pub fn has_surplus(&self) -> bool {
        // Relaxed: acted upon only after a second look under the lock.
        self.active.load(Ordering::Relaxed) > self.wanted.load(Ordering::Relaxed)
    }

    /// Slot `slot` is to be covered.
    pub fn cover(&self, slot: usize, by: By) -> StandIn {
        let mut books = self.books.lock();
        match (books.covered[slot], by) {
            (None, by) => {
                books.covered[slot] = Some(by);
                // Relaxed, here and below: written under the lock.
                self.wanted.store(self.wanted.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                self.find(&mut books)
            }
            (Some(By::Supervisor), By::Itself) => {
                books.covered[slot] = Some(By::Itself);
                StandIn::Nobody
            }
            (Some(_), _) => StandIn::Nobody,
        }
    }

    /// Slot `slot` need not be covered any more, says who wished it; somebody else's wish stays. True: a spare is surplus,
    /// and must be told if it is parked.
    #[must_use]
    pub fn uncover(&self, slot: usize, by: By) -> bool {
        let mut books = self.books.lock();
        if books.covered[slot] != Some(by) {
            return false;
        }
        books.covered[slot] = None;
        self.wanted.store(self.wanted.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        self.has_surplus()
    }

    /// Another try for slots that are covered in the books only.
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
