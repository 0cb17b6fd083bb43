//! Closures that block, as tasks: a cell like any other whose one poll runs the closure on the blocking pool.
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Cx, Poll};
use std::time::Instant;

use reactor_hook::process::Origin;

use crate::blocking::{Config, Counts, Job, Pool, Unstarted};
use crate::misuse;
use crate::task::{self, Arena, Cache, Id, JoinHandle, Label, Notified, Polled, Ran, Schedule, Sight};

/// A pool of threads, as the scheduler of the tasks that it runs: the blocking pool, if nothing else is said.
pub(crate) struct BlockingTasks<P = Pool> {
    arena: Arena<BlockingTasks<P>>,
    pool: P,
    origin: Origin,
}

/// Threads that run closures.
pub(crate) trait Threads: Send + Sync + 'static {
    /// Runs the job on one of them, at once or later. One that cannot be run is dropped.
    fn submit(&self, job: Job);
}

impl Threads for Pool {
    fn submit(&self, job: Job) {
        // A refused job is dropped, which cancels its task.
        drop(Pool::submit(self, job));
    }
}

impl<P: Threads> BlockingTasks<P> {
    pub(crate) fn on(pool: P) -> Arc<BlockingTasks<P>> {
        Arc::new(BlockingTasks { arena: Arena::new(), pool, origin: Origin::here() })
    }

    /// Spawns a task for `f`. When no thread can be had at all the handle resolves cancelled.
    #[track_caller]
    pub(crate) fn spawn<F, R>(self: &Arc<Self>, f: F, label: Label) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        misuse::refuse_in_child("spawn_blocking", self.origin);
        let (task, handle) = task::spawn_cell(self, None, Id::next(), label, RunOnce(Some(f)));
        if let Some(task) = task {
            self.schedule(task);
        }
        handle
    }
}

impl BlockingTasks {
    pub(crate) fn new(config: Config) -> Arc<BlockingTasks> {
        BlockingTasks::on(Pool::new(config))
    }

    pub(crate) fn offload(&self) -> Arc<dyn reactor_hook::Offload> {
        self.pool.offload()
    }

    pub(crate) fn metrics(&self) -> Counts {
        self.pool.metrics()
    }

    /// The tasks of closures that have started and not returned.
    pub(crate) fn running(&self) -> Vec<Id> {
        self.pool.running().map(Id::from_nonzero).collect()
    }

    pub(crate) fn look_at_tasks(&self, see: impl FnMut(Sight)) {
        self.arena.look_at_tasks(see);
    }

    /// Takes no more closures. Those that have not started are cancelled when what is returned is dropped.
    pub(crate) fn close(&self) -> Unstarted {
        self.arena.close(None);
        self.pool.close()
    }

    /// Waits for those that run; says which still do: the task of each, if it has one.
    pub(crate) fn join(&self, deadline: Option<Instant>) -> Vec<Option<Id>> {
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        self.pool.join(timeout).running.iter().map(|running| running.id.map(Id::from_nonzero)).collect()
    }

    /// No more spawns: cells live on until the last handle, waker, or running closure lets go.
    pub(crate) fn retire(self: &Arc<Self>) {
        self.arena.retire(Arc::clone(self));
    }
}

impl<P: Threads> Schedule for BlockingTasks<P> {
    /// Nobody has a cache.
    type Here = Infallible;

    fn cache(here: &Infallible) -> &Cache {
        match *here {}
    }

    fn schedule_joiner(here: &Infallible, _: Notified<Self>) {
        match *here {}
    }

    fn schedule(&self, task: Notified<Self>) {
        let id = task.id();
        let queued = Queued(Some(task));
        self.pool.submit(Job::new(move || queued.run()).with_id(id.as_nonzero()));
    }

    fn arena(&self) -> &Arena<Self> {
        &self.arena
    }

    fn with_cache<R>(&self, f: impl FnOnce(Option<&Cache>) -> R) -> R {
        f(None)
    }
}

/// A task on its way to a thread of the pool; cancelled if it never gets there.
struct Queued<P: Threads>(Option<Notified<BlockingTasks<P>>>);

impl<P: Threads> Queued<P> {
    fn run(mut self) {
        if let Some(task) = self.0.take() {
            let ran = task::running(|say| {
                say(task.id_number());
                task.run(&Polled::new(), None)
            });
            match ran {
                Ran::Done => {}
                // Its future is never pending.
                Ran::Idle | Ran::Again(_) => unreachable!("a closure is run once"),
            }
        }
    }
}

impl<P: Threads> Drop for Queued<P> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.cancel();
        }
    }
}

/// A closure as a future that is ready at its first poll.
struct RunOnce<F>(Option<F>);

impl<F> Unpin for RunOnce<F> {}

impl<F: FnOnce() -> R, R> Future for RunOnce<F> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, _: &mut Cx<'_>) -> Poll<R> {
        let f = self.0.take().expect("a completed future is not polled again");
        Poll::Ready(f())
    }
}
