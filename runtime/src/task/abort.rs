//! A handle that can abort a task, and nothing else.
#![allow(unsafe_code)]

use std::fmt;

use super::header::RawTask;
use super::id::Id;
use super::state::Wake;

/// Aborts a task from anywhere, without the right to its output. Got from
/// [`JoinHandle::abort_handle`](super::JoinHandle::abort_handle).
///
/// ```
/// async fn watchdog(task: runtime::task::AbortHandle) {
///     if !task.is_finished() {
///         task.abort();
///     }
/// }
/// ```
pub struct AbortHandle {
    task: RawTask,
}

// SAFETY: it reaches the state word, the id and the scheduler's `schedule`, all of them for any thread.
unsafe impl Send for AbortHandle {}
// SAFETY: as above.
unsafe impl Sync for AbortHandle {}
impl std::panic::UnwindSafe for AbortHandle {}
impl std::panic::RefUnwindSafe for AbortHandle {}

impl AbortHandle {
    /// # Safety
    ///
    /// The caller holds a reference on `task` and passes it on.
    pub(super) unsafe fn new(task: RawTask) -> Self {
        AbortHandle { task }
    }

    /// Asks the task to stop: its future is dropped before it would be polled the next time, and its handle resolves
    /// with a cancelled [`JoinError`](super::JoinError). A task that is complete keeps its output; one that completes
    /// in the poll that is under way completes.
    ///
    /// The future is dropped by the runtime, not here.
    pub fn abort(&self) {
        abort(self.task);
    }

    /// Whether the task has completed or has been cancelled. An aborted task is not finished before its future has
    /// been dropped.
    pub fn is_finished(&self) -> bool {
        self.task.state().is_complete()
    }

    /// Which task it is.
    pub fn id(&self) -> Id {
        self.task.id()
    }
}

/// The caller holds a reference.
pub(super) fn abort(task: RawTask) {
    match task.state().abort() {
        Wake::Nothing => {}
        Wake::Submit => {
            // SAFETY: the transition gave us the Notified, and we hold a reference.
            unsafe { (task.vtable().schedule)(task) }
        }
    }
}

impl Clone for AbortHandle {
    fn clone(&self) -> Self {
        self.task.state().ref_inc();
        AbortHandle { task: self.task }
    }
}

impl Drop for AbortHandle {
    fn drop(&mut self) {
        self.task.unref();
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id()).finish()
    }
}
