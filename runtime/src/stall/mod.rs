//! `StallReport`: a poll that does not end, as a plain value.
mod thread_state;
#[cfg(feature = "tracing")]
mod trace;
#[cfg(not(feature = "tracing"))]
#[path = "trace/off.rs"]
mod trace;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::task::{Id, Label};
pub use thread_state::ThreadState;

/// A task was found inside of one poll for longer than the stall threshold, or has come out of it: what
/// [`Builder::on_stall`](crate::Builder::on_stall) is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StallReport {
    /// Which task.
    pub id: Id,
    /// Its name, if it was given one ([`task::Builder`](crate::task::Builder)).
    pub name: Option<&'static str>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// The worker that polls it, by number; spare ones have the numbers above.
    pub worker: usize,
    /// For how long the poll has lasted, as far as the supervisor's samples tell: it may be half a
    /// [`stall_threshold`](crate::Builder::stall_threshold) more.
    pub lasted: Duration,
    /// The poll is over. Else it goes on.
    pub over: bool,
    /// Stalls of tasks spawned at the same place that were not reported, since the last that was.
    pub unreported: u64,
    /// What the thread was doing, if that was asked for
    /// ([`Builder::stall_thread_state`](crate::Builder::stall_thread_state)) and the poll goes on.
    pub thread: Option<ThreadState>,
}

/// The user's.
pub(crate) type Callback = dyn Fn(&StallReport) + Send + Sync;

/// Where reports go.
#[derive(Clone, Default)]
pub(crate) struct Reporting {
    pub(crate) call: Option<Arc<Callback>>,
    /// To standard error.
    pub(crate) print: bool,
    /// With the state of the thread.
    pub(crate) thread_state: bool,
}

impl StallReport {
    pub(crate) fn new(id: Id, label: Label, worker: usize, lasted: Duration) -> StallReport {
        StallReport {
            id,
            name: label.name(),
            spawned_at: label.location(),
            worker,
            lasted,
            over: false,
            unreported: 0,
            thread: None,
        }
    }
}

impl fmt::Display for StallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = self.name {
            write!(f, " `{name}`")?;
        }
        write!(f, ", spawned at {}, ", self.spawned_at)?;
        match self.over {
            false => write!(f, "has kept worker {} in one poll for {:?}", self.worker, self.lasted)?,
            true => write!(f, "came out of a poll that kept worker {} for {:?}", self.worker, self.lasted)?,
        }
        if let Some(thread) = &self.thread {
            write!(f, ": {thread}")?;
        }
        if self.unreported > 0 {
            write!(f, " ({} more from there since the last report)", self.unreported)?;
        }
        Ok(())
    }
}

impl Reporting {
    /// Whether somebody has asked to be told. Of `tracing` nobody can tell.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.print || self.call.is_some()
    }

    /// Calls the user's function, which must not panic: whoever calls this catches that.
    pub(crate) fn report(&self, report: &StallReport) {
        trace::event(report);
        if self.print {
            eprintln!("runtime: {report}{}", if report.over { "" } else { HELP });
        }
        if let Some(call) = &self.call {
            call(report);
        }
    }
}

const HELP: &str = "\n  help: what blocks or computes for long belongs into `spawn_blocking`, or around it `task::block_in_place`\n  \
     help: a long loop lets others run with `task::yield_now().await`; one over channels of `sync` that never run dry is ended by \
     no timeout and no abort unless it awaits them in `task::coop::cooperative`";
