//! When it is said that every thread of the runtime is held up, spares included, while work waits.
use std::time::Duration;

/// How long that must last: long against a moment in which many block in place at once, and short against a person's patience.
const PATIENCE: Duration = Duration::from_millis(100);

/// The least time between two messages.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Exhausted {
    /// For how long it has been so; as that of a poll, in sampled time.
    lasted: Duration,
    /// Said, since it began to be so.
    said: bool,
    since_said: Duration,
}

impl Default for Exhausted {
    fn default() -> Self {
        Exhausted { lasted: Duration::ZERO, said: false, since_said: PAUSE }
    }
}

impl Exhausted {
    /// Another sample, `passed` of sampled time after the last and `elapsed` by the clock, and whether it is so. True: it is to be said.
    pub(super) fn sample(&mut self, is_so: bool, passed: Duration, elapsed: Duration) -> bool {
        self.since_said = self.since_said.saturating_add(elapsed);
        if !is_so {
            self.lasted = Duration::ZERO;
            self.said = false;
            return false;
        }
        self.lasted = self.lasted.saturating_add(passed);
        let due = !self.said && self.lasted >= PATIENCE && self.since_said >= PAUSE;
        if due {
            self.said = true;
            self.since_said = Duration::ZERO;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_when_it_has_lasted() {
        let mut exhausted = Exhausted::default();
        assert!(!exhausted.sample(true, PATIENCE / 2, PATIENCE / 2));
        assert!(exhausted.sample(true, PATIENCE / 2, PATIENCE / 2));
        for _ in 0..100 {
            assert!(!exhausted.sample(true, PAUSE, PAUSE));
        }
    }

    #[test]
    fn what_does_not_last_is_not_said() {
        let mut exhausted = Exhausted::default();
        for _ in 0..100 {
            assert!(!exhausted.sample(true, PATIENCE / 2, PATIENCE / 2));
            assert!(!exhausted.sample(false, PATIENCE / 2, PATIENCE / 2));
        }
    }

    #[test]
    fn what_comes_again_is_said_after_a_second() {
        let mut exhausted = Exhausted::default();
        assert!(exhausted.sample(true, PATIENCE, PATIENCE));
        assert!(!exhausted.sample(false, PATIENCE, PATIENCE));
        assert!(!exhausted.sample(true, PATIENCE, PATIENCE));
        // Samples are seldom while nothing goes on.
        assert!(exhausted.sample(true, PATIENCE, PAUSE));
    }
}
