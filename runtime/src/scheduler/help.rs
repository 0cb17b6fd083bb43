//! Whether a worker that takes part helps, or leaves to others what these do faster without it.
use std::cell::Cell;
use std::time::{Duration, Instant};

use super::context::{Context, Role};

/// Tasks that are taken from others before it is asked whether that helped.
const ENOUGH: u32 = 8;

/// So long it takes part at least before that is judged, and so many steps are made meanwhile.
const PROBE: Duration = Duration::from_micros(40);
const STEPS: u64 = 16;

/// Who makes a step as often as the first does not wait for lines of others, which is some 150 ns each time; nor do all who take part, if they make theirs as
/// often as the second on average. They are not looked at: a burst of what takes so little is over before it is seen what is faster.
const QUICK: (Duration, Duration) = (Duration::from_nanos(150), Duration::from_nanos(100));

/// Who makes fewer than this does something that is worth being done beside others. And who makes fewer does not get on: what he has queued
/// would wait for him for long.
const SLOW: Duration = Duration::from_micros(20);

/// So long it has helped once it did, and is not asked.
const SURE: Duration = Duration::from_millis(8);

/// How long it stays away, and how long at most: twice as long each time. What is queued behind a long poll waits for no longer.
const NAPS: (Duration, Duration) = (Duration::from_micros(50), Duration::from_micros(400));

/// It helps if it adds a tenth to what each of the others does alone.
const TENTHS: u64 = 10;

/// The first workers: to these something may be left.
const MOST: usize = 48;

/// A time in which a worker takes part.
#[derive(Clone, Copy, Debug)]
struct Probe {
    since: Instant,
    /// What others did in a millisecond while this one was away, just before.
    alone: Option<u64>,
}

/// What a worker knows of how it helps. A step is the end of a poll, or a spawn.
#[derive(Debug)]
pub(super) struct Help {
    /// Tasks taken since it was last asked, and how many are to be.
    took: Cell<u32>,
    enough: Cell<u32>,
    probe: Cell<Option<Probe>>,
    /// What each worker had done when that began, or the nap did.
    steps: Box<[Cell<u64>]>,
    /// It has helped.
    sure: Cell<Option<Instant>>,
    /// To whom the rest is to be left; zero if to nobody.
    to: Cell<u64>,
    /// Naps in a row.
    naps: Cell<u32>,
}

/// What was done in a time.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    time: Duration,
    own: u64,
    all: u64,
    /// Others who got on.
    busy: u64,
}

/// What to make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is to be seen what the others do alone.
    Unknown,
    Helps,
    /// What these do they do faster alone.
    Hinders(u64),
    /// There is nobody to leave it to, or nothing to be told from what was done.
    Moot,
}

/// In a millisecond.
fn rate(steps: u64, time: Duration) -> u64 {
    steps.saturating_mul(1_000_000) / nanos(time).max(1)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Done {
    fn verdict(self, alone: Option<u64>) -> Verdict {
        let Done { time, own, all, busy } = self;
        let each = nanos(time) / own.max(1);
        // Of all who take part.
        let average = nanos(time).saturating_mul(u64::from(busy.count_ones()) + 1) / all.max(1);
        let is_quick = each < nanos(QUICK.0) || average < nanos(QUICK.1);
        if busy == 0 || is_quick || each > nanos(SLOW) {
            return Verdict::Moot;
        }
        let Some(alone) = alone else {
            return Verdict::Unknown;
        };
        // Of many each adds little.
        let tenths = TENTHS * u64::from(busy.count_ones());
        if rate(all, time).saturating_mul(tenths) > alone.saturating_mul(tenths + 1) {
            Verdict::Helps
        } else {
            Verdict::Hinders(busy)
        }
    }
}

impl Help {
    pub(super) fn new(workers: usize) -> Help {
        Help {
            took: Cell::new(0),
            enough: Cell::new(ENOUGH),
            probe: Cell::new(None),
            steps: (0..workers.min(MOST)).map(|_| Cell::new(0)).collect(),
            sure: Cell::new(None),
            to: Cell::new(0),
            naps: Cell::new(0),
        }
    }

    /// So many were taken at once.
    #[inline]
    pub(super) fn took(&self, tasks: usize) {
        self.took.set(self.took.get().saturating_add(u32::try_from(tasks).unwrap_or(u32::MAX)));
    }

    /// A wait is over.
    pub(super) fn waited(&self, time: Duration) {
        if time > PROBE / 4 {
            self.probe.set(None);
        }
    }

    /// To whom it leaves the rest.
    #[inline]
    pub(super) fn to(&self) -> u64 {
        self.to.get()
    }

    /// It stays awake after all.
    pub(super) fn forget(&self) {
        self.to.set(0);
    }

    #[inline]
    fn is_due(&self) -> bool {
        self.took.get() >= self.enough.get()
    }

    /// What was done since `begin`, that long ago.
    fn done(&self, time: Duration, own: usize, steps: impl Fn(usize) -> u64) -> Done {
        let least = (nanos(time) / nanos(SLOW)).max(1);
        let mut done = Done { time, ..Done::default() };
        for (worker, before) in self.steps.iter().enumerate() {
            let more = steps(worker).wrapping_sub(before.get());
            done.all += more;
            if worker == own {
                done.own = more;
            } else if more >= least {
                done.busy |= 1 << worker;
            }
        }
        done
    }

    fn begin(&self, probe: Option<Probe>, steps: impl Fn(usize) -> u64) {
        self.took.set(0);
        self.enough.set(ENOUGH);
        self.probe.set(probe);
        for (worker, before) in self.steps.iter().enumerate() {
            before.set(steps(worker));
        }
    }

    /// Whether it is to stay away: it has taken enough to be asked.
    fn asked(&self, now: Instant, own: usize, steps: impl Fn(usize) -> u64 + Copy) -> bool {
        if self.sure.get().is_some_and(|sure| now < sure) {
            // For many tasks no clock is read.
            self.took.set(0);
            self.enough.set(64 * ENOUGH);
            return false;
        }
        let anew = Some(Probe { since: now, alone: None });
        let Some(Probe { since, alone }) = self.probe.get() else {
            self.naps.set(0);
            self.begin(anew, steps);
            return false;
        };
        let time = now.saturating_duration_since(since);
        let done = if time < PROBE { Done::default() } else { self.done(time, own, steps) };
        if done.all < STEPS && time < 4 * PROBE {
            // Asked again when twice as many are taken: a short task does not pay for a look at the clock.
            self.enough.set(self.took.get().saturating_mul(2));
            return false;
        }
        self.begin(anew, steps);
        match done.verdict(alone) {
            Verdict::Unknown => {
                self.naps.set(0);
                self.to.set(done.busy);
            }
            Verdict::Hinders(busy) => self.to.set(busy),
            Verdict::Helps => {
                self.naps.set(0);
                self.sure.set(now.checked_add(SURE));
            }
            Verdict::Moot => self.naps.set(0),
        }
        self.to.get() != 0
    }

    /// Before a nap: how long it is to be.
    fn begin_nap(&self, steps: impl Fn(usize) -> u64) -> Duration {
        self.begin(None, steps);
        let naps = self.naps.get();
        self.naps.set((naps + 1).min(8));
        (NAPS.0 * (1 << naps)).min(NAPS.1)
    }

    /// After a nap of this length.
    fn end_nap(&self, now: Instant, time: Duration, own: usize, steps: impl Fn(usize) -> u64 + Copy) {
        let done = self.done(time, own, steps);
        // Nothing is told by a nap that was cut short, or in which they did not get on.
        let tells = time >= NAPS.0 / 2 && done.busy != 0;
        self.to.set(0);
        self.begin(Some(Probe { since: now, alone: tells.then(|| rate(done.all, time)) }), steps);
    }
}

impl Context {
    /// Whether it leaves to others what is not its own.
    #[inline]
    pub(super) fn leaves_the_rest(&self) -> bool {
        let help = &self.core().help;
        help.to() != 0 || help.is_due() && self.is_no_help()
    }

    #[cold]
    #[inline(never)]
    fn is_no_help(&self) -> bool {
        let (help, shared, own) = (&self.core().help, self.shared(), self.held().index());
        if shared.config.workers < 2 || self.role() != Role::Worker || own >= shared.guest_slot() {
            // Nobody to leave it to; or a spare, which is there because somebody blocks.
            help.took.set(0);
            return false;
        }
        help.asked(Instant::now(), own, |worker| shared.slots[worker].steps())
    }

    /// For how long.
    pub(super) fn begin_to_stay_away(&self) -> Duration {
        let shared = self.shared();
        self.core().help.begin_nap(|worker| shared.slots[worker].steps())
    }

    pub(super) fn end_to_stay_away(&self, began: Instant) {
        let (core, shared) = (self.core(), self.shared());
        let now = core.last_turn.get();
        let time = now.saturating_duration_since(began);
        core.help.end_nap(now, time, self.held().index(), |worker| shared.slots[worker].steps());
    }
}

#[cfg(test)]
mod tests;
