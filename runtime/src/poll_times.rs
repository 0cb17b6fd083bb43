//! Polls of single tasks, counted and timed, where a runtime was built to. One table for the process: the identifiers of tasks
//! are the process's too, and a task may outlive whatever else could keep it.
use std::collections::BTreeMap;
use std::time::Duration;

// Not through `primitives`: a static, and no protocol depends on it.
use parking_lot::Mutex;

/// Polls of a task that have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollTimes {
    /// How many.
    pub polls: u64,
    /// The time inside of them, by the clock on the wall.
    pub busy: Duration,
    /// The longest.
    pub longest: Duration,
}

/// Locks, so that workers seldom meet at one.
const SHARDS: usize = 16;

/// The tasks that are live, by the number of their identifier.
static TASKS: [Mutex<BTreeMap<u64, PollTimes>>; SHARDS] = [const { Mutex::new(BTreeMap::new()) }; SHARDS];

fn shard(task: u64) -> &'static Mutex<BTreeMap<u64, PollTimes>> {
    &TASKS[task as usize % SHARDS]
}

/// The polls of this task are counted from now on.
pub(crate) fn begin(task: u64) {
    shard(task).lock().insert(task, PollTimes::default());
}

/// A poll has ended, and the task has not; or it has meanwhile, by a poll after this one.
pub(crate) fn count(task: u64, took: Duration) {
    if let Some(times) = shard(task).lock().get_mut(&task) {
        times.polls += 1;
        times.busy += took;
        times.longest = times.longest.max(took);
    }
}

/// The task has ended.
pub(crate) fn end(task: u64) {
    shard(task).lock().remove(&task);
}

/// Those of a task that is there, and whose polls are counted.
pub(crate) fn of(task: u64) -> Option<PollTimes> {
    shard(task).lock().get(&task).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_added_up_a_task_and_forgotten_with_it() {
        // No task of another test has these.
        let (one, other) = (u64::MAX - 5, u64::MAX - 5 - SHARDS as u64);
        let millis = Duration::from_millis;
        begin(one);
        begin(other);
        assert_eq!(of(one), Some(PollTimes::default()));
        for (task, took) in [(one, 3), (other, 5), (one, 7), (one, 2)] {
            count(task, millis(took));
        }
        assert_eq!(of(one), Some(PollTimes { polls: 3, busy: millis(12), longest: millis(7) }));
        assert_eq!(of(other), Some(PollTimes { polls: 1, busy: millis(5), longest: millis(5) }));
        end(one);
        // By a worker that comes from an earlier poll.
        count(one, millis(9));
        assert_eq!((of(one), of(other).map(|times| times.polls)), (None, Some(1)));
        end(other);
    }
}
