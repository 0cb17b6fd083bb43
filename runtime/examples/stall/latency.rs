//! Latencies that were seen, and what to say of them.
use std::time::{Duration, Instant};

/// Median, 99th percentile and greatest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

impl Summary {
    pub(crate) fn of(mut latencies: Vec<Duration>) -> Summary {
        assert!(!latencies.is_empty(), "something was measured");
        latencies.sort_unstable();
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
        Summary { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }

    /// What is above the usual.
    pub(crate) fn above(self, usual: Duration) -> Summary {
        let above = |latency: Duration| latency.saturating_sub(usual);
        Summary { p50: above(self.p50), p99: above(self.p99), max: above(self.max) }
    }
}

/// When each of a row of events was due, and how late it came.
pub(crate) struct Schedule {
    start: Instant,
    events: u32,
    late: Vec<(Instant, Duration)>,
}

/// The time between two events.
pub(crate) const TICK: Duration = Duration::from_millis(1);

impl Schedule {
    pub(crate) fn new() -> Schedule {
        Schedule { start: Instant::now(), events: 0, late: Vec::with_capacity(20_000) }
    }

    /// When the next event is due.
    pub(crate) fn due(&self) -> Instant {
        self.start + TICK * (self.events + 1)
    }

    /// The event has come.
    pub(crate) fn came(&mut self) {
        let (due, now) = (self.due(), Instant::now());
        self.events += 1;
        self.late.push((due, now.saturating_duration_since(due)));
    }

    /// How late those were that were due in this time.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Vec<Duration> {
        self.late.iter().filter(|(due, _)| (from..to).contains(due)).map(|&(_, late)| late).collect()
    }

    /// The last event that has come was due after this.
    pub(crate) fn is_past(&self, time: Instant) -> bool {
        self.late.last().is_some_and(|&(due, _)| due > time)
    }
}
