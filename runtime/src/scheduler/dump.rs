//! The task dump: what can be seen of every task without stopping anybody. `task/README.md`, "Reading tasks that one does not
//! hold".
use std::time::Instant;

use super::Shared;
use crate::dump::{Dump, TaskDump, TaskKind, TaskState};
use crate::poll_times;
use crate::task::{Id, Sight};

/// What is being polled while the tasks are looked at.
struct Polls<'a> {
    shared: &'a Shared,
    closures: Vec<Id>,
}

impl Shared {
    pub(crate) fn dump(&self) -> Dump {
        let polls =
            Polls { shared: self, closures: [self.blocking.running(), self.compute.running()].concat() };
        let mut tasks = Vec::new();
        self.arena.look_at_tasks(|sight| tasks.push(polls.entry(sight, TaskKind::Shared)));
        self.pinned.look_at_tasks(|sight| tasks.push(polls.entry(sight, TaskKind::Pinned)));
        self.blocking.look_at_tasks(|sight| tasks.push(polls.entry(sight, TaskKind::Blocking)));
        self.compute.look_at_tasks(|sight| tasks.push(polls.entry(sight, TaskKind::Compute)));
        let now = Instant::now();
        // In a forked child a lock of the table may be held by a thread that is not there.
        let timed = self.config.poll_times && !self.is_inherited();
        let tasks = self.supervisor.remember(|memory| {
            let complete = |(mut task, poll): (TaskDump, Option<(usize, u64)>)| {
                task.polls = if timed { poll_times::of(task.id.as_nonzero().get()) } else { None };
                task.age = memory.births.age(task.id.as_nonzero().get(), now);
                task.polled_for = poll.and_then(|(slot, beat)| memory.polled_for(slot, beat));
                task
            };
            tasks.into_iter().map(complete).collect()
        });
        Dump::of(tasks)
    }

    /// The slot whose thread polls the task, and its beat.
    fn find_poll(&self, id: Id) -> Option<(usize, u64)> {
        let polls =
            self.slots.iter().enumerate().filter_map(|(slot, seen)| Some((slot, seen.heartbeat.poll()?)));
        polls.filter(|(_, poll)| poll.id == id).map(|(slot, poll)| (slot, poll.beat)).next()
    }
}

impl Polls<'_> {
    /// What is known without the supervisor's memory, and the poll to look for there. Called under a lock of the arena's.
    fn entry(&self, sight: Sight, kind: TaskKind) -> (TaskDump, Option<(usize, u64)>) {
        let poll = if sight.is_owned() { self.shared.find_poll(sight.id) } else { None };
        let state = if let Some((slot, _)) = poll {
            TaskState::Polling { worker: Some(slot).filter(|&slot| slot != self.shared.guest_slot()) }
        } else if self.closures.contains(&sight.id) {
            TaskState::Polling { worker: None }
        } else if sight.is_cancelled() {
            TaskState::Cancelled
        } else if sight.is_owned() {
            TaskState::Queued
        } else {
            TaskState::Idle
        };
        let (name, spawned_at) = (sight.label.name(), sight.label.location());
        let (age, polled_for, polls) = (None, None, None);
        (TaskDump { id: sight.id, name, spawned_at, kind, state, age, polled_for, polls }, poll)
    }
}
