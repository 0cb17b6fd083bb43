//! Who takes part in a runtime: its threads, and the `Runtime` itself. The last to leave tears down.
#![allow(unreachable_pub, reason = "the loom models reach these through `model`")]

use crate::primitives::atomic::{AtomicUsize, Ordering};

/// A count that never rises again once it was zero.
#[derive(Debug)]
pub struct Members(AtomicUsize);

/// What the one who left must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Left {
    /// He was the last: all that the others did happened before.
    Last,
    /// One more is there, who may be waiting to be alone.
    One,
    /// Several are.
    More,
}

impl Members {
    /// One member.
    pub fn new() -> Members {
        Members(AtomicUsize::new(1))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        // Relaxed: a figure.
        self.0.load(Ordering::Relaxed)
    }

    /// One more, unless the last has left.
    #[must_use]
    pub fn join(&self) -> bool {
        // Relaxed: who joins on another's behalf is a member himself, or learns here that there is none. What the members
        // share is handed on by `leave`, whose RMWs form one release sequence with these.
        let mut members = self.0.load(Ordering::Relaxed);
        while members != 0 {
            let joined =
                self.0.compare_exchange_weak(members, members + 1, Ordering::Relaxed, Ordering::Relaxed);
            match joined {
                Ok(_) => return true,
                Err(seen) => members = seen,
            }
        }
        false
    }

    /// One less.
    pub fn leave(&self) -> Left {
        // Ordering: AcqRel: Release publishes what this member did; Acquire makes the last one see all of it.
        match self.0.fetch_sub(1, Ordering::AcqRel) {
            1 => Left::Last,
            2 => Left::One,
            _ => Left::More,
        }
    }
}
