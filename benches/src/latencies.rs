//! How long each of many operations took.
use std::time::Duration;

/// The middle and the tail of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latencies {
    /// How many there were.
    pub count: usize,
    /// Half of them were no longer.
    pub p50: Duration,
    /// 99 of a hundred were no longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Latencies {
    /// Of these times, in any order; of none, all zero.
    pub fn of(mut times: Vec<Duration>) -> Latencies {
        times.sort_unstable();
        // The nearest rank: the first that so many per cent of them do not exceed.
        let rank = |percent: usize| (times.len() * percent).div_ceil(100).saturating_sub(1);
        let at = |percent| times.get(rank(percent)).copied().unwrap_or_default();
        Latencies { count: times.len(), p50: at(50), p99: at(99), max: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(times: impl IntoIterator<Item = u64>) -> Latencies {
        Latencies::of(times.into_iter().map(Duration::from_millis).collect())
    }

    #[test]
    fn the_99th_of_a_hundred_is_p99() {
        let latencies = millis((1..=100).rev());
        let expected = [50, 99, 100].map(Duration::from_millis);
        assert_eq!([latencies.p50, latencies.p99, latencies.max], expected);
        assert_eq!(latencies.count, 100);
    }

    #[test]
    fn one_time_is_all_of_them() {
        let latencies = millis([7]);
        assert_eq!([latencies.p50, latencies.p99, latencies.max], [Duration::from_millis(7); 3]);
    }

    #[test]
    fn of_none_all_is_zero() {
        assert_eq!(
            millis([]),
            Latencies { count: 0, p50: Duration::ZERO, p99: Duration::ZERO, max: Duration::ZERO }
        );
    }
}
