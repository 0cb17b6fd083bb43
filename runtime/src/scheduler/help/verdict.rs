//! What workers did in a time, and what to make of it.
use std::time::Duration;

use crate::scheduler::slot::Steps;

/// A worker that makes a step each 150 ns, or all that take part one each 100 ns on average, wait for no cache line of another (150 ns each): not judged. A
/// burst of such tasks is over before a judgement is of use.
pub(super) const QUICK: (Duration, Duration) = (Duration::from_nanos(150), Duration::from_nanos(100));

/// A worker with fewer than one step in this time does work worth sharing, whatever the counts say; one that others leave work to must make at least as many,
/// or what it has queued waits long.
pub(super) const SLOW: Duration = Duration::from_micros(20);

/// It helps if it adds more than a tenth of what one other makes alone.
const TENTHS: u64 = 10;

/// It holds a spawner up if that spawns less than half as fast beside it. (Empty tasks: four to seven times slower beside a thief.)
const HELD_UP: u64 = 2;

/// What was done in a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) time: Duration,
    pub(super) own: Steps,
    pub(super) others: Steps,
    /// The others that made progress, a bit for each.
    pub(super) busy: u64,
}

/// What to make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is to be seen what the others do alone.
    Unknown,
    Helps,
    /// What these do they do faster alone.
    Hinders,
    /// There is nobody to leave it to, or nothing to be told from what was done.
    Moot,
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Done {
    /// `steps` of each worker, `own` among them.
    pub(super) fn of(time: Duration, own: usize, steps: impl Iterator<Item = Steps>) -> Done {
        let least = (nanos(time) / nanos(SLOW)).max(1);
        let mut done = Done { time, ..Done::default() };
        for (worker, steps) in steps.enumerate() {
            if worker == own {
                done.own = steps;
            } else {
                done.others = done.others.and(steps);
                done.busy |= u64::from(steps.all() >= least) << worker;
            }
        }
        done
    }

    pub(super) fn all(&self) -> u64 {
        self.own.all() + self.others.all()
    }

    /// In a millisecond.
    fn rate(&self, steps: u64) -> u64 {
        steps.saturating_mul(1_000_000) / nanos(self.time).max(1)
    }

    fn how_many_others(&self) -> u64 {
        u64::from(self.busy.count_ones())
    }

    /// `self`: a time in which it took part. `alone`: the nap before, if there was one.
    pub(super) fn verdict(&self, alone: Option<&Done>) -> Verdict {
        let each = nanos(self.time) / self.own.all().max(1);
        // Of all who take part.
        let average = nanos(self.time).saturating_mul(self.how_many_others() + 1) / self.all().max(1);
        let is_quick = each < nanos(QUICK.0) || average < nanos(QUICK.1);
        if self.busy == 0 || is_quick || each > nanos(SLOW) {
            return Verdict::Moot;
        }
        let Some(alone) = alone.filter(|alone| self.others.are_spawns() == alone.others.are_spawns()) else {
            // Nothing to compare with; or the others have changed between spawning and polling since.
            return Verdict::Unknown;
        };
        let helps = if self.others.are_spawns() { self.lets_spawn(alone) } else { self.adds(alone) };
        if !helps {
            Verdict::Hinders
        } else if self.how_many_others() < alone.how_many_others() {
            // Fewer others than then may each do more than then, since fewer share: so this does not show that it helps.
            Verdict::Unknown
        } else {
            Verdict::Helps
        }
    }

    /// Whether all together make more steps than the others alone.
    fn adds(&self, alone: &Done) -> bool {
        // What as many others as now would make alone, at the rate of those of then.
        let (then, now) = (alone.how_many_others().max(1), self.how_many_others());
        let alone = alone.rate(alone.others.all()).saturating_mul(now) / then;
        // One worker more among `now` others can add a `now`th at best: a tenth of one share is asked for.
        let tenths = TENTHS * now;
        self.rate(self.all()).saturating_mul(tenths) > alone.saturating_mul(tenths + 1)
    }

    /// The others only spawn: what they were spared by its polls was not counted. So it helps unless they spawn at less than half the rate.
    fn lets_spawn(&self, alone: &Done) -> bool {
        // A newcomer need not be a spawner: not scaled up.
        let (then, now) = (alone.how_many_others().max(1), self.how_many_others());
        let alone = alone.rate(alone.others.spawns).saturating_mul(now.min(then)) / then;
        self.rate(self.others.spawns).saturating_mul(HELD_UP) > alone
    }
}

impl Steps {
    /// Hardly anything else.
    fn are_spawns(self) -> bool {
        self.spawns > 4 * self.polls
    }
}
