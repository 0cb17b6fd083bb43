//! Whether a worker that was called for too little comes by itself the next time: the rule and the figures of
//! `runtime/src/scheduler/doze.rs`.
use super::line::Time;

const MICRO: Time = 1_000_000;

/// The figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doze {
    /// What it did between two waits was not worth the call, if it took no longer.
    pub(crate) worth: Time,
    /// So many such calls in a row.
    pub(crate) convinced: u32,
    /// How long it waits then, and how long at most: twice as long each time.
    pub(crate) naps: (Time, Time),
}

pub(crate) const DOZE: Doze = Doze { worth: 25 * MICRO, convinced: 3, naps: (50 * MICRO, 200 * MICRO) };

/// By as much later than it asked for a thread is woken that sleeps for a limited time: the timer slack of the kernel, 50 µs unless told otherwise.
pub(crate) const SLACK: Time = 50 * MICRO;

/// What a worker knows of what it was called for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Called {
    stole: bool,
    called: bool,
    since: (Time, u64),
    in_vain: u32,
}

impl Called {
    /// A wait is over.
    pub(crate) fn woken(&mut self, now: Time, polls: u64, called: bool) {
        self.since = (now, polls);
        self.called = called;
    }

    pub(crate) fn stole(&mut self) {
        self.stole = true;
    }

    /// It has left work to others, and was not called for too little.
    pub(crate) fn stayed_away(&mut self) {
        (self.stole, self.called) = (false, false);
    }

    /// Before the next wait: whether that is to be a nap, and how long.
    pub(crate) fn nap(&mut self, doze: &Doze, polls: u64, now: Time) -> Option<Time> {
        let (since, polls_then) = self.since;
        let called_for_nothing = std::mem::take(&mut self.called) && polls == polls_then;
        if !std::mem::take(&mut self.stole) && !called_for_nothing {
            return None;
        }
        if now.saturating_sub(since) > doze.worth {
            self.in_vain = 0;
            return None;
        }
        self.in_vain = (self.in_vain + 1).min(doze.convinced + 8);
        let times = self.in_vain.checked_sub(doze.convinced)?;
        Some((doze.naps.0 << times).min(doze.naps.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_calls_in_vain_convince_and_each_nap_is_twice_as_long_up_to_the_most() {
        let mut called = Called::default();
        let mut nap = |took: Time| {
            called.woken(0, 0, true);
            called.stole();
            called.nap(&DOZE, 1, took)
        };
        assert_eq!([nap(1), nap(1)], [None, None]);
        assert_eq!([nap(1), nap(1), nap(1), nap(1)], [50, 100, 200, 200].map(|micros| Some(micros * MICRO)));
        assert_eq!(nap(DOZE.worth + 1), None);
        assert_eq!([nap(1), nap(1)], [None, None]);
    }

    #[test]
    fn who_came_by_himself_and_found_nothing_waits_to_be_called() {
        let mut called = Called::default();
        for _ in 0..10 {
            called.woken(0, 0, false);
            assert_eq!(called.nap(&DOZE, 0, 1), None);
        }
    }
}
