//! Whether a worker that was called for too little comes by itself the next time.
use std::cell::Cell;
use std::time::{Duration, Instant};

/// What it did between two waits was not worth the call, if it took no longer: to be called costs two threads 5 to 10 µs
/// each, the one that calls a system call and, where both are on one core, its place on it.
const WORTH: Duration = Duration::from_micros(25);

/// So many such calls in a row.
const CONVINCED: u32 = 3;

/// How long it waits then, and how long at most: twice as long each time. What is queued behind a long poll waits for no longer
/// than one nap and a quarter, and to come in vain takes 3 % of a core.
const NAPS: (Duration, Duration) = (Duration::from_micros(50), Duration::from_micros(200));

/// What a worker knows of what it was called for.
#[derive(Debug)]
pub(super) struct Doze {
    /// It has stolen since its last wait.
    stole: Cell<bool>,
    /// Its last wait was ended by a call.
    called: Cell<bool>,
    /// When that wait ended, and the polls made by then.
    since: Cell<(Instant, u64)>,
    /// Calls that were not worth it, in a row.
    in_vain: Cell<u32>,
}

impl Doze {
    pub(super) fn new(now: Instant) -> Doze {
        Doze {
            stole: Cell::new(false),
            called: Cell::new(false),
            since: Cell::new((now, 0)),
            in_vain: Cell::new(0),
        }
    }

    /// A wait is over, `polls` so far; `called`: because somebody has work, and not by a socket, a timer, or by itself.
    pub(super) fn woken(&self, now: Instant, polls: u64, called: bool) {
        self.since.set((now, polls));
        self.called.set(called);
    }

    pub(super) fn stole(&self) {
        self.stole.set(true);
    }

    /// It has left work to others, and was not called for too little.
    pub(super) fn stayed_away(&self) {
        self.stole.set(false);
        self.called.set(false);
    }

    /// Before the next wait: whether that is to be a nap, and how long.
    pub(super) fn nap(&self, polls: u64, now: impl FnOnce() -> Instant) -> Option<Duration> {
        let (since, polls_then) = self.since.get();
        let called_for_nothing = self.called.take() && polls == polls_then;
        // What the injector or the driver woke it for does not count. A worker that came by itself and found nothing waits to be called again.
        if !self.stole.take() && !called_for_nothing {
            return None;
        }
        if now().saturating_duration_since(since) > WORTH {
            self.in_vain.set(0);
            return None;
        }
        let in_vain = self.in_vain.get() + 1;
        // Eight, for the shift: two make it the longest nap.
        self.in_vain.set(in_vain.min(CONVINCED + 8));
        let times = in_vain.checked_sub(CONVINCED)?;
        Some((NAPS.0 * (1 << times)).min(NAPS.1))
    }
}

#[cfg(test)]
mod tests;
