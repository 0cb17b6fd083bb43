//! One direction of a source: its word and its persistent waker.
#![allow(unsafe_code)]

use std::task::Waker;

use super::call;
use super::slot::Slot;
use super::word::{Arm, Begin, Claim, Close, Event, Finish, Seen, Woken, Word};
use crate::ready::Ready;

/// What came of leaving one's waker in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Register {
    /// The next event wakes it.
    Armed,
    /// An event came since the word was seen: look again.
    Stale,
    /// The slot is another waiter's: go to the cold list.
    Barred,
    /// The slot is in use just now: let the task run again.
    Busy,
}

pub(crate) struct Lane {
    word: Word,
    slot: Slot,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.word.fmt(f)
    }
}

impl Lane {
    pub(crate) fn new() -> Lane {
        Lane { word: Word::new(), slot: Slot::new() }
    }

    pub(crate) fn word(&self) -> &Word {
        &self.word
    }

    /// Leaves `waker` to be woken by the next event after `seen`, and forgets `what` of the readiness.
    #[inline]
    pub(crate) fn register(&self, seen: Seen, claim: Claim, waker: &Waker, what: Ready) -> Register {
        if seen.has_waker() && self.slot.will_wake(waker) {
            match self.word.arm(seen, claim, what) {
                // Compared again: now that it is armed the slot is known not to be in the middle of a change.
                Arm::Armed if self.slot.will_wake(waker) => return Register::Armed,
                Arm::Armed if claim == Claim::Exclusive => self.word.disarm(seen.tick()),
                Arm::Armed | Arm::Busy => {}
                Arm::Stale => return Register::Stale,
                Arm::Barred => return Register::Barred,
            }
        }
        self.store(seen, claim, waker, what)
    }

    #[cold]
    fn store(&self, seen: Seen, claim: Claim, waker: &Waker, what: Ready) -> Register {
        // Cloned before the slot is taken: a clone is the user's code, and may panic.
        let waker = waker.clone();
        let replaces = match self.word.begin(seen, claim) {
            Begin::Write { replaces } => replaces,
            Begin::Stale => return Register::Stale,
            Begin::Barred => return Register::Barred,
            Begin::Busy => return Register::Busy,
        };
        let replaced = replaces.then(|| {
            // SAFETY: `begin` took `STORED` away, and nothing was written since.
            unsafe { self.slot.take() }
        });
        self.slot.write(waker);
        let finish = self.word.finish(seen, claim, what);
        drop(replaced);
        match finish {
            Finish::Armed => Register::Armed,
            Finish::Stale => Register::Stale,
        }
    }

    /// Whether what was claimed at `tick` is so still, with this waker.
    pub(crate) fn is_registered(&self, seen: Seen, tick: u32, waker: &Waker) -> bool {
        Word::is_claimed_since(seen, tick) && seen.has_waker() && self.slot.will_wake(waker)
    }

    /// An event: wakes the stored waker where it is. True when the cold list is to be woken, too.
    #[must_use]
    pub(crate) fn event(&self, ready: Ready) -> bool {
        let Event { wake, cold } = self.word.event(ready);
        if wake {
            self.wake_in_place();
        }
        cold
    }

    fn wake_in_place(&self) {
        loop {
            call(|| {
                // SAFETY: `event` gave `WAKING` to this call, and `woken` has not given it back.
                unsafe { self.slot.wake_by_ref() }
            });
            match self.word.woken() {
                Woken::Done => return,
                Woken::Again => {}
                Woken::Drop => return self.drop_waker(),
            }
        }
    }

    /// The owner goes: the waker is dropped now, or by the event that is using it.
    pub(crate) fn close(&self) {
        match self.word.close() {
            Close::Drop => self.drop_waker(),
            Close::Nothing => {}
        }
    }

    fn drop_waker(&self) {
        // SAFETY: the caller's transition took `STORED`, and after `CLOSED` nobody writes.
        let waker = unsafe { self.slot.take() };
        call(|| drop(waker));
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // A cell is closed by its owner. This is for one that never had any (a test's).
        self.close();
    }
}
