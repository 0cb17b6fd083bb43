//! Whether a worker that takes tasks from others makes all of them together faster.
use std::cell::Cell;
use std::num::NonZero;
use std::time::{Duration, Instant};

use super::slot::Steps;

mod verdict;

use verdict::{Done, Verdict};

/// Tasks taken from others between two questions.
const ENOUGH: u32 = 8;

/// A judgement needs so long a time, and so many steps in it; after four times as long it is made anyway, for steps of 10 µs and more.
const PROBE: Duration = Duration::from_micros(40);
const STEPS: u64 = 16;

/// After "it helps" it is not asked again for so long.
const SURE: Duration = Duration::from_millis(8);

/// After `Moot` it is not asked for so long times the number of workers: reading one worker's counts costs two cache misses, 300 ns.
const MOOT: Duration = Duration::from_micros(15);

/// How long it stays away, and how long at most: twice as long each time. What is queued behind a long poll waits for no longer than one nap and a quarter.
const NAPS: (Duration, Duration) = (Duration::from_micros(50), Duration::from_micros(400));

/// Naps in a row without a judgement before it is taken to help.
const UNKNOWN: u32 = 3;

/// The first workers: only these nap, and beside others of these.
pub(super) const MOST: usize = 48;

/// A time in which a worker takes part.
#[derive(Clone, Copy, Debug)]
struct Probe {
    since: Instant,
    /// What others did while this one was away, just before.
    alone: Option<Done>,
}

/// What a worker knows of how it helps.
#[derive(Debug)]
pub(super) struct Help {
    /// Tasks taken since the last question, and how many make the next due.
    took: Cell<u32>,
    enough: Cell<u32>,
    probe: Cell<Option<Probe>>,
    /// Each worker's steps when the probe, or the nap, began.
    steps: Box<[Cell<Steps>]>,
    /// Until then it is not asked.
    until: Cell<Option<Instant>>,
    /// Who is to do the rest, a bit for each: the next park is then a nap. Zero: nobody.
    to: Cell<u64>,
    /// Naps in a row after `Hinders`, and after `Unknown`.
    naps: Cell<u32>,
    unknown: Cell<u32>,
}

impl Help {
    pub(super) fn new(workers: usize) -> Help {
        Help {
            took: Cell::new(0),
            enough: Cell::new(ENOUGH),
            probe: Cell::new(None),
            steps: (0..workers.min(MOST)).map(|_| Cell::new(Steps::default())).collect(),
            until: Cell::new(None),
            to: Cell::new(0),
            naps: Cell::new(0),
            unknown: Cell::new(0),
        }
    }

    /// So many were taken at once.
    #[inline]
    pub(super) fn took(&self, tasks: usize) {
        self.took.set(self.took.get().saturating_add(u32::try_from(tasks).unwrap_or(u32::MAX)));
    }

    /// A wait has ended. One of more than a quarter of the shortest probe makes the counts of a probe worthless.
    pub(super) fn waited(&self, time: Duration) {
        if time > PROBE / 4 {
            self.probe.set(None);
        }
    }

    /// To whom the rest is to be left now, if to somebody.
    pub(super) fn take_to(&self) -> Option<NonZero<u64>> {
        NonZero::new(self.to.take())
    }

    /// Asks again only after 512 tasks: the clock (38 ns) is then less than a tenth of a nanosecond a task.
    pub(super) fn put_off(&self) {
        self.took.set(0);
        self.enough.set(64 * ENOUGH);
    }

    #[inline]
    pub(super) fn is_due(&self) -> bool {
        self.took.get() >= self.enough.get()
    }

    fn workers(&self) -> u32 {
        u32::try_from(self.steps.len()).expect("no more than 48")
    }

    /// What all have done in the `time` since `begin`; `steps`: what each worker has done by now.
    fn done(&self, time: Duration, own: usize, steps: impl Fn(usize) -> Steps) -> Done {
        Done::of(
            time,
            own,
            self.steps.iter().enumerate().map(|(worker, before)| steps(worker).since(before.get())),
        )
    }

    fn begin(&self, probe: Option<Probe>, steps: impl Fn(usize) -> Steps) {
        self.took.set(0);
        self.enough.set(ENOUGH);
        self.probe.set(probe);
        for (worker, before) in self.steps.iter().enumerate() {
            before.set(steps(worker));
        }
    }

    fn not_before(&self, then: Option<Instant>) {
        self.naps.set(0);
        self.unknown.set(0);
        self.probe.set(None);
        self.until.set(then);
    }

    /// The question itself; enough has been taken. Whether to stay away (then `to` says who goes on).
    pub(super) fn asked(&self, now: Instant, own: usize, steps: impl Fn(usize) -> Steps + Copy) -> bool {
        if self.until.get().is_some_and(|until| now < until) {
            // The clock is read once for 512 tasks.
            self.put_off();
            return false;
        }
        let Some(Probe { since, alone }) = self.probe.get() else {
            self.naps.set(0);
            self.unknown.set(0);
            self.begin(Some(Probe { since: now, alone: None }), steps);
            return false;
        };
        let time = now.saturating_duration_since(since);
        let done = if time < PROBE { Done::default() } else { self.done(time, own, steps) };
        if done.all() < STEPS && time < 4 * PROBE {
            // Too early. Ask after twice as many tasks, so that short ones do not pay for the clock.
            self.enough.set(self.took.get().saturating_mul(2));
            return false;
        }
        self.begin(None, steps);
        match done.verdict(alone.as_ref()) {
            Verdict::Unknown if self.unknown.get() < UNKNOWN => {
                self.naps.set(0);
                self.unknown.set(self.unknown.get() + 1);
                self.to.set(done.busy);
            }
            Verdict::Hinders => {
                self.unknown.set(0);
                // Eight, for the shift: three make it the longest nap.
                self.naps.set((self.naps.get() + 1).min(8));
                self.to.set(done.busy);
            }
            // `Unknown` after the last nap allowed: taken to help.
            Verdict::Helps | Verdict::Unknown => self.not_before(now.checked_add(SURE)),
            Verdict::Moot => self.not_before(now.checked_add(MOOT * self.workers())),
        }
        self.to.get() != 0
    }

    /// Before a nap: how long it is to be.
    pub(super) fn begin_nap(&self, steps: impl Fn(usize) -> Steps) -> Duration {
        self.begin(None, steps);
        (NAPS.0 * (1 << self.naps.get())).min(NAPS.1)
    }

    /// The nap was refused, since nobody else was at work.
    pub(super) fn stays(&self) {
        self.not_before(None);
    }

    /// After a nap of this length.
    pub(super) fn end_nap(
        &self,
        now: Instant,
        time: Duration,
        own: usize,
        steps: impl Fn(usize) -> Steps + Copy,
    ) {
        let done = self.done(time, own, steps);
        // Nothing is told by a nap that was cut short, to less than half of the shortest, or in which they did not get on.
        if time >= NAPS.0 / 2 && done.busy != 0 {
            self.begin(Some(Probe { since: now, alone: Some(done) }), steps);
        } else {
            self.not_before(now.checked_add(SURE));
        }
    }
}

#[cfg(test)]
mod tests;
