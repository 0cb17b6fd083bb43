//! What workers did in a time, and what to make of it: the rule of `runtime/src/scheduler/help/verdict.rs`.
use super::{Did, Help, MILLI};
use crate::line::Time;

/// What was done in a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) time: Time,
    pub(super) own: Did,
    pub(super) others: Did,
    /// Others who got on: a bit for each.
    pub(super) busy: u64,
}

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

impl Done {
    pub(super) fn of(help: &Help, time: Time, own: usize, before: &[Did], did: &[Did]) -> Done {
        let least = (time / help.slow).max(1);
        let mut done = Done { time, own: Did::default(), others: Did::default(), busy: 0 };
        for (worker, (now, before)) in did.iter().zip(before).enumerate() {
            let more = now.since(*before);
            if worker == own {
                done.own = more;
                continue;
            }
            done.others.polls += more.polls;
            done.others.spawns += more.spawns;
            if more.all() >= least {
                done.busy |= 1 << worker;
            }
        }
        done
    }

    pub(super) fn all(&self) -> u64 {
        self.own.all() + self.others.all()
    }

    fn in_a_milli(&self, steps: u64) -> u64 {
        steps.saturating_mul(MILLI) / self.time.max(1)
    }

    fn how_many_others(&self) -> u64 {
        u64::from(self.busy.count_ones())
    }

    /// Hardly anything else.
    fn others_spawn(&self, help: &Help) -> bool {
        self.others.spawns > help.spawns * self.others.polls
    }

    /// Of a time in which it took part, after one in which the others were `alone`, if that is known.
    pub(super) fn verdict(&self, help: &Help, alone: Option<&Done>) -> Verdict {
        let others = self.how_many_others();
        let each = self.time / self.own.all().max(1);
        let average = self.time * (others + 1) / self.all().max(1);
        if others == 0 || each < help.quick.0 || average < help.quick.1 || each > help.slow {
            return Verdict::Moot;
        }
        let Some(alone) = alone.filter(|alone| self.others_spawn(help) == alone.others_spawn(help)) else {
            return Verdict::Unknown;
        };
        let helps = if self.others_spawn(help) {
            // What they are relieved of was never seen: it helps unless it holds them up.
            let then = alone.how_many_others().max(1);
            let alone = alone.in_a_milli(alone.others.spawns) * others.min(then) / then;
            self.in_a_milli(self.others.spawns) * help.held_up > alone
        } else {
            // As many as are busy now would make so many, if each were as fast as those of then.
            let alone = alone.in_a_milli(alone.others.all()) * others / alone.how_many_others().max(1);
            let parts = help.parts * others;
            self.in_a_milli(self.all()) * parts > alone * (parts + 1)
        };
        if !helps {
            Verdict::Hinders
        } else if others < alone.how_many_others() {
            // So few might do more alone.
            Verdict::Unknown
        } else {
            Verdict::Helps
        }
    }
}
