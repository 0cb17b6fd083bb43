//! Whether a worker that finds nothing looks on for a moment before it parks.
use std::cell::Cell;
use std::time::Duration;

/// How long it looks on. To be woken costs two threads 5 µs each on the machine of `docs/performance.md`: what comes within
/// that time is cheaper found than waited for, in CPU time too.
const USUAL: Duration = Duration::from_micros(10);

/// How long the first time: the other side may have to be woken still, by what this worker has just done. From then on it finds
/// this one awake, and the other way round.
const FIRST: Duration = Duration::from_micros(50);

/// A wait that ended by work after no longer than this could have been spared: the wake-up is in it.
const SHORT: Duration = FIRST;

/// Such waits in a row, after which it is worth a try.
const CONVINCED: u32 = 2;

/// Short waits that a spin in vain costs; they double each time, up to the second.
const PENALTY: (u32, u32) = (8, 1024);

/// What a worker knows of its last waits. A pool that is idle does not wait for short, and so does not spin.
#[derive(Debug)]
pub(super) struct Spin {
    /// Short waits still needed.
    needed: Cell<u32>,
    /// How many the next spin in vain will cost.
    penalty: Cell<u32>,
    limit: Cell<Duration>,
    /// The last spin has seen something, and it is not known yet whether it got it.
    seen: Cell<bool>,
}

impl Spin {
    pub(super) fn new() -> Spin {
        Spin {
            needed: Cell::new(CONVINCED),
            penalty: Cell::new(PENALTY.0),
            limit: Cell::new(FIRST),
            seen: Cell::new(false),
        }
    }

    /// How long to spin, if at all.
    #[inline]
    pub(super) fn limit(&self) -> Option<Duration> {
        if self.seen.take() {
            // Others were there first.
            self.in_vain();
        }
        (self.needed.get() == 0).then(|| self.limit.get())
    }

    /// A wait is over; `for_work`: because somebody called for this worker, and not by a socket, a timer, or for no reason.
    pub(super) fn waited(&self, time: Duration, for_work: bool) {
        if for_work && time <= SHORT {
            self.needed.set(self.needed.get().saturating_sub(1));
        } else {
            self.needed.set(self.needed.get().max(CONVINCED));
        }
    }

    /// The search has got something to run.
    #[inline]
    pub(super) fn got(&self) {
        self.seen.set(false);
    }

    /// A spin is over, and has seen something or nothing.
    pub(super) fn spun(&self, time: Duration, seen: bool) {
        self.seen.set(seen);
        if seen {
            if time <= USUAL {
                self.penalty.set(PENALTY.0);
            }
            // One that took long and found something is not to be the rule.
            self.limit.set(USUAL);
        } else {
            self.in_vain();
        }
    }

    fn in_vain(&self) {
        self.needed.set(self.penalty.get());
        self.penalty.set((2 * self.penalty.get()).min(PENALTY.1));
        self.limit.set(FIRST);
    }
}

#[cfg(test)]
mod tests;
