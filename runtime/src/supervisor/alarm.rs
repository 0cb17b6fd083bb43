//! When the supervisor looks next: set by itself, put off by whoever knows that there is nothing to see. "Sleep" in the README.
#![allow(unreachable_pub, reason = "the loom models reach these through `model`")]

use std::fmt;

use crate::primitives::atomic::{AtomicBool, AtomicU64, Ordering};

/// Nobody but the supervisor sets the timer: it runs, or needs to wake at its own time.
const FIXED: u64 = 0;
/// It waits without a time, with the flag in the idle set up.
const ASLEEP: u64 = u64::MAX;

/// A time that is past whenever somebody waits for it.
const PAST: u64 = 0;

/// What one thread waits in and any thread sets. Calls of `set` are totally ordered, and a later one sees what was done before an earlier one.
pub trait Timer {
    /// Lets `wait` return at this time, in nanoseconds, or at once if it is past; and not at one that was set before.
    fn set(&self, at: u64);

    /// Returns at the time set, or spuriously; no time is set then.
    fn wait(&self);
}

/// The table of its states is in the README.
pub struct Alarm<T> {
    timer: T,
    period: u64,
    longest: u64,
    /// `FIXED`, `ASLEEP`, or the time that others may move.
    at: AtomicU64,
    /// Until when others may put it off.
    latest: AtomicU64,
    called: AtomicBool,
}

impl<T> fmt::Debug for Alarm<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Alarm");
        // Relaxed, both: figures.
        match self.at.load(Ordering::Relaxed) {
            FIXED => shown.field("at", &"fixed"),
            ASLEEP => shown.field("at", &"asleep"),
            at => shown.field("at", &at),
        };
        shown.field("called", &self.called.load(Ordering::Relaxed)).finish_non_exhaustive()
    }
}

/// Why the supervisor waits no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Woken {
    /// Somebody has something for it.
    pub called: bool,
    /// After `fall_asleep`: when the one who armed it became awake, if somebody did. After `set` it means nothing.
    pub since: Option<u64>,
}

impl<T: Timer> Alarm<T> {
    /// Others put it off by a period, and after a sleep for no longer than `longest`; both in nanoseconds.
    pub fn new(timer: T, period: u64, longest: u64) -> Alarm<T> {
        debug_assert!(period > 0, "a sample counts for a period");
        Alarm {
            timer,
            period,
            longest,
            at: AtomicU64::new(FIXED),
            latest: AtomicU64::new(0),
            called: AtomicBool::new(false),
        }
    }

    /// The timer and its clock.
    pub fn timer(&self) -> &T {
        &self.timer
    }

    /// Before the supervisor waits until `at`. Others may move that up to `latest`, if it is later.
    pub fn set(&self, at: u64, latest: u64) {
        // The timer first: whoever puts it off sets it after this.
        self.timer.set(at);
        if latest > at {
            // Relaxed: one who reads the new `at` with the former `latest`, an earlier one, does not postpone: the sample comes sooner.
            self.latest.store(latest, Ordering::Relaxed);
            // Relaxed: nothing is published.
            self.at.swap(at.clamp(FIXED + 1, ASLEEP - 1), Ordering::Relaxed);
        }
    }

    /// Before the supervisor raises its flag in the idle set.
    pub fn fall_asleep(&self) {
        // Relaxed: published by the flag, and read again by who takes that down.
        self.at.swap(ASLEEP, Ordering::Relaxed);
    }

    /// The supervisor waits until the time has come, until it is called, or for no reason.
    pub fn wait(&self) -> Woken {
        // A call that came before the timer was set was overwritten.
        if !self.is_called() {
            self.timer.wait();
        }
        self.get_up()
    }

    /// The supervisor is awake: nobody moves the time any more.
    pub fn get_up(&self) -> Woken {
        // Relaxed: a time, and who has it.
        let since = match self.at.swap(FIXED, Ordering::Relaxed) {
            FIXED | ASLEEP => None,
            at => Some(at.saturating_sub(self.period)),
        };
        // Ordering: Acquire pairs with the Release in `call`: what was done before that is seen.
        let called = self.called.swap(false, Ordering::Acquire);
        Woken { called, since }
    }

    /// By the one who has lowered the flag in the idle set: the sample is due a period after `now`.
    #[cold]
    pub fn arm(&self, now: u64) {
        // Relaxed: published by the flag.
        if self.at.load(Ordering::Relaxed) != ASLEEP {
            return;
        }
        let at = self.after_a_period(now);
        // Relaxed: a time. Another who took down the flag of another word has armed it earlier.
        if self.at.compare_exchange(ASLEEP, at, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            // Relaxed: whoever still sees the one before puts nothing off.
            self.latest.store(now.saturating_add(self.longest), Ordering::Relaxed);
            self.timer.set(at);
            self.heed_call();
        }
    }

    /// By one who was alone in being awake, and was not awake at `now`: no poll is older. Whether the sample was put off.
    #[inline]
    pub fn postpone(&self, now: u64) -> bool {
        // Relaxed: a hint, looked at again by the exchange.
        let at = self.at.load(Ordering::Relaxed);
        // `ASLEEP` is the largest number.
        if at == FIXED || at >= now.saturating_add(self.period / 2) {
            return false;
        }
        self.put_off(at, self.after_a_period(now))
    }

    #[cold]
    fn put_off(&self, from: u64, to: u64) -> bool {
        // Relaxed: as it is stored.
        if to <= from || to > self.latest.load(Ordering::Relaxed) {
            return false;
        }
        // Relaxed: nothing is published. Where the supervisor has woken meanwhile, it sets the time itself.
        if self.at.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        self.timer.set(to);
        self.heed_call();
        true
    }

    /// Ends its wait, or else its next.
    #[cold]
    pub fn call(&self) {
        // Ordering: Release pairs with the Acquire in `get_up`.
        self.called.swap(true, Ordering::Release);
        self.timer.set(PAST);
    }

    /// After the timer was set: a call that came before was overwritten.
    fn heed_call(&self) {
        if self.is_called() {
            self.timer.set(PAST);
        }
    }

    fn is_called(&self) -> bool {
        // Relaxed: ordered by the timer, which was set before.
        self.called.load(Ordering::Relaxed)
    }

    fn after_a_period(&self, now: u64) -> u64 {
        now.saturating_add(self.period).clamp(FIXED + 1, ASLEEP - 1)
    }
}

#[cfg(all(test, not(runtime_loom)))]
mod tests;
