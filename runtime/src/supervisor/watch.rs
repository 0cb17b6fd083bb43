//! What a slot looked like at the last sample, and for how long.
use std::time::Duration;

/// The supervisor's memory of one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    beat: u64,
    /// Sampled time that the present poll has lasted; zero between polls.
    age: Duration,
    /// As of the last sample.
    stuck: bool,
    /// The supervisor has asked for a stand-in.
    covered: bool,
}

/// What a sample finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Seen {
    /// Between polls, or in another poll than at the last sample.
    Moved,
    /// Still in the same poll, for less than the threshold.
    Slow,
    /// Still in the same poll, for at least the threshold. `first`: it was not at the last sample.
    Stuck { first: bool },
}

impl Watch {
    /// `beat` is the heartbeat now, `passed` what one sample counts for.
    pub(super) fn sample(&mut self, beat: u64, passed: Duration, threshold: Duration) -> Seen {
        let in_poll = beat % 2 == 1;
        if !in_poll || beat != self.beat {
            self.beat = beat;
            self.age = Duration::ZERO;
            self.stuck = false;
            return Seen::Moved;
        }
        self.age = self.age.saturating_add(passed);
        if self.age < threshold {
            return Seen::Slow;
        }
        Seen::Stuck { first: !std::mem::replace(&mut self.stuck, true) }
    }

    /// The beat of the poll at the last sample, and how long it had lasted: nothing between two polls.
    pub(super) fn poll(&self) -> (u64, Duration) {
        (self.beat, self.age)
    }

    /// Neither in the same poll as at the sample before, nor covered.
    pub(super) fn is_in_order(&self) -> bool {
        self.age.is_zero() && !self.covered
    }

    /// As of the last sample.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// Whether the supervisor has asked for a stand-in since the poll began.
    pub(super) fn is_covered(&self) -> bool {
        self.covered
    }

    /// The supervisor asks for a stand-in.
    pub(super) fn set_covered(&mut self) {
        self.covered = true;
    }

    /// True for a covered slot, once: the caller uncovers it.
    pub(super) fn take_covered(&mut self) -> bool {
        std::mem::take(&mut self.covered)
    }
}
