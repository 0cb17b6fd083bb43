//! `Runtime`: the owner of it all. Dropping it ends it. (Also tokio's path to its kin.)
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::builder::Builder;
pub use crate::config::UnhandledPanic;
use crate::dump::Dump;
pub use crate::handle::{EnterGuard, Handle, TryCurrentError};
pub use crate::identity::{Id, RuntimeFlavor};
use crate::large::unless_large;
pub use crate::metrics::{Metrics, Metrics as RuntimeMetrics, WorkerMetrics};
use crate::report::say;
use crate::scheduler::{Shared, deadline_after};
use crate::task::{self, JoinHandle, Label};

/// A worker pool, its sockets and timers, and a pool for closures that block.
///
/// ```
/// let runtime = runtime::Runtime::new();
/// let answer = runtime.spawn(async { 6 * 7 });
/// assert_eq!(runtime.block_on(answer).unwrap(), 42);
/// ```
///
/// Dropping it cancels every task, waits for the workers to leave their present polls, and waits for at most a second
/// ([`Builder::shutdown_timeout`]) for blocking closures that run. In async code the drop does not wait: the last worker
/// ends what is left.
pub struct Runtime {
    handle: Handle,
    /// Given up already: by a shutdown, which consumes the runtime.
    ended: bool,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("handle", &self.handle).finish()
    }
}

/// What was still running when a shutdown's time was up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Workers that were inside a poll. What they poll, and tasks pinned to them, is dropped when they return.
    pub workers: usize,
    /// Tasks that had not ended when the shutdown began: cancelled by now, or when those workers return.
    pub tasks: u64,
    /// Closures of the blocking pool that had not returned.
    pub blocking: usize,
    /// The tasks of those closures; one that resolves a name has none.
    pub blocking_tasks: Vec<task::Id>,
}

impl ShutdownReport {
    /// Whether everything had ended.
    pub fn is_clean(&self) -> bool {
        self.workers == 0 && self.tasks == 0 && self.blocking == 0
    }
}

impl Runtime {
    /// A runtime with the default options.
    ///
    /// # Panics
    ///
    /// When the operating system refuses a thread or a descriptor, or `RUNTIME_WORKER_THREADS` is not a number;
    /// [`Builder::build`] is the form that returns the error.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "a runtime starts threads: nothing to come by implicitly")]
    pub fn new() -> Runtime {
        match Builder::new_multi_thread().build() {
            Ok(runtime) => runtime,
            Err(error) => crate::misuse::panic(
                "Runtime::new",
                &format!("the runtime could not be started: {error}"),
                [
                    "use `Runtime::builder().build()`, which returns the error",
                    "fewer threads are needed with `Builder::worker_threads` or RUNTIME_WORKER_THREADS=1",
                ],
            ),
        }
    }

    /// Options, then [`Builder::build`].
    pub fn builder() -> Builder {
        Builder::new_multi_thread()
    }

    pub(crate) fn from_shared(shared: Arc<Shared>) -> Runtime {
        Runtime { handle: Handle { shared }, ended: false }
    }

    /// A handle to this runtime.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let label = Label::caller();
        unless_large!(future: F => self.handle.shared.spawn(future, label))
    }

    /// Spawns a task whose future need not be `Send`: `create` makes it on a thread of the pool, where it stays. See
    /// [`task::spawn_pinned`].
    #[track_caller]
    pub fn spawn_pinned<C, F>(&self, create: C) -> JoinHandle<F::Output>
    where
        C: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        self.handle.shared.spawn_pinned(create, Label::caller())
    }

    /// Runs a closure that may block on a thread of the blocking pool.
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.shared.blocking.spawn(f, Label::caller())
    }

    /// As [`compute::spawn`](crate::compute::spawn), onto this runtime's pool.
    #[track_caller]
    pub fn spawn_compute<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_compute(f)
    }

    /// Runs `future` to completion on the calling thread. What it spawns goes into a queue of that thread's, from which the
    /// workers steal; the thread runs no task itself, so that none can hold up `future`. Without workers it runs all tasks,
    /// for as long as it is in here.
    ///
    /// # Panics
    ///
    /// On a thread that executes futures already; and when `future` panics.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        unless_large!(future: F => self.handle.block_on(future))
    }

    /// Enters the runtime's context until the guard is dropped.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// Every task that is not complete; see [`Handle::dump`].
    pub fn dump(&self) -> Dump {
        self.handle.dump()
    }

    /// What the runtime has done so far, and has to do.
    pub fn metrics(&self) -> Metrics {
        self.handle.metrics()
    }

    /// Ends the runtime: cancels every task, and waits for at most `timeout` for workers and blocking closures. Says what
    /// was still running then. Inside async code it does not wait.
    pub fn shutdown(mut self, timeout: Duration) -> ShutdownReport {
        self.end(Some(timeout))
    }

    /// As [`shutdown`](Runtime::shutdown), with tokio's name and without the report.
    pub fn shutdown_timeout(self, timeout: Duration) {
        self.shutdown(timeout);
    }

    /// Ends the runtime without waiting for anything.
    pub fn shutdown_background(self) {
        self.shutdown(Duration::ZERO);
    }

    /// `workers`: how long to wait for the workers; `None` for as long as it takes.
    fn end(&mut self, timeout: Option<Duration>) -> ShutdownReport {
        self.ended = true;
        let shared = &self.handle.shared;
        if shared.is_inherited() {
            // Its threads and its tasks are the parent's; their copies are never touched again.
            std::mem::forget(Arc::clone(shared));
            return ShutdownReport { workers: 0, tasks: 0, blocking: 0, blocking_tasks: Vec::new() };
        }
        // A thread that executes futures must not wait: what it waits for may need it.
        let detached = !reactor_hook::may_block() || shared.is_member_here();
        let tokio = shared.tokio.keep();
        shared.shut_down();
        let for_workers = if detached { Some(Duration::ZERO) } else { timeout };
        let for_blocking = match (detached, timeout) {
            (true, _) => Duration::ZERO,
            (false, Some(timeout)) => timeout,
            (false, None) => shared.config.shutdown_timeout,
        };
        let workers_until = for_workers.and_then(deadline_after);
        let blocking_until = deadline_after(for_blocking);
        let workers_left = !shared.termination.wait(workers_until);
        let mut running = shared.blocking.join(blocking_until);
        running.extend(shared.compute.join(blocking_until));
        // Threads that have left by now have left tokio's world.
        tokio.end(if detached { Some(Instant::now()) } else { blocking_until });
        ShutdownReport {
            workers: if workers_left { shared.workers_left() } else { 0 },
            tasks: if workers_left { shared.tasks().1 } else { 0 },
            blocking: running.len(),
            blocking_tasks: running.into_iter().flatten().collect(),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let left = self.end(None).blocking_tasks.len();
        let waited = self.handle.shared.config.shutdown_timeout;
        // Where it does not wait, by wish or in async code, nobody expects it to.
        if left > 0 && !waited.is_zero() && reactor_hook::may_block() && !self.handle.shared.is_member_here()
        {
            say(format_args!(
                "runtime: {left} blocking closures had not returned {waited:?} after the end of their runtime, and run on; \
                 the end of the process cuts them off\n  \
                 help: `Builder::shutdown_timeout(Duration::MAX)` waits for them\n  \
                 help: await the handle of a closure that must not be cut off"
            ));
        }
    }
}
