//! The driver: sockets and timers behind one token. Whoever holds the token waits for both.
//!
//! Nobody holds it while a task is polled: a turn wakes tasks, which are queued, and ends.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reactor::Reactor;
use reactor_hook::{DeadlineSource, Driver as _, Unpark};
use timer::Timers;

use crate::hold::Hold;

pub(crate) struct Driver {
    /// True while somebody is inside a turn.
    held: Hold,
    /// Turns ended so far: the supervisor's sign that the driver is not forgotten.
    turns: AtomicU64,
    reactor: Arc<Reactor>,
    timers: Arc<Timers>,
}

/// The right to turn the driver; given back on drop.
pub(crate) struct Token<'a>(&'a Driver);

impl Driver {
    /// For so many workers. Nobody drives it yet.
    pub(crate) fn new(workers: usize) -> std::io::Result<Driver> {
        // One alone meets nobody in the shared selector.
        let reactor = Reactor::with_lanes(if workers > 1 { workers } else { 0 })?;
        // A wheel for each worker and for the guest; spares share them.
        let timers = Timers::new(workers + 1);
        timers.set_unpark(Some(Arc::new(Unblock(Arc::clone(&reactor)))));
        Ok(Driver { held: Hold::new(), turns: AtomicU64::new(0), reactor, timers })
    }

    pub(crate) fn reactor(&self) -> &Arc<Reactor> {
        &self.reactor
    }

    pub(crate) fn timers(&self) -> &Arc<Timers> {
        &self.timers
    }

    pub(crate) fn try_take(&self) -> Option<Token<'_>> {
        // Made only if it was taken: its drop gives it back.
        self.held.try_take().then(|| Token(self))
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.is_held()
    }

    pub(crate) fn turns(&self) -> u64 {
        // Relaxed: as in `is_held`.
        self.turns.load(Ordering::Relaxed)
    }

    /// Whether worker `lane` has sources in a selector of its own, and may `look` there.
    #[inline]
    pub(crate) fn has_local_sources(&self, lane: usize) -> bool {
        self.reactor.has_local_sources(lane)
    }

    /// Takes what the local selector of `lane` has. By that worker; it needs no token.
    pub(crate) fn look(&self, lane: usize, most: usize) {
        self.reactor.look(lane, most);
    }

    /// Whether there is anything to wait for.
    pub(crate) fn somebody_waits(&self) -> bool {
        self.reactor.sources() > 0 || self.timers.next_deadline().is_some()
    }

    /// Makes the thread inside a turn, or else the next turn, return at once.
    pub(crate) fn unblock(&self) {
        self.reactor.unblock();
    }

    /// From now on the runtime's threads turn it: those of a pool until the last has left, the one of a runtime without
    /// workers while it is in `block_on`.
    pub(crate) fn attend(&self) {
        let attended = self.reactor.attendance().try_attend() && self.timers.attendance().try_attend();
        assert!(attended, "nobody but its runtime turns a driver");
    }

    /// From now on nobody does. To be followed by `forsake`.
    pub(crate) fn vacate(&self) {
        self.reactor.attendance().vacate();
        self.timers.attendance().vacate();
    }

    /// Wakes all who wait here, so that they look for somebody else; unless somebody attends again.
    pub(crate) fn forsake(&self) {
        // Both looks come after the fences of `vacate`: who registers later finds nobody attending.
        if self.reactor.sources() > 0 && !self.reactor.attendance().is_attended() {
            self.reactor.abandoned();
        }
        if self.timers.next_deadline().is_some() && !self.timers.attendance().is_attended() {
            self.timers.abandoned();
        }
    }

    /// Leaves sockets and timers to whoever polls them next. To be called once, by the last worker.
    pub(crate) fn abandon(&self) {
        self.timers.set_unpark(None);
        self.vacate();
        self.forsake();
    }
}

impl Token<'_> {
    /// Waits for sockets until the earliest deadline, or for `most`, then fires the timers that are due.
    pub(crate) fn turn_blocking(&self, most: Option<Duration>) {
        let driver = self.0;
        let timeout = driver
            .timers
            .prepare_wait()
            .map(|deadline| deadline.saturating_duration_since(reactor_hook::now()));
        driver.reactor.block(timeout.into_iter().chain(most).min());
        driver.timers.finish_wait();
        // Without timers nobody asks for the time. There may be none and a deadline all the same: that of one that was cancelled,
        // which stays the earliest until the wheel is turned past it.
        if timeout.is_some() || !driver.timers.is_empty() {
            driver.timers.fire(reactor_hook::now());
        }
    }

    /// Takes what is ready now, but for what concerns workers that are awake: `lane` is that of the worker that turns it.
    /// Gives those whose events are left to them: a bit for each worker, by its number modulo 64.
    pub(crate) fn turn_beside(&self, now: Instant, lane: usize, is_away: impl Fn(usize) -> bool) -> u64 {
        let driver = self.0;
        let left = if driver.reactor.sources() > 0 { driver.reactor.glance(lane, is_away, now) } else { 0 };
        driver.timers.fire(now);
        left
    }

    /// Takes what is ready now.
    pub(crate) fn turn(&self, now: Instant) {
        let driver = self.0;
        if driver.reactor.sources() > 0 {
            driver.reactor.block(Some(Duration::ZERO));
        }
        driver.timers.fire(now);
    }
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        // Relaxed: the holder is the single writer; the Release below publishes it to the next.
        self.0.turns.store(self.0.turns.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.0.held.release();
    }
}

/// How a timer registered elsewhere shortens the present turn.
struct Unblock(Arc<Reactor>);

impl Unpark for Unblock {
    fn unpark(&self) {
        self.0.unblock();
    }
}
