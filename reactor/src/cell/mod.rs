//! The readiness cell of a source: what the driver tells it, and who waits for that.
//!
//! Everything but the cold list is two words, one a direction. The protocol is in the crate's README.
mod cold;
mod lane;
mod slot;
mod word;

use std::io;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, catch_unwind};
use std::task::{Poll, Waker};

pub(crate) use self::word::Seen;

use self::cold::ColdList;
use self::lane::{Lane, Register};
use self::word::{Claim, Word};
use crate::interest::Direction;
use crate::ready::Ready;

/// Where a waiter has left its waker.
#[derive(Debug)]
pub(crate) enum Place {
    /// A `poll_*` function: in the slot, or in the list's one entry for its like.
    Shared,
    /// A future: nowhere yet, or an event has taken it out.
    None,
    /// A future: in the slot, since this tick.
    Slot(u32),
    /// A future: on the cold list, under this id.
    Cold(u64),
}

/// What came of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Wait {
    /// The next event wakes the waiter.
    Pending,
    /// An event came meanwhile: look again.
    Again,
}

/// How much of what was there an operation took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Perhaps there is more.
    Full,
    /// A stream had less than was asked for: the next operation would block, until a new event says otherwise.
    Partial,
}

/// Whether a short read of a stream means that the next event is a new edge. Selectors that are not edge-triggered
/// by nature are emulated and would not report it.
const PARTIAL_IS_BLOCKED: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
));

#[derive(Debug)]
pub(crate) struct ReadinessCell {
    read: Lane,
    write: Lane,
    cold: ColdList,
}

// A panic finds it as any other thread would: no user code runs in the middle of a change.
impl RefUnwindSafe for ReadinessCell {}

impl ReadinessCell {
    pub(crate) fn new() -> ReadinessCell {
        ReadinessCell { read: Lane::new(), write: Lane::new(), cold: ColdList::new() }
    }

    fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    #[inline]
    pub(crate) fn look(&self, direction: Direction) -> Seen {
        self.lane(direction).word().look()
    }

    /// Whether somebody else waits than one who waits for `mine`, as far as can be seen in passing.
    pub(crate) fn has_others(&self, mine: crate::interest::Interest) -> bool {
        [Direction::Read, Direction::Write].into_iter().any(|direction| {
            let seen = self.look(direction);
            seen.has_cold() || seen.is_armed() && !mine.concerns(direction)
        })
    }

    /// Forgets `what` of the readiness, unless an event came since `seen`.
    pub(crate) fn clear(&self, direction: Direction, seen: Seen, what: Ready) {
        self.lane(direction).word().clear(seen, what);
    }

    /// Does `operation` if it is worth a try, and again for each event that comes meanwhile; leaves `waker` to be
    /// woken by the next one when it would block. The caller of `Pending` has still to see that events come.
    #[inline]
    pub(crate) fn poll<R>(
        &self,
        direction: Direction,
        place: &mut Place,
        waker: &Waker,
        mut operation: impl FnMut() -> io::Result<(R, Progress)>,
    ) -> Poll<io::Result<R>> {
        loop {
            let seen = self.look(direction);
            if seen.is_worth_a_try() {
                match operation() {
                    Ok((done, progress)) => {
                        if PARTIAL_IS_BLOCKED && progress == Progress::Partial {
                            self.clear(direction, seen, Ready::READABLE | Ready::WRITABLE);
                        }
                        return Poll::Ready(Ok(done));
                    }
                    Err(error) => match error.kind() {
                        io::ErrorKind::WouldBlock => {}
                        io::ErrorKind::Interrupted => continue,
                        _ => return Poll::Ready(Err(error)),
                    },
                }
            }
            match self.wait(direction, seen, place, waker, Ready::of(direction)) {
                Wait::Again => {}
                Wait::Pending => return Poll::Pending,
            }
        }
    }

    /// Leaves `waker` to be woken by the next event after `seen`, and forgets `what` of the readiness.
    #[inline]
    pub(crate) fn wait(
        &self,
        direction: Direction,
        seen: Seen,
        place: &mut Place,
        waker: &Waker,
        what: Ready,
    ) -> Wait {
        let lane = self.lane(direction);
        let claim = match *place {
            Place::Shared => Claim::Shared,
            Place::Slot(tick) if lane.is_registered(seen, tick, waker) => {
                // Nothing to do, unless an operation was tried for what never clears.
                lane.word().clear(seen, what);
                return Wait::Pending;
            }
            Place::Slot(tick) if Word::is_claimed_since(seen, tick) => Claim::Held(tick),
            Place::None | Place::Slot(_) | Place::Cold(_) => Claim::Exclusive,
        };
        let registered = lane.register(seen, claim, waker, what);
        if registered != Register::Armed {
            return self.wait_otherwise(direction, seen, place, waker, what, registered);
        }
        if let Place::Cold(id) = *place {
            self.cold.remove(direction, id);
        }
        if claim != Claim::Shared {
            *place = Place::Slot(seen.tick());
        }
        Wait::Pending
    }

    #[cold]
    fn wait_otherwise(
        &self,
        direction: Direction,
        seen: Seen,
        place: &mut Place,
        waker: &Waker,
        what: Ready,
        registered: Register,
    ) -> Wait {
        match registered {
            Register::Armed | Register::Stale => return Wait::Again,
            Register::Busy => {
                self.leave(direction, place);
                waker.wake_by_ref();
                return Wait::Pending;
            }
            Register::Barred => {}
        }
        let id = match *place {
            Place::Shared => Some(cold::SHARED),
            Place::Cold(id) => Some(id),
            Place::None | Place::Slot(_) => None,
        };
        let id = self.cold.put(direction, id, waker);
        if !matches!(place, Place::Shared) {
            *place = Place::Cold(id);
        }
        if self.lane(direction).word().flag_cold(seen, what) { Wait::Pending } else { Wait::Again }
    }

    /// The waiter waits no more.
    #[inline]
    pub(crate) fn leave(&self, direction: Direction, place: &mut Place) {
        match *place {
            Place::Shared | Place::None => return,
            Place::Slot(tick) => self.lane(direction).word().disarm(tick),
            Place::Cold(id) => self.cold.remove(direction, id),
        }
        *place = Place::None;
    }

    /// What the system reported. What closes a direction, or is an error, is a reason to look for both.
    pub(crate) fn event(&self, ready: Ready) {
        let both = ready.is_read_closed() || ready.is_write_closed() || ready.is_error();
        for direction in [Direction::Read, Direction::Write] {
            let ready = ready & Ready::of(direction);
            if both || !ready.is_empty() {
                self.tell(direction, ready);
            }
        }
    }

    /// Wakes every waiter to look for itself.
    pub(crate) fn rouse(&self) {
        self.tell(Direction::Read, Ready::EMPTY);
        self.tell(Direction::Write, Ready::EMPTY);
    }

    fn tell(&self, direction: Direction, ready: Ready) {
        if self.lane(direction).event(ready) {
            self.wake_cold(direction);
        }
    }

    #[cold]
    fn wake_cold(&self, direction: Direction) {
        for waker in self.cold.take(direction) {
            call(|| waker.wake());
        }
    }

    /// The owner goes: nobody waits any more, and no waker is kept.
    pub(crate) fn close(&self) {
        self.read.close();
        self.write.close();
        for direction in [Direction::Read, Direction::Write] {
            for waker in self.cold.take(direction) {
                call(|| drop(waker));
            }
        }
    }
}

/// Calls a waker. One that panics is the waiter's misfortune: the panic hook has told of it, and the others are
/// still to be woken.
pub(crate) fn call(waker: impl FnOnce()) {
    if cfg!(runtime_loom) {
        // A model's panics are its findings.
        return waker();
    }
    let Err(payload) = catch_unwind(AssertUnwindSafe(waker)) else { return };
    // What it panicked with may panic in turn when it is dropped. There is an end to that.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(payload);
    }
}
