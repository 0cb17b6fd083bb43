//! The word of one direction: its readiness, the number of its last event, and who may touch its waker.
//!
//! The table of bits is in the README; every read-modify-write of the word is a method here.
use std::fmt;

use crate::ready::Ready;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Nothing is known: an operation is worth a try, but nobody is told that it will succeed.
const ASSUMED: u64 = 1 << 8;
/// The stored waker is to be woken by the next event.
const ARMED: u64 = 1 << 9;
/// It was armed by a waiter that must not be displaced.
const CLAIMED: u64 = 1 << 10;
/// There is a waker in the slot.
const STORED: u64 = 1 << 11;
/// A waiter is writing the slot.
const REGISTERING: u64 = 1 << 12;
/// An event is using the waker in the slot.
const WAKING: u64 = 1 << 13;
/// Another event found the slot armed while it was in use: it is to be woken once more.
const AGAIN: u64 = 1 << 14;
/// Further waiters are on the cold list.
const COLD: u64 = 1 << 15;
/// The owner has gone: whoever uses the waker last drops it.
const CLOSED: u64 = 1 << 16;

const READY_MASK: u64 = Ready::ALL.bits() as u64;
const TICK_SHIFT: u32 = 32;

/// What a waiter saw of the word. Acting on it fails when an event came since.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen(u64);

impl Seen {
    /// The number of the last event. It wraps; two that were seen are told apart by equality alone.
    pub(crate) fn tick(self) -> u32 {
        (self.0 >> TICK_SHIFT) as u32
    }

    /// What was reported and not found wrong since.
    pub(crate) fn ready(self) -> Ready {
        Ready::from_bits((self.0 & READY_MASK) as u8)
    }

    /// Whether an operation is worth a try.
    pub(crate) fn is_worth_a_try(self) -> bool {
        self.0 & (READY_MASK | ASSUMED) != 0
    }

    /// Whether the slot has a waker that may be compared with one's own.
    pub(crate) fn has_waker(self) -> bool {
        self.0 & STORED != 0
    }

    /// Whether the next event wakes the waker in the slot.
    pub(crate) fn is_armed(self) -> bool {
        self.has(ARMED)
    }

    /// Whether there are waiters on the cold list.
    pub(crate) fn has_cold(self) -> bool {
        self.has(COLD)
    }

    fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = [
            (ASSUMED, "ASSUMED"),
            (ARMED, "ARMED"),
            (CLAIMED, "CLAIMED"),
            (STORED, "STORED"),
            (REGISTERING, "REGISTERING"),
            (WAKING, "WAKING"),
            (AGAIN, "AGAIN"),
            (COLD, "COLD"),
            (CLOSED, "CLOSED"),
        ]
        .map(|(bit, name)| (self.has(bit), name));
        write!(f, "#{} {:?}, ", self.tick(), self.ready())?;
        crate::ready::write_set(f, &flags)
    }
}

/// What an event must do about the waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Event {
    /// Wake the stored waker in place, then call [`Word::woken`].
    pub(crate) wake: bool,
    /// Take the waiters of this direction off the cold list and wake them.
    pub(crate) cold: bool,
}

/// What to do after the stored waker was woken in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Woken {
    /// Nothing.
    Done,
    /// An event came meanwhile and left its wake-up to this one: wake it again, then ask again.
    Again,
    /// The owner has gone and left the waker to this one: drop it.
    Drop,
}

/// Who asks for the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A `poll_*` function: the last one's waker is woken.
    Shared,
    /// A future that waits beside others. None displaces another.
    Exclusive,
    /// A future that claimed the slot at this tick and has got another waker since.
    Held(u32),
}

impl Claim {
    fn bits(self) -> u64 {
        match self {
            Claim::Shared => ARMED,
            Claim::Exclusive | Claim::Held(_) => ARMED | CLAIMED,
        }
    }

    /// Whether somebody else's waker is in the slot and must stay there.
    fn is_barred(self, word: Seen) -> bool {
        match self {
            Claim::Shared => word.has(CLAIMED),
            Claim::Exclusive => word.has(ARMED) || word.has(REGISTERING),
            Claim::Held(tick) => !(word.has(CLAIMED) && word.tick() == tick),
        }
    }
}

/// What came of arming the stored waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Arm {
    /// The next event wakes it.
    Armed,
    /// An event came since the word was seen: look again.
    Stale,
    /// The slot is another waiter's.
    Barred,
    /// Another thread is replacing the waker: it is not known whose it is.
    Busy,
}

/// What came of asking for the slot to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Begin {
    /// The slot may be written. The waker in it, if there is one, is now the caller's to drop.
    Write {
        /// Whether there is one.
        replaces: bool,
    },
    /// An event came since the word was seen: look again.
    Stale,
    /// The slot is another waiter's.
    Barred,
    /// The waker in it is being woken, or replaced by another thread: come back.
    Busy,
}

/// What came of the end of writing the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Finish {
    /// The next event wakes the new waker.
    Armed,
    /// An event came meanwhile: the waker is stored but not armed; look again.
    Stale,
}

/// What the owner who goes must do about the waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Close {
    /// Drop it.
    Drop,
    /// Nothing: there is none, or the event that is using it drops it.
    Nothing,
}

pub(crate) struct Word(AtomicU64);

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Seen(self.0.load(Ordering::Relaxed)).fmt(f)
    }
}

impl Word {
    pub(crate) fn new() -> Word {
        Word(AtomicU64::new(ASSUMED))
    }

    #[inline]
    pub(crate) fn look(&self) -> Seen {
        // Ordering: Acquire pairs with the Release of `event` (what the driver saw happened before the operation that
        // is tried on its account) and of `finish` (the waker's two words, for the comparison).
        Seen(self.0.load(Ordering::Acquire))
    }

    /// Replaces the word by what `next` makes of it, until nobody interferes or `next` declines with an answer.
    #[inline]
    fn update<R>(&self, mut next: impl FnMut(Seen) -> Result<(u64, R), R>) -> R {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let (new, answer) = match next(Seen(word)) {
                Ok(change) => change,
                Err(answer) => return answer,
            };
            // Ordering: AcqRel: Release hands over the slot and what the caller did before; Acquire takes over the
            // slot and sees what was done by the one who set the bits that were found. All methods pair with each
            // other, by being read-modify-writes of one word.
            match self.0.compare_exchange_weak(word, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return answer,
                Err(found) => word = found,
            }
        }
    }

    /// An event, or with nothing ready a mere reason to look again.
    pub(crate) fn event(&self, ready: Ready) -> Event {
        self.update(|word| {
            let mut new = word.0.wrapping_add(1 << TICK_SHIFT) | u64::from(ready.bits());
            let mut wake = false;
            if word.has(ARMED) {
                new &= !(ARMED | CLAIMED);
                if word.has(WAKING) {
                    new |= AGAIN;
                } else {
                    new |= WAKING;
                    wake = true;
                }
            }
            new &= !COLD;
            Ok((new, Event { wake, cold: word.has(COLD) }))
        })
    }

    /// The stored waker was woken.
    pub(crate) fn woken(&self) -> Woken {
        self.update(|word| {
            debug_assert!(word.has(WAKING), "woken without WAKING: {word:?}");
            if word.has(CLOSED) {
                return Ok((word.0 & !(WAKING | AGAIN | STORED), Woken::Drop));
            }
            if word.has(AGAIN) {
                return Ok((word.0 & !AGAIN, Woken::Again));
            }
            Ok((word.0 & !WAKING, Woken::Done))
        })
    }

    /// Forgets `what` of the readiness, unless an event came since `seen`. What closed stays closed.
    pub(crate) fn clear(&self, seen: Seen, what: Ready) {
        self.update(|word| {
            let new = word.0 & !cleared(what);
            if word.tick() != seen.tick() || new == word.0 { Err(()) } else { Ok((new, ())) }
        });
    }

    /// Arms the waker that is in the slot, and forgets `what` of the readiness. The caller must compare the waker
    /// with its own afterwards, and take it back with `disarm` where it differs.
    pub(crate) fn arm(&self, seen: Seen, claim: Claim, what: Ready) -> Arm {
        self.update(|word| {
            if word.tick() != seen.tick() {
                return Err(Arm::Stale);
            }
            if claim.is_barred(word) {
                return Err(Arm::Barred);
            }
            if word.has(REGISTERING) || !word.has(STORED) {
                return Err(Arm::Busy);
            }
            let new = word.0 & !cleared(what) | claim.bits();
            // Polled again for another reason: it is armed since the last time.
            if new == word.0 { Err(Arm::Armed) } else { Ok((new, Arm::Armed)) }
        })
    }

    /// Takes the slot in order to write another waker into it.
    pub(crate) fn begin(&self, seen: Seen, claim: Claim) -> Begin {
        self.update(|word| {
            if word.tick() != seen.tick() {
                return Err(Begin::Stale);
            }
            if claim.is_barred(word) {
                return Err(Begin::Barred);
            }
            if word.has(WAKING) || word.has(REGISTERING) {
                return Err(Begin::Busy);
            }
            let new = word.0 & !(ARMED | CLAIMED | STORED) | REGISTERING;
            Ok((new, Begin::Write { replaces: word.has(STORED) }))
        })
    }

    /// The slot was written: arms it and forgets `what` of the readiness, unless an event came since `seen`.
    pub(crate) fn finish(&self, seen: Seen, claim: Claim, what: Ready) -> Finish {
        self.update(|word| {
            debug_assert!(word.has(REGISTERING), "finish without REGISTERING: {word:?}");
            let stored = word.0 & !REGISTERING | STORED;
            if word.tick() == seen.tick() {
                Ok((stored & !cleared(what) | claim.bits(), Finish::Armed))
            } else {
                Ok((stored, Finish::Stale))
            }
        })
    }

    /// Takes back what was claimed at `tick`; an event since then has done so already.
    pub(crate) fn disarm(&self, tick: u32) {
        self.update(|word| {
            if word.tick() == tick && word.has(ARMED | CLAIMED) {
                Ok((word.0 & !(ARMED | CLAIMED), ()))
            } else {
                Err(())
            }
        });
    }

    /// Whether what was claimed at `tick` is so still.
    pub(crate) fn is_claimed_since(seen: Seen, tick: u32) -> bool {
        seen.tick() == tick && seen.has(ARMED | CLAIMED)
    }

    /// Flags a waiter that was put on the cold list and forgets `what` of the readiness. False when an event came
    /// since `seen`: look again.
    #[must_use]
    pub(crate) fn flag_cold(&self, seen: Seen, what: Ready) -> bool {
        self.update(|word| {
            if word.tick() != seen.tick() {
                return Err(false);
            }
            Ok((word.0 & !cleared(what) | COLD, true))
        })
    }

    /// The owner goes. Nobody registers any more.
    pub(crate) fn close(&self) -> Close {
        self.update(|word| {
            debug_assert!(!word.has(REGISTERING), "closed while registering: {word:?}");
            let new = word.0 & !(ARMED | CLAIMED) | CLOSED;
            if word.has(STORED) && !word.has(WAKING) {
                Ok((new & !STORED, Close::Drop))
            } else {
                Ok((new, Close::Nothing))
            }
        })
    }
}

/// The bits that go when `what` was found wrong. Knowing nothing is found wrong by any clear.
fn cleared(what: Ready) -> u64 {
    let closed = Ready::READ_CLOSED | Ready::WRITE_CLOSED;
    u64::from((what - closed).bits()) | ASSUMED
}

#[cfg(all(test, not(runtime_loom)))]
mod tests;
