//! Whether a worker looks on before it parks: the rule and the figures of `runtime/src/scheduler/spin.rs`.
use super::line::Time;

const MICRO: Time = 1_000_000;
const USUAL: Time = 10 * MICRO;
const FIRST: Time = 50 * MICRO;
const SHORT: Time = FIRST;
const CONVINCED: u32 = 2;
const PENALTY: (u32, u32) = (8, 1024);

#[derive(Clone, Debug)]
pub(crate) struct Spin {
    needed: u32,
    penalty: u32,
    limit: Time,
    seen: bool,
}

impl Spin {
    pub(crate) fn new() -> Spin {
        Spin { needed: CONVINCED, penalty: PENALTY.0, limit: FIRST, seen: false }
    }

    /// How long to spin, if at all.
    pub(crate) fn limit(&mut self) -> Option<Time> {
        if std::mem::take(&mut self.seen) {
            self.in_vain();
        }
        (self.needed == 0).then_some(self.limit)
    }

    /// A wait that somebody ended is over.
    pub(crate) fn waited(&mut self, time: Time) {
        self.needed = if time <= SHORT { self.needed.saturating_sub(1) } else { self.needed.max(CONVINCED) };
    }

    /// The search has got something to run.
    pub(crate) fn got(&mut self) {
        self.seen = false;
    }

    /// A spin is over, and has seen something or nothing.
    pub(crate) fn spun(&mut self, time: Time, seen: bool) {
        self.seen = seen;
        if seen {
            if time <= USUAL {
                self.penalty = PENALTY.0;
            }
            self.limit = USUAL;
        } else {
            self.in_vain();
        }
    }

    fn in_vain(&mut self) {
        self.needed = self.penalty;
        self.penalty = (2 * self.penalty).min(PENALTY.1);
        self.limit = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_short_waits_convince_and_a_spin_in_vain_costs_twice_as_many_each_time() {
        let mut spin = Spin::new();
        spin.waited(SHORT);
        assert_eq!(spin.limit(), None);
        spin.waited(SHORT);
        for penalty in [8, 16, 32] {
            assert_eq!(spin.limit(), Some(FIRST));
            spin.spun(FIRST, false);
            for _ in 0..penalty {
                assert_eq!(spin.limit(), None);
                spin.waited(SHORT);
            }
        }
        spin.spun(MICRO, true);
        // Somebody else was there first.
        assert_eq!(spin.limit(), None);
    }
}
