//! What a task of the simulation does: the workloads of the library, told act by act.
use super::line::Time;

/// Which task, in order of their spawning.
pub(crate) type TaskId = usize;

/// The next thing that a task does.
#[derive(Debug)]
pub(crate) enum Act {
    Work(Time),
    Spawn { job: Job, joined: bool },
    Join(TaskId),
    Done,
}

/// A task's work and how far it is.
#[derive(Debug)]
pub(crate) enum Job {
    /// So many tasks at once, awaited in turn; and that again, so many rounds.
    SpawnJoin {
        tasks: usize,
        rounds: usize,
        joined: usize,
        children: Vec<TaskId>,
        each: Time,
    },
    /// Spawns the next one of so many.
    Chain {
        left: usize,
    },
    /// A Fibonacci number: split in two from 10 on.
    Fork {
        number: u32,
        children: Vec<TaskId>,
        joined: usize,
        call: Time,
    },
    /// Computes, or is empty.
    Leaf {
        work: Time,
    },
    Ended,
}

/// Below this a Fibonacci number is computed by its task alone, as in the library.
const ALONE: u32 = 10;

/// Calls that it takes to compute a Fibonacci number alone.
pub(crate) fn calls(number: u32) -> u64 {
    if number < 2 { 1 } else { 1 + calls(number - 1) + calls(number - 2) }
}

impl Job {
    pub(crate) fn spawn_join(tasks: usize, rounds: usize, each: Time) -> Job {
        Job::SpawnJoin { tasks, rounds, joined: 0, children: Vec::new(), each }
    }

    pub(crate) fn fork(number: u32, call: Time) -> Job {
        Job::Fork { number, children: Vec::new(), joined: 0, call }
    }

    /// What comes next. A spawned and joined child is told by `born`.
    pub(crate) fn next(&mut self) -> Act {
        match self {
            Job::SpawnJoin { tasks, rounds, joined, children, each } => {
                if *joined == *tasks && *rounds > 1 {
                    *rounds -= 1;
                    *joined = 0;
                    children.clear();
                }
                if children.len() < *tasks {
                    Act::Spawn { job: Job::Leaf { work: *each }, joined: true }
                } else if *joined < *tasks {
                    *joined += 1;
                    Act::Join(children[*joined - 1])
                } else {
                    Act::Done
                }
            }
            Job::Chain { left } => {
                let left = *left;
                *self = Job::Ended;
                match left {
                    1 => Act::Done,
                    _ => Act::Spawn { job: Job::Chain { left: left - 1 }, joined: false },
                }
            }
            Job::Fork { number, call, .. } if *number < ALONE => {
                let work = calls(*number) * *call;
                *self = Job::Ended;
                Act::Work(work)
            }
            Job::Fork { number, children, joined, call } => {
                if children.len() < 2 {
                    let number = *number - 1 - children.len() as u32;
                    Act::Spawn { job: Job::fork(number, *call), joined: true }
                } else if *joined < 2 {
                    *joined += 1;
                    Act::Join(children[*joined - 1])
                } else {
                    Act::Done
                }
            }
            Job::Leaf { work } => {
                let work = *work;
                *self = Job::Ended;
                if work > 0 { Act::Work(work) } else { Act::Done }
            }
            Job::Ended => Act::Done,
        }
    }

    /// The child that was just spawned to be joined.
    pub(crate) fn born(&mut self, child: TaskId) {
        match self {
            Job::SpawnJoin { children, .. } | Job::Fork { children, .. } => children.push(child),
            Job::Chain { .. } | Job::Leaf { .. } | Job::Ended => unreachable!("it joins nobody"),
        }
    }
}
