//! What a task needs of its scheduler.
use super::arena::{Arena, Cache};
use super::id::Id;
use super::notified::Notified;

/// A scheduler, as its tasks see it.
pub(crate) trait Schedule: Send + Sync + Sized + 'static {
    /// What a thread that runs tasks of this scheduler, and keeps it meanwhile, has in its hands. It goes down with the poll, so that
    /// what ends there need not ask where this is.
    type Here;

    /// The thread's cell cache.
    fn cache(here: &Self::Here) -> &Cache;

    /// As `schedule`, for the task that awaited the one which has just completed on this thread. It may not panic.
    fn schedule_joiner(here: &Self::Here, joiner: Notified<Self>);

    /// Queues a task that a wake or an abort has made runnable. Called from any thread, inside of anybody's waker;
    /// it may not run the task.
    fn schedule(&self, task: Notified<Self>);

    /// Where this scheduler's cells come from.
    fn arena(&self) -> &Arena<Self>;

    /// The calling thread's cell cache, if it is one of this scheduler's workers: one that keeps the scheduler
    /// alive until it has left. After it has left, and after the arena has retired, the answer is `None`. Nothing of the
    /// users' runs in `f`, nor in the `take` of `schedule_here`.
    fn with_cache<R>(&self, f: impl FnOnce(Option<&Cache>) -> R) -> R;

    /// On one of this scheduler's workers, as `with_cache` has it: queues the task that `take` gives out, if any. Elsewhere `take` is
    /// not called, and the answer is false.
    #[inline]
    fn schedule_here(&self, take: impl FnOnce() -> Option<Notified<Self>>) -> bool {
        let on_worker = self.with_cache(|cache| cache.is_some());
        if on_worker && let Some(task) = take() {
            self.schedule(task);
        }
        on_worker
    }

    /// Whether the polls of this scheduler's tasks are counted and timed. Then all are spawned without a cache: only there is it
    /// asked.
    fn times_polls(&self) -> bool {
        false
    }

    /// A task panicked, in its poll or in its future's drop. Called by the thread that ran it, before the handle
    /// sees the panic.
    fn unhandled_panic(&self, _id: Id) {}

    /// [`Arena::is_untidy`] has become true by a thread that is no worker. Called under no lock, by one whose cell still counts as
    /// taken. It may call code of the users', whose panic nobody is told of.
    fn untidy(&self) {}
}
