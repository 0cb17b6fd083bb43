//! Which workers are parked, and at most one wake in flight. The README in this folder proves it.
#![allow(unreachable_pub, reason = "the loom models reach these through `model`")]

mod naps;
mod parker;
#[cfg(any(test, runtime_loom))]
mod probe;
#[cfg(all(test, not(runtime_loom)))]
mod tests;
mod word;

#[cfg(runtime_loom)]
pub mod model {
    //! The protocol, for its model.
    pub use super::{Idle, Leave, Park, Parker, Woken};
}

use crossbeam_utils::CachePadded;

use naps::Naps;
pub use parker::Parker;
use word::{Claim, SLOTS, TakeBack, Unless, Word};

use crate::primitives::atomic::{Ordering, fence};

/// A slot that was just taken out of the set. It is counted as searching, and its parker must be unparked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a slot that is claimed and never unparked is lost"]
pub struct Woken {
    /// Which one.
    pub slot: usize,
    /// The supervisor's alarm must be armed.
    pub supervisor_was_asleep: bool,
}

/// What a slot that announced itself as parked must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Park {
    /// Block until unparked, then `leave`.
    Sleep,
    /// There is work after all: the slot is out of the set again, and counted as searching.
    WorkFound {
        /// The supervisor's alarm must be armed.
        supervisor_was_asleep: bool,
    },
    /// Somebody claimed the slot meanwhile: it is counted as searching; the token comes, perhaps late.
    Claimed,
}

/// What a slot is once it has woken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Leave {
    /// It was claimed, and is counted as searching. False: it woke by itself.
    pub searching: bool,
    /// The supervisor's alarm must be armed.
    pub supervisor_was_asleep: bool,
    /// It woke by itself while nobody was awake: no poll is older.
    pub alone: bool,
}

/// The idle set.
#[derive(Debug)]
pub struct Idle {
    /// Of the first 48 slots: the only one that most runtimes have, and found without a look where the others are.
    first: CachePadded<Word>,
    others: Box<[CachePadded<Word>]>,
    naps: CachePadded<Naps>,
}

impl Idle {
    /// All slots are vacant.
    pub fn new(slots: usize) -> Idle {
        let words = slots.div_ceil(SLOTS).max(1);
        let word = || CachePadded::new(Word::new());
        let others = (1..words).map(|_| word()).collect();
        Idle { first: word(), others, naps: CachePadded::new(Naps::new()) }
    }

    /// A thread has taken `slot`: it counts as awake from now on. True: the supervisor's alarm must be armed.
    #[must_use]
    pub fn join(&self, slot: usize) -> bool {
        self.word(slot).0.join()
    }

    /// The thread gives `slot` up, neither parked nor searching.
    pub fn retire(&self, slot: usize) {
        self.word(slot).0.retire();
    }

    /// After work was made visible: takes the lowest parked slot out of the set, unless somebody searches.
    #[inline]
    pub fn notify(&self) -> Option<Woken> {
        // Ordering: store-load fence between the work and the words, pairs with those in `park` and `stop_searching`:
        // either we see the sleeper, or it sees the work. See the README.
        fence(Ordering::SeqCst);
        // Nearly always nobody is to be woken: that much is asked where the work is made.
        if self.first.load().wants_searcher() || !self.others.is_empty() {
            self.claim_searcher()
        } else {
            None
        }
    }

    /// Takes `slot` out of the set if it is parked, whoever searches.
    pub fn claim(&self, slot: usize) -> Option<Woken> {
        // Ordering: as in `notify`, for what this slot looks at before it blocks; and pairs with that in `begin_nap`.
        fence(Ordering::SeqCst);
        let (word, bit) = self.word(slot);
        self.woken(slot / SLOTS, word.claim(bit))
    }

    /// Takes the lowest parked slot out of the set, whoever searches.
    pub fn claim_any(&self) -> Option<Woken> {
        // Ordering: as in `notify`; the work may be a driver that was released just now.
        fence(Ordering::SeqCst);
        self.words().enumerate().find_map(|(index, word)| self.woken(index, word.claim_lowest(Unless::Never)))
    }

    /// Whether `slot` is parked; a hint.
    pub fn is_parked(&self, slot: usize) -> bool {
        let (word, bit) = self.word(slot);
        word.load().is_parked(bit)
    }

    /// A running slot begins to search. False: enough do, and it should park (which looks around once, too).
    #[must_use]
    pub fn start_searching(&self, slot: usize) -> bool {
        self.word(slot).0.start_searching()
    }

    /// A searching slot has found something to run. If it was the last one and `work_left` finds more, in its own
    /// queue or in another, the next slot is taken out of the set.
    pub fn stop_searching(&self, slot: usize, work_left: impl FnOnce() -> bool) -> Option<Woken> {
        if !self.word(slot).0.stop_searching() {
            return None;
        }
        // Ordering: store-load fence between the count and the queues, pairs with that in `notify`: either the pusher
        // sees that nobody searches, or we see its work. It serves for the claim as well; see the README.
        fence(Ordering::SeqCst);
        if work_left() { self.claim_searcher() } else { None }
    }

    /// A running or searching slot parks, unless `has_work` finds something it could take.
    pub fn park(&self, slot: usize, was_searching: bool, has_work: impl FnOnce() -> bool) -> Park {
        let (word, bit) = self.word(slot);
        word.announce(bit, was_searching);
        // Ordering: store-load fence between the bit and the queues, pairs with that in `notify`: either the pusher
        // sees the bit, or we see its work. See the README.
        fence(Ordering::SeqCst);
        if !has_work() {
            return Park::Sleep;
        }
        match word.take_back(bit, true) {
            TakeBack::Taken { supervisor_was_asleep, .. } => Park::WorkFound { supervisor_was_asleep },
            TakeBack::Claimed => Park::Claimed,
        }
    }

    /// A slot that was told to sleep has woken up, by its token or by itself.
    pub fn leave(&self, slot: usize) -> Leave {
        let (word, bit) = self.word(slot);
        match word.take_back(bit, false) {
            TakeBack::Taken { supervisor_was_asleep, alone } => {
                let alone = alone && (self.others.is_empty() || self.is_nobody_awake_elsewhere(slot));
                Leave { searching: false, supervisor_was_asleep, alone }
            }
            TakeBack::Claimed => Leave { searching: true, supervisor_was_asleep: false, alone: false },
        }
    }

    /// Whether no slot in another word than that of `slot` is awake. Who is not seen begins his poll later than the caller has last read the
    /// clock: "Sleep" in `supervisor/README.md`.
    #[cold]
    fn is_nobody_awake_elsewhere(&self, slot: usize) -> bool {
        let mut others = self.words().enumerate().filter(|&(index, _)| index != slot / SLOTS);
        others.all(|(_, word)| word.load().awake() == 0)
    }

    /// The supervisor goes to sleep until a slot becomes awake; false if one is. Whoever makes one awake must arm
    /// the supervisor's alarm; it calls [`Self::supervisor_awake`] when it is awake again.
    #[must_use]
    pub fn supervisor_sleep(&self) -> bool {
        let asleep = self.words().all(|word| word.set_supervisor_asleep());
        if !asleep {
            self.supervisor_awake();
        }
        asleep
    }

    /// The supervisor is awake.
    pub fn supervisor_awake(&self) {
        self.words().for_each(|word| word.clear_supervisor_asleep());
    }

    /// Slots searching now, those among them whose token is on its way.
    pub fn searching(&self) -> usize {
        self.words().map(|word| word.load().searching()).sum()
    }

    /// Slots that have a thread and are not parked. Exact within one word, a hint across words.
    pub fn awake(&self) -> usize {
        self.words().map(|word| word.load().awake()).sum()
    }

    fn words(&self) -> impl Iterator<Item = &Word> {
        std::iter::once(&self.first).chain(&self.others).map(|word| &**word)
    }

    fn word(&self, slot: usize) -> (&Word, u32) {
        let word = if slot < SLOTS { &self.first } else { &self.others[slot / SLOTS - 1] };
        (word, (slot % SLOTS) as u32)
    }

    /// Step 3 of a pusher. A fence came before, and the work before it.
    #[cold]
    #[inline(never)]
    fn claim_searcher(&self) -> Option<Woken> {
        if !self.others.is_empty() && self.searching() > 0 {
            return None;
        }
        for (index, word) in self.words().enumerate() {
            match word.claim_lowest(Unless::Searched) {
                Claim::NotParked => {}
                Claim::Searched => return None,
                taken => return self.woken(index, taken),
            }
        }
        None
    }

    fn woken(&self, word: usize, claim: Claim) -> Option<Woken> {
        match claim {
            Claim::Taken { bit, supervisor_was_asleep } => {
                Some(Woken { slot: word * SLOTS + bit as usize, supervisor_was_asleep })
            }
            Claim::Searched | Claim::NotParked => None,
        }
    }
}
