//! The state word of a task: every transition is a method that says what its caller must now do.
//!
//! | bit | set by | cleared by | means |
//! |---|---|---|---|
//! | `OWNED` | spawn, wake, abort, the closing scan | `park`, completion | somebody has the Notified: it is queued or being polled |
//! | `WOKEN` | a wake that found `OWNED` | `start` | poll again; never set without `OWNED` |
//! | `COMPLETE` | the owner, once | the cell's release | the future is gone; excludes `OWNED` |
//! | `CANCELLED` | abort, the closing scan, an owner that cancels | the cell's release | the owner drops the future instead of polling it |
//! | `JOIN_INTEREST` | spawn | the `JoinHandle`'s drop | somebody may want the output |
//! | `JOIN_WAKER` | the `JoinHandle` | the `JoinHandle` | the join slot holds a waker; the owner may read it after `COMPLETE` |
//! | the rest | | | references: one of the executor until completion, one of the `JoinHandle`, one of each waker and `AbortHandle` |
//!
//! A word of zero is a free cell. The README beside this file tells the protocol.
use std::fmt;
use std::process;

pub(super) use super::transition::{Complete, Detach, IsComplete, Park, Shut, Start, Wake, WakeByValue};
use crate::primitives::atomic::AtomicUsize;
use crate::primitives::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

pub(super) const OWNED: usize = 1 << 0;
pub(super) const WOKEN: usize = 1 << 1;
pub(super) const COMPLETE: usize = 1 << 2;
pub(super) const CANCELLED: usize = 1 << 3;
pub(super) const JOIN_INTEREST: usize = 1 << 4;
pub(super) const JOIN_WAKER: usize = 1 << 5;
pub(super) const REF_ONE: usize = 1 << 6;
const REFS: usize = !(REF_ONE - 1);

/// A spawned task: its Notified is about to be queued; the executor and the handle hold a reference each.
pub(super) const SPAWNED: usize = OWNED | JOIN_INTEREST | (2 * REF_ONE);

/// The word.
pub(super) struct State(AtomicUsize);

/// What the word was at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Snapshot(usize);

impl State {
    /// The word of a free cell.
    pub(super) fn free() -> Self {
        State(AtomicUsize::new(0))
    }

    /// A free cell becomes a spawned task. Everything else in the cell has been written.
    #[inline]
    pub(super) fn publish(&self) {
        debug_assert_eq!(self.snapshot(), Snapshot(0), "a cell is spawned into only when free");
        // Ordering: Release pairs with the Acquire of `shut` and `start`: who finds the word not zero finds a cell.
        self.0.store(SPAWNED, Release);
    }

    /// A cell outside of any arena becomes a task that is complete, known to its handle alone.
    pub(super) fn born_complete() -> Self {
        State(AtomicUsize::new(COMPLETE | CANCELLED | JOIN_INTEREST | REF_ONE))
    }

    /// A released cell becomes a free one.
    #[inline]
    pub(super) fn reset(&self) {
        debug_assert!(self.snapshot().refs() <= 1, "a cell is released by the last reference: {self:?}");
        // Relaxed: the next one to write the cell gets it from this thread, or through a lock.
        self.0.store(0, Relaxed);
    }

    #[inline]
    pub(super) fn snapshot(&self) -> Snapshot {
        // Relaxed: a hint only.
        Snapshot(self.0.load(Relaxed))
    }

    /// What the word is. If it is live, what the spawn wrote before is seen, also by who holds no reference; if it is complete, what
    /// the owner did before.
    #[inline]
    pub(super) fn observe(&self) -> Snapshot {
        // Ordering: Acquire pairs with the Release of `publish`, and what changes the word after that carries it on; and with
        // that of `complete`: the output is seen.
        Snapshot(self.0.load(Acquire))
    }

    /// Whether the task is complete. If so, what its owner did before is seen.
    #[inline]
    pub(super) fn is_complete(&self) -> bool {
        self.observe().is_complete()
    }

    #[inline]
    pub(super) fn wake_by_ref(&self) -> Wake {
        let mut now = self.0.load(Relaxed);
        loop {
            if now & COMPLETE != 0 {
                return Wake::Nothing;
            }
            let (next, wake) = match now & OWNED {
                0 => (now | OWNED, Wake::Submit),
                // Written even where nothing changes: the poll that clears WOKEN must see what this waker did before.
                _ => (now | WOKEN, Wake::Nothing),
            };
            // Ordering: Release pairs with the Acquire of `start`: the poll sees what the waker did before.
            match self.0.compare_exchange_weak(now, next, Release, Relaxed) {
                Ok(_) => return wake,
                Err(actual) => now = actual,
            }
        }
    }

    /// Wakes and drops the waker's reference in one step: by a worker, since the scheduler must outlive the call without it.
    #[inline]
    pub(super) fn wake_by_value(&self) -> WakeByValue {
        let mut now = self.0.load(Relaxed);
        loop {
            debug_assert!(now & REFS != 0, "a waker holds a reference: {:?}", Snapshot(now));
            let (next, wake) = match now & (OWNED | COMPLETE) {
                // One sum: the common case.
                0 => (now + OWNED - REF_ONE, WakeByValue::Submit),
                OWNED => ((now | WOKEN) - REF_ONE, WakeByValue::Nothing),
                _ => return if self.unref() { WakeByValue::Release } else { WakeByValue::Nothing },
            };
            // Ordering: Release as in `wake_by_ref`, and as in `unref`.
            match self.0.compare_exchange_weak(now, next, Release, Relaxed) {
                Ok(_) => return wake,
                Err(actual) => now = actual,
            }
        }
    }

    /// The owner is about to poll.
    #[inline]
    pub(super) fn start(&self) -> Start {
        // Ordering: Acquire pairs with the Release of `publish`, `park`, `wake_*` and `abort`: the future is seen as
        // the last poll left it, and what the wakers did before.
        let mut now = self.0.load(Acquire);
        debug_assert!(
            now & OWNED != 0 && now & COMPLETE == 0,
            "polled without the right to: {:?}",
            Snapshot(now)
        );
        if now & (WOKEN | CANCELLED) == 0 {
            return Start::Poll;
        }
        if now & WOKEN != 0 {
            // Ordering: Acquire pairs with the Release of the wakes that came since the load.
            now = self.0.fetch_and(!WOKEN, Acquire);
        }
        match now & CANCELLED {
            0 => Start::Poll,
            _ => Start::Cancel,
        }
    }

    /// The owner polled and got `Pending`.
    #[inline]
    pub(super) fn park(&self) -> Park {
        // Ordering: Acquire pairs with the Release of `abort`, for the drop that follows.
        let mut now = self.0.load(Acquire);
        loop {
            debug_assert!(
                now & OWNED != 0 && now & COMPLETE == 0,
                "parked without the right to: {:?}",
                Snapshot(now)
            );
            if now & (CANCELLED | WOKEN) != 0 {
                // WOKEN is left set: `start` clears it, and so sees the wakes up to then.
                return if now & CANCELLED != 0 { Park::Cancel } else { Park::Again };
            }
            // Ordering: Release pairs with the Acquire of the next `start`: it sees the future as this poll left it.
            match self.0.compare_exchange_weak(now, now - OWNED, Release, Acquire) {
                Ok(_) => return Park::Idle,
                Err(actual) => now = actual,
            }
        }
    }

    /// The owner is about to complete: one look for all that depends on it.
    #[inline]
    pub(super) fn before_completion(&self) -> Snapshot {
        // Ordering: Acquire pairs with the Release of `unref` and `detach`: if the owner is alone, the others are done with the
        // cell.
        Snapshot(self.0.load(Acquire))
    }

    /// As `complete`, of an output that is stored, by one sum. `now` has join interest. False where that is not to be: nothing was
    /// done, and `complete` does it.
    #[inline]
    pub(super) fn complete_plainly(&self, now: Snapshot, awaited: bool) -> bool {
        let Snapshot(now) = now;
        debug_assert!(now & OWNED != 0 && now & COMPLETE == 0, "completed twice: {:?}", Snapshot(now));
        debug_assert!(
            now & JOIN_INTEREST != 0,
            "it is the handle that has a reference left: {:?}",
            Snapshot(now)
        );
        debug_assert_eq!(now & JOIN_WAKER != 0, awaited);
        // The executor's reference, unless the waker is to be read first.
        let next = if awaited { now + COMPLETE - OWNED } else { now + COMPLETE - OWNED - REF_ONE };
        // Ordering: as in `complete`.
        now & WOKEN == 0 && self.0.compare_exchange(now, next, AcqRel, Relaxed).is_ok()
    }

    /// The owner has dropped the future. `stored`: the output is in the cell. `now`: what `before_completion` saw.
    #[inline]
    pub(super) fn complete(&self, stored: bool, now: Snapshot) -> Complete {
        let Snapshot(mut now) = now;
        loop {
            debug_assert!(now & OWNED != 0 && now & COMPLETE == 0, "completed twice: {:?}", Snapshot(now));
            debug_assert!(
                stored || now & JOIN_INTEREST == 0,
                "interest cannot come back: {:?}",
                Snapshot(now)
            );
            if stored && now & JOIN_INTEREST == 0 {
                return Complete::DropOutput;
            }
            let mut next = (now | COMPLETE) & !(OWNED | WOKEN);
            if now & JOIN_WAKER == 0 {
                next -= REF_ONE;
            }
            // Ordering: Release publishes the output to `is_complete`; Acquire pairs with the Release of
            // `set_join_waker` (the waker is read next) and of `unref` (the cell may be released next).
            match self.0.compare_exchange_weak(now, next, AcqRel, Relaxed) {
                Ok(_) if now & JOIN_WAKER != 0 => return Complete::WakeJoiner,
                Ok(_) if next & REFS == 0 => return Complete::Release,
                Ok(_) => return Complete::Done,
                Err(actual) => now = actual,
            }
        }
    }

    /// Asks for cancellation. The caller holds a reference.
    pub(super) fn abort(&self) -> Wake {
        let mut now = self.0.load(Relaxed);
        loop {
            if now & (COMPLETE | CANCELLED) != 0 {
                return Wake::Nothing;
            }
            let wake = if now & OWNED == 0 { Wake::Submit } else { Wake::Nothing };
            // Ordering: Release pairs with the Acquire of `start` and `park`: the future's drop sees what was done
            // before the abort.
            match self.0.compare_exchange_weak(now, now | OWNED | CANCELLED, Release, Relaxed) {
                Ok(_) => return wake,
                Err(actual) => now = actual,
            }
        }
    }

    /// The owner cancels: its next `start` says so.
    pub(super) fn cancel_owned(&self) {
        // Relaxed: read by the caller.
        let before = self.0.fetch_or(CANCELLED, Relaxed);
        debug_assert!(before & OWNED != 0 && before & COMPLETE == 0, "not the owner: {:?}", Snapshot(before));
    }

    /// The closing scan meets this cell. Only the scanning thread executes tasks, so the cell is not released
    /// meanwhile unless it is complete.
    pub(super) fn shut(&self) -> Shut {
        // Ordering: Acquire pairs with the Release of `publish`: the cell's other fields are read next.
        let mut now = self.0.load(Acquire);
        loop {
            // Zero counts as complete: nobody changes the word of a free cell but its next spawner, by a plain store.
            if now == 0 || now & COMPLETE != 0 {
                return Shut::Nothing;
            }
            if now & OWNED != 0 && now & CANCELLED != 0 {
                return Shut::InFlight;
            }
            let shut = if now & OWNED == 0 { Shut::Take } else { Shut::InFlight };
            // Ordering: Acquire as above. `start` follows on this thread, or after somebody's queue.
            match self.0.compare_exchange_weak(now, now | OWNED | CANCELLED, Acquire, Acquire) {
                Ok(_) => return shut,
                Err(actual) => now = actual,
            }
        }
    }

    /// A scan meets this cell while others run tasks. Only an idle task is changed, and that as a wake would change it: an
    /// owner may store to the word of what it owns.
    pub(super) fn shut_idle(&self) -> Shut {
        // Ordering: Acquire as in `shut`.
        let mut now = self.0.load(Acquire);
        loop {
            if now == 0 || now & COMPLETE != 0 {
                return Shut::Nothing;
            }
            if now & OWNED != 0 {
                return Shut::InFlight;
            }
            // Ordering: Acquire pairs with the Release of `park`: the future is dropped next. It need not be the task that
            // was loaded: whichever is in the cell now is idle.
            match self.0.compare_exchange_weak(now, now | OWNED | CANCELLED, Acquire, Acquire) {
                Ok(_) => return Shut::Take,
                Err(actual) => now = actual,
            }
        }
    }

    /// The handle has put a waker into the join slot, which was its own. `now`: what it saw before, which was not complete.
    #[inline]
    pub(super) fn set_join_waker(&self, now: Snapshot) -> Result<(), IsComplete> {
        let Snapshot(mut now) = now;
        loop {
            debug_assert!(
                now & (JOIN_INTEREST | JOIN_WAKER | COMPLETE) == JOIN_INTEREST,
                "not its slot: {:?}",
                Snapshot(now)
            );
            // Ordering: Release publishes the waker to `complete`; Acquire as in `is_complete`.
            match self.0.compare_exchange_weak(now, now + JOIN_WAKER, Release, Acquire) {
                Ok(_) => return Ok(()),
                Err(actual) if actual & COMPLETE != 0 => return Err(IsComplete),
                Err(actual) => now = actual,
            }
        }
    }

    /// The handle takes the join slot back, to put another waker in. What the word is then.
    pub(super) fn unset_join_waker(&self) -> Result<Snapshot, IsComplete> {
        let mut now = self.0.load(Acquire);
        loop {
            debug_assert!(
                now & JOIN_INTEREST != 0 && now & JOIN_WAKER != 0,
                "no waker in: {:?}",
                Snapshot(now)
            );
            if now & COMPLETE != 0 {
                return Err(IsComplete);
            }
            // Ordering: Relaxed: the waker in the slot was put there by this handle, and the owner reads it only
            // after COMPLETE. Acquire on failure as in `is_complete`.
            match self.0.compare_exchange_weak(now, now & !JOIN_WAKER, Relaxed, Acquire) {
                Ok(_) => return Ok(Snapshot(now & !JOIN_WAKER)),
                Err(actual) => now = actual,
            }
        }
    }

    /// The handle goes, before anything happened to the task: the usual case for a detached spawn.
    #[inline]
    pub(super) fn detach_fast(&self) -> bool {
        // Loaded first: after a join the word is another one, and a compare-exchange that fails costs as much as one
        // that does not. Ordering: Release as in `unref`.
        self.0.load(Relaxed) == SPAWNED
            && self.0.compare_exchange(SPAWNED, OWNED | REF_ONE, Release, Relaxed).is_ok()
    }

    /// The handle goes.
    pub(super) fn detach(&self) -> Detach {
        // Ordering: Acquire as in `is_complete`: the output is dropped next.
        let mut now = self.0.load(Acquire);
        loop {
            debug_assert!(now & JOIN_INTEREST != 0, "detached twice: {:?}", Snapshot(now));
            if now & COMPLETE != 0 {
                // From here on nobody reads the join bits.
                return Detach::DropOutput;
            }
            let (next, detach) = match now & JOIN_WAKER {
                0 => ((now & !JOIN_INTEREST) - REF_ONE, Detach::Done),
                _ => (now & !(JOIN_INTEREST | JOIN_WAKER), Detach::DropWaker),
            };
            // Ordering: Release as in `unref`; Acquire as above.
            match self.0.compare_exchange_weak(now, next, Release, Acquire) {
                Ok(_) => return detach,
                Err(actual) => now = actual,
            }
        }
    }

    /// One reference more, for somebody who holds one.
    #[inline]
    pub(super) fn ref_inc(&self) {
        // Relaxed: the new reference is made from one that keeps the cell.
        let before = self.0.fetch_add(REF_ONE, Relaxed);
        debug_assert!(before & REFS != 0, "no reference to clone: {:?}", Snapshot(before));
        if before > usize::MAX / 2 {
            // Wrapping would free the cell under everybody; a leak this long has no cure.
            process::abort();
        }
    }

    /// One reference less. True when it was the last: release the cell.
    #[inline]
    #[must_use]
    pub(super) fn unref(&self) -> bool {
        // Ordering: Acquire pairs with the Release below: whoever finds itself alone sees the others done.
        let now = self.0.load(Acquire);
        debug_assert!(now & REFS != 0, "no reference to drop: {:?}", Snapshot(now));
        if now < 2 * REF_ONE {
            // A reference is made from a reference only: there is nobody left to race with.
            return true;
        }
        // Ordering: Release hands what this holder did to the one who releases the cell; Acquire as above.
        let before = self.0.fetch_sub(REF_ONE, AcqRel);
        before < 2 * REF_ONE
    }

    /// As `unref`, by one who is mostly not the last.
    #[inline]
    #[must_use]
    pub(super) fn unref_shared(&self) -> bool {
        // Ordering: as in `unref`.
        let before = self.0.fetch_sub(REF_ONE, AcqRel);
        debug_assert!(before & REFS != 0, "no reference to drop: {:?}", Snapshot(before));
        before < 2 * REF_ONE
    }
}

#[cfg(test)]
impl State {
    pub(super) fn at(bits: usize) -> Self {
        State(AtomicUsize::new(bits))
    }

    pub(super) fn bits(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Snapshot {
    #[inline]
    pub(super) fn is_complete(self) -> bool {
        self.0 & COMPLETE != 0
    }

    /// Whether the join slot holds a waker. Only the handle asks, and only the handle changes it.
    #[inline]
    pub(super) fn has_join_waker(self) -> bool {
        self.0 & JOIN_WAKER != 0
    }

    /// The owner has the only reference and nobody waits for the output: it may release the cell with no transition. True
    /// for good.
    #[inline]
    pub(super) fn is_sole(self) -> bool {
        debug_assert!(self.0 >= REF_ONE, "the owner has a reference: {self:?}");
        self.0 & JOIN_INTEREST == 0 && self.0 < 2 * REF_ONE
    }

    #[inline]
    pub(super) fn has_join_interest(self) -> bool {
        self.0 & JOIN_INTEREST != 0
    }

    pub(super) fn is_free(self) -> bool {
        self.0 == 0
    }

    /// Spawned and not complete.
    pub(super) fn is_live(self) -> bool {
        self.0 != 0 && self.0 & COMPLETE == 0
    }

    /// Somebody has the Notified.
    pub(super) fn is_owned(self) -> bool {
        self.0 & OWNED != 0
    }

    pub(super) fn is_cancelled(self) -> bool {
        self.0 & CANCELLED != 0
    }

    pub(super) fn refs(self) -> usize {
        self.0 / REF_ONE
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_free() {
            return f.write_str("free");
        }
        for (bit, name) in [
            (OWNED, "OWNED"),
            (WOKEN, "WOKEN"),
            (COMPLETE, "COMPLETE"),
            (CANCELLED, "CANCELLED"),
            (JOIN_INTEREST, "JOIN_INTEREST"),
            (JOIN_WAKER, "JOIN_WAKER"),
        ] {
            if self.0 & bit != 0 {
                write!(f, "{name} ")?;
            }
        }
        write!(f, "refs={}", self.refs())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}
