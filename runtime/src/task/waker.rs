//! The waker of a task: a counted pointer to its cell.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::header::{Header, RawTask};
use super::state::Wake;

/// Whether the waker is a task's own, not one that wraps it.
#[inline]
pub(crate) fn is_task_waker(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &raw const VTABLE)
}

/// The task of a task's own waker. Good for as long as the waker's reference is.
#[inline]
pub(super) fn task_of(waker: &Waker) -> Option<RawTask> {
    // SAFETY: a waker of this table is made from a task's pointer, and alive.
    is_task_waker(waker).then(|| unsafe { task(waker.data()) })
}

/// A clone of a task's own waker, with no call.
#[inline]
pub(super) fn cloned_task(waker: &Waker) -> Option<Waker> {
    task_of(waker)?.state().ref_inc();
    // SAFETY: the functions of `VTABLE` keep the waker's contract for the task, whose reference was just made.
    Some(unsafe { Waker::new(waker.data(), waker.vtable()) })
}

/// One for all tasks, so that `will_wake` compares the cell alone.
static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// The waker lent to a poll: it holds no reference of its own, the executor's outlasts the poll.
pub(super) struct Lent(ManuallyDrop<Waker>);

impl Lent {
    /// # Safety
    ///
    /// The value is dropped before the caller gives up the Notified.
    #[inline]
    pub(super) unsafe fn new(task: RawTask) -> Self {
        // SAFETY: the functions of `VTABLE` keep the waker's contract for a pointer to a live cell, and a clone counts
        // for itself.
        Lent(ManuallyDrop::new(unsafe { Waker::new(task.as_ptr().as_ptr().cast(), &VTABLE) }))
    }
}

impl Deref for Lent {
    type Target = Waker;

    #[inline]
    fn deref(&self) -> &Waker {
        &self.0
    }
}

/// # Safety
///
/// `data` is the pointer of a waker that is alive.
#[inline]
unsafe fn task(data: *const ()) -> RawTask {
    // SAFETY: every waker is made from a `RawTask`'s pointer, which is not null.
    let header = unsafe { NonNull::new_unchecked(data.cast_mut().cast::<Header>()) };
    // SAFETY: the waker holds a reference, or is lent during a poll.
    unsafe { RawTask::new(header) }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: called through a live waker.
    let task = unsafe { task(data) };
    task.state().ref_inc();
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: called through a live waker, whose reference is ours now.
    let task = unsafe { task(data) };
    // SAFETY: the reference is given up.
    unsafe { (task.vtable().wake)(task) }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: called through a live waker.
    let task = unsafe { task(data) };
    match task.state().wake_by_ref() {
        Wake::Nothing => {}
        Wake::Submit => {
            // SAFETY: the transition gave us the Notified. The waker keeps its reference meanwhile: one lent to a poll
            // holds none, but then the task is owned and the answer is not `Submit`.
            unsafe { (task.vtable().schedule)(task) }
        }
    }
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: called through a live waker, whose reference is ours now.
    let task = unsafe { task(data) };
    task.unref();
}
