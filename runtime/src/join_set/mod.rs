//! `JoinSet`: tasks that are awaited together, in the order of their completion.
mod builder;
mod ready;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use crate::handle::Handle;
use crate::large::unless_large;
use crate::local_set::{LocalSet, spawn_local};
use crate::task::{AbortHandle, Id, JoinError, JoinHandle};
pub use builder::Builder;
use ready::ReadySet;

/// Tasks that are awaited together: each is returned when it completes, whichever is first.
///
/// Dropping the set aborts all of its tasks. Waiting costs the tasks that have completed, not those that have not.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// let mut set = runtime::task::JoinSet::new();
/// for number in 0..10 {
///     set.spawn(async move { number * number });
/// }
/// let mut sum = 0;
/// while let Some(square) = set.join_next().await {
///     sum += square.unwrap();
/// }
/// assert_eq!(sum, 285);
/// # });
/// ```
pub struct JoinSet<T> {
    tasks: ReadySet<JoinHandle<T>>,
}

impl<T> JoinSet<T> {
    /// An empty set. Does not allocate a place for tasks yet.
    pub fn new() -> JoinSet<T> {
        JoinSet { tasks: ReadySet::new() }
    }

    /// How many tasks are in the set: those that run, and those that have completed and were not returned yet.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether no task is in the set.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

impl<T: 'static> JoinSet<T> {
    /// Spawns a task into the set, on the runtime that this thread is in.
    ///
    /// # Panics
    ///
    /// Outside of a runtime's context; [`spawn_on`](Self::spawn_on) works anywhere.
    #[track_caller]
    pub fn spawn<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        unless_large!(task: F => self.insert(crate::spawn(task)))
    }

    /// Spawns a task into the set, on this runtime.
    ///
    /// ```
    /// let runtime = runtime::Runtime::new();
    /// let mut set = runtime::task::JoinSet::new();
    /// set.spawn_on(async { 3 }, runtime.handle());
    /// assert_eq!(runtime.block_on(set.join_all()), [3]);
    /// ```
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        unless_large!(task: F => self.insert(handle.spawn(task)))
    }

    /// Spawns a closure that may block into the set, on the blocking pool of the runtime that this thread is in. A
    /// closure that has started is not interrupted by aborting it.
    ///
    /// # Panics
    ///
    /// Outside of a runtime's context; [`spawn_blocking_on`](Self::spawn_blocking_on) works anywhere.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(crate::spawn_blocking(f))
    }

    /// Spawns a closure that may block into the set, on the blocking pool of this runtime.
    ///
    /// ```
    /// let runtime = runtime::Runtime::new();
    /// let mut set = runtime::task::JoinSet::new();
    /// set.spawn_blocking_on(|| std::fs::metadata("/").is_ok(), runtime.handle());
    /// assert_eq!(runtime.block_on(set.join_all()), [true]);
    /// ```
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, f: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn_blocking(f))
    }

    /// Spawns a task that need not be `Send` into the set, to run on this thread: as by
    /// [`spawn_local`](crate::task::spawn_local).
    ///
    /// # Panics
    ///
    /// Where no set of local tasks runs; [`spawn_local_on`](Self::spawn_local_on) names one.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        unless_large!(task: F => self.insert(spawn_local(task)))
    }

    /// Spawns a task that need not be `Send` into the set, to run with these local tasks.
    ///
    /// ```
    /// let local = runtime::task::LocalSet::new();
    /// let mut set = runtime::task::JoinSet::new();
    /// set.spawn_local_on(async { std::rc::Rc::new(3) }, &local);
    /// assert_eq!(runtime::block_on(local.run_until(set.join_all())), [3.into()]);
    /// ```
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, task: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        unless_large!(task: F => self.insert(local_set.spawn_local(task)))
    }

    /// Spawns a task with a name into the set.
    ///
    /// ```
    /// # runtime::Runtime::new().block_on(async {
    /// let mut set = runtime::task::JoinSet::new();
    /// set.build_task().name("adder").spawn(async { 1 + 1 })?;
    /// assert_eq!(set.join_all().await, [2]);
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn build_task(&mut self) -> Builder<'_, T> {
        Builder::new(self)
    }

    fn insert(&mut self, task: JoinHandle<T>) -> AbortHandle {
        let abort = task.abort_handle();
        self.adopt(task);
        abort
    }

    /// Takes a task that was spawned before into the set.
    pub(crate) fn adopt(&mut self, task: JoinHandle<T>) {
        self.tasks.insert(task);
    }

    /// Waits until one of the tasks completes and returns its output; `None` when the set is empty.
    ///
    /// # Errors
    ///
    /// The task panicked or was aborted; it has left the set.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no output is lost when this is dropped before it resolves.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|cx| self.poll_join_next(cx)).await
    }

    /// As [`join_next`](Self::join_next), with the id of the task that completed. That of a task which failed is
    /// [`JoinError::id`].
    ///
    /// # Errors
    ///
    /// The task panicked or was aborted; it has left the set.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no output is lost when this is dropped before it resolves.
    pub async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        poll_fn(|cx| self.poll_join_next_with_id(cx)).await
    }

    /// The output of a task that has completed; `None` when there is none at the moment.
    ///
    /// ```
    /// let mut set = runtime::task::JoinSet::<u8>::new();
    /// assert!(set.try_join_next().is_none());
    /// ```
    ///
    /// # Errors
    ///
    /// The task panicked or was aborted; it has left the set.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.tasks.try_next().map(|(_, result)| result)
    }

    /// As [`try_join_next`](Self::try_join_next), with the id of the task.
    ///
    /// # Errors
    ///
    /// The task panicked or was aborted; it has left the set.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        self.tasks.try_next().map(with_id)
    }

    /// Aborts all tasks and waits until they have stopped. What they returned or panicked with is dropped.
    ///
    /// ```
    /// # runtime::Runtime::new().block_on(async {
    /// let mut set = runtime::task::JoinSet::new();
    /// set.spawn(std::future::pending::<()>());
    /// set.shutdown().await;
    /// assert!(set.is_empty());
    /// # });
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the tasks are aborted all the same; those left are in the set.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
    }

    /// Waits for all tasks and returns their outputs in the order of completion.
    ///
    /// # Panics
    ///
    /// With the panic of the first task that panicked, or when one was aborted. The others are then aborted.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropped before it resolves, it aborts the tasks that are left, and loses the outputs of the
    /// others.
    pub async fn join_all(mut self) -> Vec<T> {
        let mut outputs = Vec::with_capacity(self.len());
        while let Some(result) = self.join_next().await {
            match result {
                Ok(output) => outputs.push(output),
                Err(error) => match error.try_into_panic() {
                    Ok(payload) => std::panic::resume_unwind(payload),
                    Err(error) => panic!(
                        "JoinSet::join_all: {error}\n  help: nobody may abort a task of the set meanwhile\n  \
                         help: `join_next` gives each task's own result"
                    ),
                },
            }
        }
        outputs
    }

    /// Asks all tasks to stop. They stay in the set, until [`join_next`](Self::join_next) has returned each of them.
    pub fn abort_all(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }

    /// Takes all tasks out of the set, and lets them run on.
    pub fn detach_all(&mut self) {
        self.tasks.clear();
    }

    /// Polls for the next task to complete; `Ready(None)` when the set is empty. `Pending` may also mean that the
    /// budget of the calling task is used up; it is then woken at once.
    ///
    /// # Errors
    ///
    /// The task panicked or was aborted; it has left the set.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        Poll::Ready(ready!(self.tasks.poll_next(cx)).map(|(_, result)| result))
    }

    /// As [`poll_join_next`](Self::poll_join_next), with the id of the task.
    ///
    /// # Errors
    ///
    /// The task panicked or was aborted; it has left the set.
    pub fn poll_join_next_with_id(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(Id, T), JoinError>>> {
        Poll::Ready(ready!(self.tasks.poll_next(cx)).map(with_id))
    }
}

fn with_id<T>((task, result): (JoinHandle<T>, Result<T, JoinError>)) -> Result<(Id, T), JoinError> {
    result.map(|output| (task.id(), output))
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        JoinSet::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}

/// Spawns each of the futures on the runtime that this thread is in; panics outside of one. Tasks that are made by
/// [`Iterator::collect`] have a place in the standard library as theirs; with `JoinSet::from_iter` they have the caller's.
impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut set = JoinSet::new();
        for future in futures {
            set.spawn(future);
        }
        set
    }
}
