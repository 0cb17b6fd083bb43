//! How a task begins.
#![allow(unsafe_code)]

use std::future::Future;
use std::ptr::NonNull;

use super::arena::{Cache, Home};
use super::cell::Cell;
use super::header::{Header, RawTask, Vtable};
use super::id::Id;
use super::join::JoinHandle;
use super::label::Label;
use super::notified::Notified;
use super::refused::refuse;
use super::schedule::Schedule;
use super::timed;
use crate::primitives::Arc;

/// Makes a task of `future`. The caller queues the Notified, while it still has `owner`.
///
/// With a `cache`, which must be that of the calling thread for this `owner`, no lock and no atomic
/// read-modify-write is needed. Without one the arena is locked, and the future moved in under its lock; so must it be where the
/// owner [times polls](Schedule::times_polls).
///
/// `None` in the place of the Notified: the scheduler has closed. The future has been dropped and the handle resolves
/// cancelled.
#[inline]
pub(crate) fn spawn<F, S>(
    owner: &Arc<S>,
    cache: Option<&Cache>,
    id: Id,
    label: Label,
    future: F,
) -> (Option<Notified<S>>, JoinHandle<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
    S: Schedule,
{
    // SAFETY: the future and its output are `Send`.
    unsafe { spawn_unchecked(owner, cache, id, label, future) }
}

/// As [`spawn`], for a future that need not be `Send`.
///
/// # Safety
///
/// The future may be polled and dropped by whatever thread runs or cancels tasks of `owner`, and by the one that closes its
/// arena. (Its output may be made and dropped there; else it goes where the handle goes, which is `Send` only if it is.)
#[inline]
pub(crate) unsafe fn spawn_unchecked<F, S>(
    owner: &Arc<S>,
    cache: Option<&Cache>,
    id: Id,
    label: Label,
    future: F,
) -> (Option<Notified<S>>, JoinHandle<F::Output>)
where
    F: Future + 'static,
    F::Output: 'static,
    S: Schedule,
{
    let (Home::Class(class), Some(cache)) = (const { Cell::<F, S>::HOME }, cache) else {
        // SAFETY: passed on.
        return unsafe { spawn_locked(owner, id, label, future) };
    };
    let Some(memory) = cache.take(class).or_else(|| owner.arena().refill(cache, class)) else {
        return (None, refuse(id, label, future));
    };
    // SAFETY: a free cell of the type's class, just taken; the rest is passed on.
    unsafe { begin(memory, const { Cell::<F, S>::VTABLE }, owner, id, label, future) }
}

/// # Safety
///
/// As for `Cell::init` and `spawn_unchecked`.
#[inline]
unsafe fn begin<F, S>(
    memory: NonNull<Header>,
    vtable: &'static Vtable,
    owner: &Arc<S>,
    id: Id,
    label: Label,
    future: F,
) -> (Option<Notified<S>>, JoinHandle<F::Output>)
where
    F: Future + 'static,
    F::Output: 'static,
    S: Schedule,
{
    // SAFETY: passed on.
    let task: RawTask = unsafe { Cell::<F, S>::init(memory, vtable, Arc::as_ptr(owner), id, label, future) };
    // SAFETY: born OWNED: this is its Notified.
    let notified = unsafe { Notified::new(task) };
    // SAFETY: born with a reference and JOIN_INTEREST for its handle.
    let handle = unsafe { JoinHandle::new(task, id) };
    (Some(notified), handle)
}

/// # Safety
///
/// As for `spawn_unchecked`.
unsafe fn spawn_locked<F, S>(
    owner: &Arc<S>,
    id: Id,
    label: Label,
    future: F,
) -> (Option<Notified<S>>, JoinHandle<F::Output>)
where
    F: Future + 'static,
    F::Output: 'static,
    S: Schedule,
{
    let Some(mut outside) = owner.arena().open() else {
        return (None, refuse(id, label, future));
    };
    let memory = outside.take(owner.arena(), const { Cell::<F, S>::HOME });
    let mut vtable = const { Cell::<F, S>::VTABLE };
    if owner.times_polls() {
        vtable = timed::begin(id, vtable);
    }
    // Under the lock: whoever closes the arena afterwards finds the task. No user code runs in between.
    // SAFETY: a free cell of the type's home, just taken; the rest is passed on.
    let spawned = unsafe { begin(memory, vtable, owner, id, label, future) };
    drop(outside);
    spawned
}
