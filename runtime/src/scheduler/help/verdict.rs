//! What workers did in a time, and what to make of it.
use std::time::Duration;

use crate::scheduler::slot::Steps;

/// Who makes a step as often as the first does not wait for lines of others, which is some 150 ns each time; nor do all who take part, if they make theirs as
/// often as the second on average. They are not looked at: a burst of what takes so little is over before it is seen what is faster.
pub(super) const QUICK: (Duration, Duration) = (Duration::from_nanos(150), Duration::from_nanos(100));

/// Who makes fewer than this does something that is worth being done beside others. And who makes fewer does not get on: what he has queued
/// would wait for him for long.
pub(super) const SLOW: Duration = Duration::from_micros(20);

/// It helps if it adds a tenth to what each of the others does alone.
const TENTHS: u64 = 10;

/// Who spawns is held up if he makes so many times fewer tasks. Where these took next to nothing, he made four to seven times fewer beside a thief.
const HELD_UP: u64 = 2;

/// What was done in a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) time: Duration,
    pub(super) own: Steps,
    pub(super) others: Steps,
    /// Others who got on: a bit for each.
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

    /// Of a time in which it took part, after one in which the others were `alone`, if that is known.
    pub(super) fn verdict(&self, alone: Option<&Done>) -> Verdict {
        let each = nanos(self.time) / self.own.all().max(1);
        // Of all who take part.
        let average = nanos(self.time).saturating_mul(self.how_many_others() + 1) / self.all().max(1);
        let is_quick = each < nanos(QUICK.0) || average < nanos(QUICK.1);
        if self.busy == 0 || is_quick || each > nanos(SLOW) {
            return Verdict::Moot;
        }
        let Some(alone) = alone.filter(|alone| self.others.are_spawns() == alone.others.are_spawns()) else {
            // Or they have gone on from the one to the other since.
            return Verdict::Unknown;
        };
        let helps = if self.others.are_spawns() { self.lets_spawn(alone) } else { self.adds(alone) };
        if !helps {
            Verdict::Hinders
        } else if self.how_many_others() < alone.how_many_others() {
            // So few might do more alone than as many of those of then, for there is less that they share.
            Verdict::Unknown
        } else {
            Verdict::Helps
        }
    }

    /// Whether all together make more steps than the others alone.
    fn adds(&self, alone: &Done) -> bool {
        // As many as are busy now would make so many, if each were as fast as those of then: which they would be at least, if they are fewer.
        let (then, now) = (alone.how_many_others().max(1), self.how_many_others());
        let alone = alone.rate(alone.others.all()).saturating_mul(now) / then;
        // Of many each adds little.
        let tenths = TENTHS * now;
        self.rate(self.all()).saturating_mul(tenths) > alone.saturating_mul(tenths + 1)
    }

    /// Where others only spawn, what they are relieved of by a poll was never seen, and may be much more than a spawn. So it helps unless it
    /// holds them up.
    fn lets_spawn(&self, alone: &Done) -> bool {
        // There may be fewer who spawn, too. Who has come since need not be one.
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
