//! What a task of the simulation does: the workloads of the library, told act by act.
use std::collections::VecDeque;

use super::line::Time;

/// Which task, in order of their spawning.
pub(crate) type TaskId = usize;

/// Which channel, in order of their making.
pub(crate) type ChannelId = usize;

/// The next thing that a task does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Work(Time),
    Spawn {
        job: Job,
        joined: bool,
    },
    Join(TaskId),
    Yield,
    /// Makes two oneshot channels.
    Open,
    Send(ChannelId, u32),
    Receive(ChannelId),
    /// Counts on a word that all tasks of the workload share.
    Arrive,
    Done,
}

/// A task's work and how far it is.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    /// So many tasks at once, awaited in turn; and that again, so many rounds.
    SpawnJoin {
        tasks: usize,
        rounds: usize,
        joined: usize,
        children: Vec<TaskId>,
        each: Time,
    },
    /// Spawns all of these, detached.
    Spread(VecDeque<Job>),
    /// So many tasks, each awaited before the next.
    InTurn {
        left: usize,
        child: Option<TaskId>,
    },
    /// Spawns the next one of so many.
    Chain {
        left: usize,
    },
    /// Spawns the next one of so many, and awaits it.
    Nest {
        left: usize,
        child: Option<TaskId>,
    },
    /// A Fibonacci number: split in two from 10 on.
    Fork {
        number: u32,
        children: Vec<TaskId>,
        joined: usize,
        call: Time,
    },
    /// Yields so often.
    Yielder {
        left: usize,
    },
    /// Spawns one who answers, asks, and awaits the answer.
    Ping {
        step: usize,
        channels: ChannelId,
    },
    Pong {
        step: usize,
        channels: ChannelId,
    },
    /// Hands on what comes, which says how many hops it has left.
    Pass {
        from: ChannelId,
        to: ChannelId,
        left: Option<u32>,
    },
    /// Spawns so many who send, and receives all of it.
    Collect {
        senders: usize,
        each: usize,
        messages: usize,
    },
    Sender {
        left: usize,
    },
    /// Computes, or is empty.
    Leaf {
        work: Time,
    },
    Arrive,
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

    pub(crate) fn spread(tasks: usize, job: Job) -> Job {
        Job::Spread(vec![job; tasks].into())
    }

    pub(crate) fn ring(tasks: usize) -> Job {
        Job::Spread((0..tasks).map(|from| Job::Pass { from, to: (from + 1) % tasks, left: None }).collect())
    }

    /// What comes next. A spawned and joined child is told by `born`, a message by `received`.
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
            Job::Spread(jobs) => match jobs.pop_front() {
                Some(job) => Act::Spawn { job, joined: false },
                None => Act::Done,
            },
            Job::InTurn { left, child } => match (child.take(), *left) {
                (Some(child), _) => Act::Join(child),
                (None, 0) => Act::Done,
                (None, _) => {
                    *left -= 1;
                    Act::Spawn { job: Job::Ended, joined: true }
                }
            },
            Job::Chain { left } => match std::mem::take(left) {
                0 => Act::Done,
                1 => {
                    *self = Job::Ended;
                    Act::Arrive
                }
                left => {
                    *self = Job::Arrive;
                    Act::Spawn { job: Job::Chain { left: left - 1 }, joined: false }
                }
            },
            Job::Nest { left, child } => match (child.take(), std::mem::take(left)) {
                (Some(child), _) => Act::Join(child),
                (None, 0 | 1) => Act::Done,
                (None, left) => Act::Spawn { job: Job::Nest { left: left - 1, child: None }, joined: true },
            },
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
            Job::Yielder { left } => match left.checked_sub(1) {
                Some(less) => {
                    *left = less;
                    Act::Yield
                }
                None => {
                    *self = Job::Ended;
                    Act::Arrive
                }
            },
            Job::Ping { step, channels } => {
                *step += 1;
                match *step {
                    1 => Act::Open,
                    2 => Act::Spawn { job: Job::Pong { step: 0, channels: *channels }, joined: false },
                    3 => Act::Send(*channels, 0),
                    4 => Act::Receive(*channels + 1),
                    5 => Act::Arrive,
                    _ => Act::Done,
                }
            }
            Job::Pong { step, channels } => {
                *step += 1;
                match *step {
                    1 => Act::Receive(*channels),
                    2 => Act::Send(*channels + 1, 0),
                    _ => Act::Done,
                }
            }
            Job::Pass { from, to, left } => match left.take() {
                None => Act::Receive(*from),
                Some(1) => {
                    *self = Job::Ended;
                    Act::Arrive
                }
                Some(left) => Act::Send(*to, left - 1),
            },
            Job::Collect { senders, each, messages } => {
                if *senders > 0 {
                    *senders -= 1;
                    Act::Spawn { job: Job::Sender { left: *each }, joined: false }
                } else if *messages > 0 {
                    *messages -= 1;
                    Act::Receive(0)
                } else {
                    Act::Done
                }
            }
            Job::Sender { left } => match left.checked_sub(1) {
                Some(less) => {
                    *left = less;
                    Act::Send(0, 0)
                }
                None => Act::Done,
            },
            Job::Leaf { work } => {
                let work = *work;
                *self = Job::Ended;
                if work > 0 { Act::Work(work) } else { Act::Done }
            }
            Job::Arrive => {
                *self = Job::Ended;
                Act::Arrive
            }
            Job::Ended => Act::Done,
        }
    }

    /// The child that was just spawned to be joined.
    pub(crate) fn born(&mut self, task: TaskId) {
        match self {
            Job::SpawnJoin { children, .. } | Job::Fork { children, .. } => children.push(task),
            Job::InTurn { child, .. } | Job::Nest { child, .. } => *child = Some(task),
            _ => unreachable!("it joins nobody"),
        }
    }

    /// The first of two channels that were just made.
    pub(crate) fn opened(&mut self, first: ChannelId) {
        if let Job::Ping { channels, .. } = self {
            *channels = first;
        }
    }

    /// A message has come.
    pub(crate) fn received(&mut self, message: u32) {
        if let Job::Pass { left, .. } = self {
            *left = Some(message);
        }
    }
}
