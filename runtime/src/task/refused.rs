//! A task that was never spawned: its scheduler had closed. Its handle resolves cancelled.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use super::abort::AbortHandle;
use super::error::JoinError;
use super::face::Face;
use super::header::{Body, Header, RawTask, Vtable};
use super::id::Id;
use super::join::JoinHandle;
use super::label::Label;
use super::notified::{Here, Polled, Step};
use super::quiet::quietly;
use crate::primitives::UnsafeCell;

/// Owned by the handles alone; it knows no arena and no scheduler.
#[repr(C)]
struct Refused<T> {
    header: Header,
    output: UnsafeCell<Option<Result<T, JoinError>>>,
}

impl<T> Refused<T> {
    const VTABLE: &'static Vtable = &Vtable {
        run,
        schedule,
        wake: |_| unreachable!("a refused task is never polled, so it has no waker"),
        take_output: take_output::<T>,
        drop_output: drop_output::<T>,
        release: release::<T>,
        behind: None,
    };

    /// A task that is complete, with one reference, and interest in an output.
    fn boxed(id: Id, label: Label, output: Option<Result<T, JoinError>>) -> RawTask {
        let refused = Box::new(Refused {
            header: Header {
                face: Face::born_complete(id, label),
                body: Body::new(Refused::<T>::VTABLE, std::ptr::null()),
            },
            output: UnsafeCell::new(output),
        });
        let header = NonNull::from(Box::leak(refused)).cast::<Header>();
        // SAFETY: the header is the first field of a box, whose only reference the caller gets.
        unsafe { RawTask::new(header) }
    }
}

/// Drops `future` and makes the handle of a task that was cancelled before it began.
#[cold]
pub(crate) fn refuse<F, T>(id: Id, label: Label, future: F) -> JoinHandle<T> {
    // Who spawns uses the context that he is in, whatever the destructor does.
    let dropped = reactor_hook::with_frame(|_kept| catch_unwind(AssertUnwindSafe(|| drop(future))));
    let error = match dropped {
        Ok(()) => JoinError::cancelled(id),
        Err(panic) => JoinError::panic(id, panic),
    };
    let task = Refused::<T>::boxed(id, label, Some(Err(error)));
    // SAFETY: born with one reference and JOIN_INTEREST, and the output is a `T`'s.
    unsafe { JoinHandle::new(task, id) }
}

/// For the abort handle of a task whose handle has given the task up with the output: it has an identifier, and is finished.
#[cold]
#[track_caller]
pub(super) fn over(id: Id) -> AbortHandle {
    let task = Refused::<()>::boxed(id, Label::caller(), None);
    // SAFETY: born with one reference.
    unsafe { AbortHandle::new(task) }
}

unsafe fn run(_: RawTask, _: &Polled, _: Here<'_>) -> Step {
    unreachable!("a refused task is complete, nobody has its Notified")
}

unsafe fn schedule(_: RawTask) {
    unreachable!("a refused task is complete, nobody has its Notified")
}

/// # Safety
///
/// The caller is the handle.
unsafe fn output<'a, T>(task: RawTask) -> &'a UnsafeCell<Option<Result<T, JoinError>>> {
    let refused = task.as_ptr().cast::<Refused<T>>();
    // SAFETY: the type is the vtable's.
    unsafe { &(*refused.as_ptr()).output }
}

unsafe fn take_output<T>(task: RawTask, to: *mut ()) {
    // SAFETY: the caller is the handle.
    let output = unsafe { output::<T>(task) };
    // SAFETY: only the handle touches the output.
    match output.with_mut(|output| unsafe { (*output).take() }) {
        // SAFETY: the caller gave the address of a `Result<T, JoinError>` to be written.
        Some(result) => unsafe { to.cast::<Result<T, JoinError>>().write(result) },
        None => unreachable!("the handle takes its output once"),
    }
    task.unref();
}

unsafe fn drop_output<T>(task: RawTask) {
    // SAFETY: the caller is the handle.
    let output = unsafe { output::<T>(task) };
    // SAFETY: only the handle touches the output.
    let result = output.with_mut(|output| unsafe { (*output).take() });
    quietly(|| drop(result));
}

unsafe fn release<T>(task: RawTask) {
    let refused = task.as_ptr().cast::<Refused<T>>();
    // SAFETY: made by `Box`, and the last reference is gone.
    drop(unsafe { Box::from_raw(refused.as_ptr()) });
}
