//! When a source is asked to which worker's selector it belongs. (Where that is: `Locals::of_leader`, `of_follower`.)
//!
//! | word | means |
//! |---|---|
//! | 0 | nothing is asked any more: it stays where it is |
//! | `interval`, `left` | it is asked when it has been left pending `left` times more, and then after twice the interval |
//!
//! The word is a hint. Two threads that poll at once may lose a count, which delays a move and nothing else.
use std::fmt;

use crate::sync::atomic::{AtomicU32, Ordering};

/// Which end of a connection goes to the other: were it both, they would change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It goes to the worker that polls it, and stays there.
    Leads,
    /// It goes to the worker that feeds it, again and again.
    Follows,
    /// It stays in the shared selector: a listener, for all workers; anything else that is rarely many, or that the kernel does not tell a core of.
    Stays,
}

pub(crate) struct Affinity {
    part: Part,
    word: AtomicU32,
}

const SETTLED: u32 = 0;
const LEFT: u32 = 0xffff;
const INTERVAL_SHIFT: u32 = 16;

/// How often a source is left pending before the first question. A leader: at its registration, and waiting for the first answer, so that a connection
/// which ends then is never asked about. A follower: until its other end has moved, and has written from there.
const FIRST: [u32; 2] = if cfg!(runtime_loom) { [1, 1] } else { [2, 4] };
/// ... and at most. A question costs less than 1 µs, a move some 3 µs.
const LAST: u32 = 128;

impl Affinity {
    pub(crate) fn new(part: Part) -> Affinity {
        Affinity { part, word: AtomicU32::new(SETTLED) }
    }

    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// It has been left pending. Whether it is asked now.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        // Relaxed, as all here: a hint.
        let word = self.word.load(Ordering::Relaxed);
        if word == SETTLED {
            return false;
        }
        if word & LEFT > 1 {
            self.word.store(word - 1, Ordering::Relaxed);
            return false;
        }
        true
    }

    /// It has been asked, and will be again.
    pub(crate) fn put_off(&self) {
        let interval = ((self.word.load(Ordering::Relaxed) >> INTERVAL_SHIFT) * 2).min(LAST);
        self.word.store(interval << INTERVAL_SHIFT | interval, Ordering::Relaxed);
    }

    /// It is where it belongs.
    pub(crate) fn settle(&self) {
        self.word.store(SETTLED, Ordering::Relaxed);
    }

    /// It has another reactor, with local selectors or without.
    pub(crate) fn restart(&self, has_locals: bool) {
        let first = match self.part {
            Part::Leads => FIRST[0],
            Part::Follows => FIRST[1],
            Part::Stays => SETTLED,
        };
        let word = if has_locals { first << INTERVAL_SHIFT | first } else { SETTLED };
        self.word.store(word, Ordering::Relaxed);
    }
}

impl fmt::Debug for Affinity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word.load(Ordering::Relaxed) {
            SETTLED => write!(f, "{:?}, settled", self.part),
            word => write!(f, "{:?}, {} left of {}", self.part, word & LEFT, word >> INTERVAL_SHIFT),
        }
    }
}

#[cfg(all(test, not(runtime_loom)))]
mod tests;
