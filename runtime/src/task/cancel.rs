//! Cancelling a task and knowing that it is over.
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::JoinError;
use super::id::Id;
use super::join::JoinHandle;

impl<T> JoinHandle<T> {
    /// Aborts the task, at once. The answer is a future that resolves when the task is over: its future has been dropped,
    /// with all that it held. A task that had finished gives its output.
    ///
    /// ```
    /// # runtime::Runtime::new().block_on(async {
    /// let (held, given_back) = std::sync::mpsc::channel::<()>();
    /// let task = runtime::spawn(async move {
    ///     let _held = held;
    ///     std::future::pending::<()>().await;
    /// });
    /// assert!(task.cancel().await.unwrap_err().is_cancelled());
    /// assert!(given_back.try_recv().is_err_and(|error| error == std::sync::mpsc::TryRecvError::Disconnected));
    ///
    /// let task = runtime::spawn(async { 6 * 7 });
    /// while !task.is_finished() {
    ///     runtime::task::yield_now().await;
    /// }
    /// assert_eq!(task.cancel().await.unwrap(), 42);
    /// # });
    /// ```
    ///
    /// It may be awaited anywhere: in another runtime, under an executor that is none of ours, after the task's runtime
    /// has been shut down. A task of a runtime that nobody drives (all of its threads are those that call `block_on`)
    /// is over when somebody does.
    ///
    /// # A task that cancels itself
    ///
    /// ends where it awaits the answer: its future, this one included, is dropped there, as at any other `await` after
    /// an abort. Two tasks that cancel each other both end so. A closure of
    /// [`spawn_blocking`](crate::task::spawn_blocking) that has started is not interrupted, and runs to its end; if it
    /// blocks on the answer of its own handle it waits for itself, as a thread that joins itself does.
    ///
    /// # Errors
    ///
    /// A [`JoinError`] that [is cancelled](JoinError::is_cancelled) if the task had not finished; one that
    /// [is a panic](JoinError::is_panic) if it had panicked, or if its future does so while it is dropped.
    pub fn cancel(self) -> Cancel<T> {
        self.abort();
        Cancel { task: self }
    }
}

/// Resolves when a task that was asked to stop is over; made by [`JoinHandle::cancel`].
///
/// # Panics
///
/// When polled again after it has resolved.
///
/// # Cancel safety
///
/// Polling `&mut cancel` may be given up and taken up again. Dropping it detaches the task, which has been aborted all the
/// same: it ends soon, and nobody is told.
#[must_use = "the task is aborted already; await this to know that it is over, or call `abort` to leave it at that"]
pub struct Cancel<T> {
    task: JoinHandle<T>,
}

impl<T> Cancel<T> {
    /// Whether the task is over; awaiting this is then immediate.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Which task it is.
    pub fn id(&self) -> Id {
        self.task.id()
    }
}

impl<T> Future for Cancel<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl<T> fmt::Debug for Cancel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("id", &self.id()).field("is_finished", &self.is_finished()).finish()
    }
}
