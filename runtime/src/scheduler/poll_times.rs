//! Polls of each task, counted and timed exactly, where the builder asks for it. Each poll takes a lock and reads the clock
//! twice then; else it takes a look at whether this is wanted.
use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::dump::PollTimes;
use crate::task::Id;

/// Locks, so that workers seldom meet at one.
const SHARDS: u64 = 16;

/// What is known of the tasks that are live, by the number of their identifier.
#[derive(Debug, Default)]
pub(super) struct Table {
    shards: [Mutex<HashMap<u64, PollTimes>>; SHARDS as usize],
}

impl Table {
    fn shard(&self, task: u64) -> &Mutex<HashMap<u64, PollTimes>> {
        // Identifiers are handed out in blocks: what is neighbour by number is of one worker.
        &self.shards[(task % SHARDS) as usize]
    }

    /// A poll has ended, and the task with it if it is `done`.
    pub(super) fn count(&self, task: u64, took: Duration, done: bool) {
        let mut tasks = self.shard(task).lock();
        if done {
            tasks.remove(&task);
        } else {
            let times = tasks.entry(task).or_default();
            times.polls += 1;
            times.busy += took;
            times.longest = times.longest.max(took);
        }
    }

    /// Those of a task's polls that have ended.
    pub(super) fn of(&self, task: Id) -> PollTimes {
        let task = task.as_nonzero().get();
        self.shard(task).lock().get(&task).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_added_up_a_task_and_forgotten_with_it() {
        let table = Table::default();
        for (task, millis) in [(1, 3), (1 + SHARDS, 5), (1, 7), (1, 2)] {
            table.count(task, Duration::from_millis(millis), false);
        }
        let times = |polls, busy, longest| PollTimes {
            polls,
            busy: Duration::from_millis(busy),
            longest: Duration::from_millis(longest),
        };
        assert_eq!(table.of(Id::from_number(1)), times(3, 12, 7));
        assert_eq!(table.of(Id::from_number(1 + SHARDS)), times(1, 5, 5));
        table.count(1, Duration::from_millis(9), true);
        assert_eq!(table.of(Id::from_number(1)), times(0, 0, 0));
        assert!(table.shard(1).lock().len() == 1);
    }
}
