//! When tasks were spawned, told from their identifiers: nobody reads a clock to spawn.
//!
//! Identifiers are handed out in order, but for the blocks that workers take. So the supervisor notes at each sample up to
//! where they are taken, and what the workers have not handed out of theirs. A task was spawned between two samples: the
//! last at which its identifier was not handed out, and the first at which it was. Of older samples fewer are kept, so
//! that what is known is exact to a share of the age.
use std::ops::Range;
use std::time::{Duration, Instant};

/// Samples before some are dropped. What remains then are some eight for each time that the age trebles: 120 for a day.
const MOST: usize = 256;

/// Samples are dropped where those around are not farther apart than this share of their age.
const SHARE: u32 = 8;

/// Which identifiers were handed out by a certain time.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) at: Instant,
    /// All below are taken.
    pub(crate) horizon: u64,
    /// Of these, what is not handed out.
    pub(crate) rests: Vec<Range<u64>>,
}

impl Taken {
    fn includes(&self, id: u64) -> bool {
        id < self.horizon && !self.rests.iter().any(|rest| rest.contains(&id))
    }
}

/// A sample, and those after it that found nothing new.
#[derive(Debug)]
struct Stretch {
    taken: Taken,
    /// When the last of them was made.
    until: Instant,
}

/// The samples, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Births {
    samples: Vec<Stretch>,
}

impl Births {
    pub(crate) fn add(&mut self, taken: Taken) {
        // Where nothing was spawned, who is spawned next comes after the later of two, and who was spawned last came before
        // the earlier.
        if let Some(last) = self.samples.last_mut()
            && last.taken.horizon == taken.horizon
            && last.taken.rests == taken.rests
        {
            last.until = taken.at;
            return;
        }
        if self.samples.len() >= MOST {
            self.thin_out(taken.at);
        }
        self.samples.push(Stretch { until: taken.at, taken });
    }

    fn thin_out(&mut self, now: Instant) {
        let times: Vec<_> = self.samples.iter().map(|sample| sample.taken.at).collect();
        let (mut kept, mut index) = (times[0], 0);
        self.samples.retain(|sample| {
            let next = times.get(index + 1).copied();
            let keep = index == 0
                || next.is_none_or(|next| {
                    next.saturating_duration_since(kept) > now.saturating_duration_since(next) / SHARE
                });
            index += 1;
            if keep {
                kept = sample.until;
            }
            keep
        });
    }

    /// Nothing was handed out until now since the last sample.
    pub(crate) fn rested(&mut self, now: Instant) {
        if let Some(last) = self.samples.last_mut() {
            last.until = now;
        }
    }

    /// How long ago the task with this identifier was spawned: in the middle of what is possible. `None` for one that is
    /// older than the first sample.
    pub(crate) fn age(&self, id: u64, now: Instant) -> Option<Duration> {
        let first = self.samples.partition_point(|sample| !sample.taken.includes(id));
        let after = self.samples.get(first.checked_sub(1)?)?.until;
        let before = self.samples.get(first).map_or(now, |sample| sample.taken.at);
        let youngest = now.saturating_duration_since(before);
        Some(youngest + before.saturating_duration_since(after) / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(base: Instant, millis: u64, horizon: u64, rest: Range<u64>) -> Taken {
        Taken { at: base + Duration::from_millis(millis), horizon, rests: vec![rest] }
    }

    #[test]
    fn a_task_is_as_old_as_the_samples_around_its_spawn_say() {
        let base = Instant::now();
        let mut births = Births::default();
        assert_eq!(births.age(1, base), None);
        births.add(taken(base, 0, 100, 10..100));
        births.add(taken(base, 10, 100, 20..100));
        births.add(taken(base, 20, 200, 20..100));
        let now = base + Duration::from_millis(40);
        let age = |id| births.age(id, now).map(|age| age.as_millis());
        assert_eq!(age(5), None, "before the first");
        assert_eq!(age(15), Some(35));
        assert_eq!(age(150), Some(25));
        // Of a block that was taken long ago, and handed out only now.
        assert_eq!(age(50), Some(10));
        assert_eq!(age(500), Some(10));
    }

    #[test]
    fn a_time_without_spawns_costs_no_sample_and_no_precision() {
        let base = Instant::now();
        let mut births = Births::default();
        for millis in 0..1000 {
            births.add(taken(base, millis, 100, 10..100));
        }
        births.add(taken(base, 1002, 100, 11..100));
        assert_eq!(births.samples.len(), 2);
        let age = births.age(10, base + Duration::from_millis(1002)).unwrap();
        assert!(age <= Duration::from_millis(3), "{age:?}");
        // And who came before it is as old as before.
        for millis in 1003..2000 {
            births.add(taken(base, millis, 100, 11..100));
        }
        births.rested(base + Duration::from_millis(3000));
        let age = births.age(10, base + Duration::from_millis(3002)).unwrap();
        assert!(age >= Duration::from_millis(2000), "{age:?}");
    }

    #[test]
    fn what_is_known_is_exact_to_a_share_of_the_age() {
        let base = Instant::now();
        let mut births = Births::default();
        let steps = 100_000;
        for step in 0..=steps {
            births.add(taken(base, step, 2 * steps, step..2 * steps));
        }
        assert!(births.samples.len() <= MOST);
        let now = base + Duration::from_millis(steps);
        for id in (0..steps).step_by(97) {
            let age = births.age(id, now).unwrap().as_millis().abs_diff(u128::from(steps - id));
            assert!(age <= u128::from(1 + (steps - id) / 8), "{id}: {age} of {}", steps - id);
        }
    }
}
