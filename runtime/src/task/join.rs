//! The handle to a task's output.
#![allow(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use super::abort::{self, AbortHandle};
use super::error::JoinError;
use super::header::RawTask;
use super::id::Id;
use super::quiet::quietly;
use super::refused;
use super::state::{Detach, IsComplete, Snapshot};
use super::waker;

/// The right to a task's output: a future that resolves when the task is complete.
///
/// Dropping it *detaches* the task, which goes on running. To stop it, [`abort`](Self::abort) it.
///
/// ```
/// async fn sum(first: runtime::task::JoinHandle<u32>, second: runtime::task::JoinHandle<u32>) -> u32 {
///     first.await.unwrap() + second.await.unwrap()
/// }
/// ```
///
/// # Errors
///
/// It resolves with a [`JoinError`] if the task panicked, was aborted, or was dropped with its runtime.
///
/// # Panics
///
/// When polled again after it has resolved.
///
/// # Cancel safety
///
/// Polling `&mut handle` may be given up and taken up again; nothing is lost.
pub struct JoinHandle<T> {
    /// `None` when the output has been given out, and the reference with it.
    task: Option<RawTask>,
    id: Id,
    output: PhantomData<T>,
}

// SAFETY: the output is moved to, or dropped on, the handle's thread; the rest is as in `AbortHandle`.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: a shared handle gives no access to the output.
unsafe impl<T: Send> Sync for JoinHandle<T> {}
impl<T> Unpin for JoinHandle<T> {}
impl<T> std::panic::UnwindSafe for JoinHandle<T> {}
impl<T> std::panic::RefUnwindSafe for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety
    ///
    /// The caller holds a reference on `task` and its `JOIN_INTEREST`, passes both on, and `T` is its output.
    #[inline]
    pub(super) unsafe fn new(task: RawTask, id: Id) -> Self {
        JoinHandle { task: Some(task), id, output: PhantomData }
    }

    /// Asks the task to stop: its future is dropped before it would be polled the next time, and this handle resolves
    /// with a cancelled [`JoinError`]. A task that is complete keeps its output.
    ///
    /// ```
    /// async fn give_up<T>(handle: runtime::task::JoinHandle<T>) -> Option<T> {
    ///     handle.abort();
    ///     handle.await.ok()
    /// }
    /// ```
    pub fn abort(&self) {
        if let Some(task) = self.task {
            abort::abort(task);
        }
    }

    /// A handle that can abort the task and can be cloned.
    pub fn abort_handle(&self) -> AbortHandle {
        let Some(task) = self.task else {
            return refused::over(self.id);
        };
        task.state().ref_inc();
        // SAFETY: the reference has just been made.
        unsafe { AbortHandle::new(task) }
    }

    /// Whether the task has completed or has been cancelled; awaiting the handle is then immediate.
    pub fn is_finished(&self) -> bool {
        self.task.is_none_or(|task| task.state().is_complete())
    }

    /// Which task it is.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The task is complete: moves the output out, and gives the task up.
    #[inline]
    fn take(&mut self, task: RawTask) -> Result<T, JoinError> {
        self.task = None;
        let mut output = MaybeUninit::<Result<T, JoinError>>::uninit();
        // SAFETY: COMPLETE was seen, the output is this handle's, of this type, and has not been taken; nor has the reference.
        unsafe { (task.vtable().take_output)(task, output.as_mut_ptr().cast()) };
        // SAFETY: written by the line above.
        unsafe { output.assume_init() }
    }

    #[cold]
    fn drop_slow(task: RawTask) {
        match task.state().detach() {
            Detach::Done => return,
            Detach::DropWaker => {
                // SAFETY: the transition cleared JOIN_WAKER and left us the waker.
                let waker = unsafe { task.join_waker().take() };
                quietly(|| drop(waker));
            }
            Detach::DropOutput => {
                // SAFETY: COMPLETE was seen and the handle goes: the output is ours to drop. Panics are swallowed there.
                unsafe { (task.vtable().drop_output)(task) }
            }
        }
        task.unref();
    }
}

#[cold]
fn polled_again(id: Id) -> ! {
    panic!(
        "JoinHandle of task {id} polled after it resolved\n\
         help: a handle gives its output once; keep it, or share it through a channel\n\
         help: in a `select!` loop, guard the branch or use `JoinSet`"
    );
}

/// Leaves `waker` in the join slot; wakes it when the task is complete by now. Out of line: it is the same for all outputs, and nothing
/// is left to be done afterwards.
///
/// # Safety
///
/// The caller is the handle of `task`, and has just seen `now`, which was not complete.
#[inline(never)]
unsafe fn register(task: RawTask, now: Snapshot, waker: &Waker) {
    if now.has_join_waker() {
        // SAFETY: passed on.
        return unsafe { register_again(task, waker) };
    }
    match waker::cloned_task(waker) {
        // SAFETY: passed on.
        Some(new) => unsafe { put(task, now, new) },
        // SAFETY: passed on.
        None => unsafe { register_foreign(task, now, waker) },
    }
}

/// As `register`, for a waker that is no task's own: its functions are the users', and may panic. The slot is not touched yet.
///
/// # Safety
///
/// As for `register`; `JOIN_WAKER` is clear.
#[inline(never)]
unsafe fn register_foreign(task: RawTask, now: Snapshot, waker: &Waker) {
    // SAFETY: passed on.
    unsafe { put(task, now, waker.clone()) }
}

/// # Safety
///
/// As for `register`; `JOIN_WAKER` is clear, and the slot empty.
#[inline]
unsafe fn put(task: RawTask, now: Snapshot, waker: Waker) {
    // SAFETY: promise of the caller.
    unsafe { task.join_waker().put(waker) };
    if let Err(IsComplete) = task.state().set_join_waker(now) {
        // SAFETY: JOIN_WAKER was not set, and the slot holds what was just put in.
        unsafe { take_back(task) }
    }
}

/// # Safety
///
/// The caller is the handle of `task`; the slot holds a waker, and `JOIN_WAKER` is clear.
#[cold]
#[inline(never)]
unsafe fn take_back(task: RawTask) {
    // SAFETY: promise of the caller.
    unsafe { task.join_waker().take() }.wake();
}

/// As `register`, where a waker is in the slot.
///
/// # Safety
///
/// The caller is the handle of `task`, and `JOIN_WAKER` is set.
#[inline(never)]
unsafe fn register_again(task: RawTask, waker: &Waker) {
    let slot = task.join_waker();
    // SAFETY: we are the handle, and JOIN_WAKER is set.
    if unsafe { slot.will_wake(waker) } {
        return;
    }
    let Ok(now) = task.state().unset_join_waker() else {
        return waker.wake_by_ref();
    };
    // SAFETY: JOIN_WAKER has just been cleared by us.
    let former = unsafe { slot.take() };
    // Its drop may panic; the slot is in order by now.
    drop(former);
    // SAFETY: passed on; JOIN_WAKER is clear.
    unsafe { register(task, now, waker) }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(task) = self.task else {
            polled_again(self.id);
        };
        let now = task.state().observe();
        if !now.is_complete() {
            // SAFETY: this is the handle, and has just looked.
            unsafe { register(task, now, cx.waker()) };
            return Poll::Pending;
        }
        // Only an output is an operation.
        ready!(reactor_hook::budget::poll_proceed(cx)).made_progress();
        Poll::Ready(self.take(task))
    }
}

impl<T> Drop for JoinHandle<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(task) = self.task
            && !task.state().detach_fast()
        {
            Self::drop_slow(task);
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("id", &self.id())
            .field("is_finished", &self.is_finished())
            .finish()
    }
}
