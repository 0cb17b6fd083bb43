//! Whether a worker that takes part helps, or leaves to others what these do faster without it: the rule and the figures of
//! `runtime/src/scheduler/help.rs`.
use super::line::Time;

mod verdict;

use verdict::{Done, Verdict};

const MICRO: Time = 1_000_000;
const MILLI: Time = 1_000 * MICRO;

/// The figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Help {
    /// Tasks that are taken from others before it is asked whether that helped; and while it is not to be asked.
    pub(crate) enough: (u32, u32),
    /// So long it takes part at least before that is judged, and so many steps are made meanwhile.
    pub(crate) probe: (Time, u64),
    /// Who makes a step as often as the first, and all who make theirs as often as the second, are not looked at.
    pub(crate) quick: (Time, Time),
    /// Who makes fewer than one in this time does something that is worth being done beside others, or does not get on.
    pub(crate) slow: Time,
    /// So long it has helped once it did, and is not asked; and where nothing could be told, for each worker.
    pub(crate) sure: Time,
    pub(crate) moot: Time,
    /// How long it stays away, and how long at most: twice as long each time.
    pub(crate) naps: (Time, Time),
    /// So many naps in a row to see what the others do alone.
    pub(crate) unknown: u32,
    /// It helps if it adds one in so many to what each of the others does alone.
    pub(crate) parts: u64,
    /// Who spawns is held up if he makes so many times fewer tasks; and only spawns who makes more than so many for each poll.
    pub(crate) held_up: u64,
    pub(crate) spawns: u64,
    /// The first workers: only these nap, and beside others of these.
    pub(crate) most: usize,
}

pub(crate) const HELP: Help = Help {
    enough: (8, 64 * 8),
    probe: (40 * MICRO, 16),
    quick: (150_000, 100_000),
    slow: 20 * MICRO,
    sure: 8 * MILLI,
    moot: 15 * MICRO,
    naps: (50 * MICRO, 400 * MICRO),
    unknown: 3,
    parts: 10,
    held_up: 2,
    spawns: 4,
    most: 48,
};

/// Polls, and tasks spawned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Did {
    pub(crate) polls: u64,
    pub(crate) spawns: u64,
}

impl Did {
    fn since(self, then: Did) -> Did {
        Did { polls: self.polls - then.polls, spawns: self.spawns - then.spawns }
    }

    fn all(self) -> u64 {
        self.polls + self.spawns
    }
}

/// A time in which a worker takes part.
#[derive(Clone, Copy, Debug)]
struct Probe {
    since: Time,
    /// What others did while this one was away, just before.
    alone: Option<Done>,
}

/// What a worker knows of how it helps; `did` is what each worker has done so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Helps {
    took: u32,
    enough: u32,
    probe: Option<Probe>,
    before: Vec<Did>,
    until: Time,
    to: u64,
    naps: u32,
    unknown: u32,
}

impl Helps {
    /// So many were taken at once.
    pub(crate) fn took(&mut self, tasks: usize) {
        self.took = self.took.saturating_add(tasks as u32);
    }

    /// A wait is over.
    pub(crate) fn waited(&mut self, help: &Help, time: Time) {
        if time > help.probe.0 / 4 {
            self.probe = None;
        }
    }

    /// To whom the rest is to be left now: a bit for each worker.
    pub(crate) fn take_to(&mut self) -> u64 {
        std::mem::take(&mut self.to)
    }

    /// Whether it is to be asked if it stays away.
    pub(crate) fn is_due(&self, help: &Help) -> bool {
        self.took >= self.enough.max(help.enough.0)
    }

    fn begin(&mut self, probe: Option<Probe>, did: &[Did]) {
        (self.took, self.enough, self.probe) = (0, 0, probe);
        self.before = did.to_vec();
    }

    fn not_before(&mut self, then: Time) {
        (self.naps, self.unknown, self.probe, self.until) = (0, 0, None, then);
    }

    /// Whether it is to stay away.
    pub(crate) fn asked(&mut self, help: &Help, now: Time, own: usize, did: &[Did]) -> bool {
        if now < self.until {
            (self.took, self.enough) = (0, help.enough.1);
            return false;
        }
        let Some(Probe { since, alone }) = self.probe else {
            (self.naps, self.unknown) = (0, 0);
            self.begin(Some(Probe { since: now, alone: None }), did);
            return false;
        };
        let (least, enough) = help.probe;
        let time = now.saturating_sub(since);
        let done = Done::of(help, time, own, &self.before, did);
        let all = if time < least { 0 } else { done.all() };
        if all < enough && time < 4 * least {
            self.enough = self.took.saturating_mul(2);
            return false;
        }
        self.begin(None, did);
        match done.verdict(help, alone.as_ref()) {
            Verdict::Unknown if self.unknown < help.unknown => {
                (self.naps, self.unknown, self.to) = (0, self.unknown + 1, done.busy);
            }
            Verdict::Hinders => {
                (self.naps, self.unknown, self.to) = ((self.naps + 1).min(8), 0, done.busy);
            }
            // Or it cannot be told.
            Verdict::Helps | Verdict::Unknown => self.not_before(now + help.sure),
            Verdict::Moot => self.not_before(now + help.moot * did.len() as Time),
        }
        self.to != 0
    }

    /// It was not to nap, for nobody else was at work.
    pub(crate) fn stays(&mut self) {
        self.not_before(0);
    }

    /// Before a nap: how long it is to be.
    pub(crate) fn begin_nap(&mut self, help: &Help, did: &[Did]) -> Time {
        self.begin(None, did);
        (help.naps.0 << self.naps).min(help.naps.1)
    }

    /// After a nap of this length.
    pub(crate) fn end_nap(&mut self, help: &Help, now: Time, time: Time, own: usize, did: &[Did]) {
        let done = Done::of(help, time, own, &self.before, did);
        // Nothing is told by a nap that was cut short, or in which they did not get on.
        if time >= help.naps.0 / 2 && done.busy != 0 {
            self.begin(Some(Probe { since: now, alone: Some(done) }), did);
        } else {
            self.not_before(now + help.sure);
        }
    }
}

#[cfg(test)]
mod tests;
