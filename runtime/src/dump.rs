//! `Dump`: what a runtime's tasks are about, as a plain value.
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::poll_times::PollTimes;
use crate::task::Id;

/// Every task that a runtime had at about one moment, by [`Handle::dump`](crate::Handle::dump): printed a line each, or
/// looked through.
///
/// ```
/// # let runtime = runtime::Runtime::builder().worker_threads(1).build()?;
/// # let _entered = runtime.enter();
/// let idle = runtime::task::Builder::new().name("idle").spawn(std::future::pending::<()>())?;
/// let dump = runtime.handle().dump();
/// let task = dump.iter().find(|task| task.id == idle.id()).unwrap();
/// assert_eq!(task.name, Some("idle"));
/// println!("{dump}");
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dump {
    /// In the order of their identifiers.
    tasks: Vec<TaskDump>,
}

/// A task in a [`Dump`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskDump {
    /// Its identifier, as [`JoinHandle::id`](crate::task::JoinHandle::id) gives it.
    pub id: Id,
    /// Its name, if it was given one ([`task::Builder`](crate::task::Builder)).
    pub name: Option<&'static str>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// Who runs it.
    pub kind: TaskKind,
    /// What it was doing.
    pub state: TaskState,
    /// For how long it has existed. Told from the supervisor's samples, for nobody reads a clock to spawn: right to half a
    /// [`stall_threshold`](crate::Builder::stall_threshold) for a young task, to about a tenth for an old one. `None` in a
    /// runtime without workers, which has no supervisor.
    pub age: Option<Duration>,
    /// For how long the present poll has lasted, if the supervisor has met it at a sample: for the time between that sample
    /// and the first.
    pub polled_for: Option<Duration>,
    /// Its polls so far, where the runtime was built to count them ([`poll_times`](crate::Builder::poll_times)). `None`
    /// elsewhere, where nobody counts: each poll of each task would pay for it. `None`, too, of closures, which are not polled
    /// but run once.
    pub polls: Option<PollTimes>,
}

/// Who runs a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskKind {
    /// Any worker.
    Shared,
    /// The thread that it is pinned to ([`spawn_pinned`](crate::task::spawn_pinned)).
    Pinned,
    /// The blocking pool: a closure.
    Blocking,
    /// The pool for computations: a closure.
    Compute,
}

/// What a task was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// It waits for its turn.
    Queued,
    /// A thread is inside of its poll, or of the closure. With the number of the worker, where it is one.
    Polling {
        /// The worker; spare ones have the numbers from the count of workers, plus one, on. `None` for the thread in `block_on`,
        /// which polls the tasks of a runtime without workers, and for those that run closures.
        worker: Option<usize>,
    },
    /// It waits to be woken.
    Idle,
    /// It was aborted, and its future is about to be dropped, or is.
    Cancelled,
}

impl Dump {
    /// From entries in any order, some of them twice.
    pub(crate) fn of(mut tasks: Vec<TaskDump>) -> Dump {
        tasks.sort_by_key(|task| task.id);
        tasks.dedup_by_key(|task| task.id);
        Dump { tasks }
    }

    /// The tasks, in the order of their identifiers.
    pub fn iter(&self) -> std::slice::Iter<'_, TaskDump> {
        self.tasks.iter()
    }

    /// How many tasks there were.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there was no task.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

impl<'a> IntoIterator for &'a Dump {
    type Item = &'a TaskDump;
    type IntoIter = std::slice::Iter<'a, TaskDump>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Dump {
    type Item = TaskDump;
    type IntoIter = std::vec::IntoIter<TaskDump>;

    fn into_iter(self) -> Self::IntoIter {
        self.tasks.into_iter()
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tasks", self.tasks.len())?;
        for task in self {
            write!(f, "\n{task}")?;
        }
        Ok(())
    }
}

impl fmt::Display for TaskDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = self.name {
            write!(f, " `{name}`")?;
        }
        match self.kind {
            TaskKind::Shared => {}
            TaskKind::Pinned => write!(f, ", pinned")?,
            TaskKind::Blocking => write!(f, ", a closure")?,
            TaskKind::Compute => write!(f, ", a computation")?,
        }
        match (self.kind, self.state) {
            (TaskKind::Shared | TaskKind::Pinned, TaskState::Polling { worker: None }) => {
                f.write_str(": polled by the thread in `block_on`")?;
            }
            (_, state) => write!(f, ": {state}")?,
        }
        if let Some(polled_for) = self.polled_for {
            write!(f, " for {polled_for:?}")?;
        }
        if let Some(PollTimes { polls, busy, longest }) = self.polls {
            write!(f, "; {polls} polls before, {busy:?} in all, {longest:?} the longest")?;
        }
        if let Some(age) = self.age {
            write!(f, "; spawned about {age:?} ago at {}", self.spawned_at)
        } else {
            write!(f, "; spawned at {}", self.spawned_at)
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskState::Queued => f.write_str("queued"),
            TaskState::Polling { worker: Some(worker) } => write!(f, "polled by worker {worker}"),
            TaskState::Polling { worker: None } => f.write_str("running"),
            TaskState::Idle => f.write_str("idle"),
            TaskState::Cancelled => f.write_str("cancelled"),
        }
    }
}
