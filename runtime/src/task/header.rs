//! The front of a cell: what can be known of a task without knowing its future.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::face::Face;
use super::id::Id;
use super::label::Label;
use super::notified::{Here, Polled, Step};
use super::slot::JoinSlot;
use super::state::State;
use crate::primitives::atomic::AtomicPtr;

/// Type-free front of a cell. The face comes first: it stays readable while the cell is free.
#[repr(C)]
pub(crate) struct Header {
    pub(super) face: Face,
    pub(super) body: Body,
}

/// What a spawn writes before it publishes the word.
pub(super) struct Body {
    pub(super) vtable: &'static Vtable,
    /// The scheduler, borrowed: it outlives every cell (README, "The scheduler outlives every cell").
    pub(super) owner: *const (),
    /// For whoever holds the Notified: the next in a queue.
    pub(super) queue_next: AtomicPtr<Header>,
    /// The join slot; `JOIN_WAKER` says whether it holds something and whose it is.
    pub(super) join_waker: JoinSlot,
}

impl Body {
    #[inline]
    pub(super) fn new(vtable: &'static Vtable, owner: *const ()) -> Self {
        Body { vtable, owner, queue_next: AtomicPtr::new(std::ptr::null_mut()), join_waker: JoinSlot::new() }
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Header")
            .field("id", &self.face.id())
            .field("state", &self.face.state)
            .finish_non_exhaustive()
    }
}

/// What depends on the types of the future and of the scheduler.
pub(super) struct Vtable {
    /// Polls or cancels once. The caller has the Notified, and loses it. What is `Here` is of the task's scheduler.
    pub(super) run: unsafe fn(RawTask, &Polled, Here<'_>) -> Step,
    /// Hands the Notified, which the caller has, to the scheduler. The caller holds a reference besides.
    pub(super) schedule: unsafe fn(RawTask),
    /// Wakes, and drops the reference that the caller held.
    pub(super) wake: unsafe fn(RawTask),
    /// Moves the output of a complete task to the address, a `Result<T, JoinError>`, and drops the reference. Only the handle, last of
    /// all.
    pub(super) take_output: unsafe fn(RawTask, *mut ()),
    /// Drops the output of a complete task. Only the handle.
    pub(super) drop_output: unsafe fn(RawTask),
    /// Gives the cell back. The caller held the last reference.
    pub(super) release: unsafe fn(RawTask),
    /// That of the task's types, where this one stands before it (`timed.rs`).
    pub(super) behind: Option<&'static Vtable>,
}

/// A pointer to a cell, good for as long as whoever has it holds a reference or the Notified.
///
/// It is made with the provenance of the whole cell, so the vtable's functions may cast it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct RawTask(NonNull<Header>);

impl RawTask {
    /// # Safety
    ///
    /// `header` is the front of a cell that has been spawned into, with the provenance of the whole cell, and the
    /// value is not used after the reference or Notified that it stands for is gone. Of any other cell of an arena that
    /// is there only `face` and `state` are used.
    #[inline]
    pub(super) unsafe fn new(header: NonNull<Header>) -> Self {
        RawTask(header)
    }

    #[inline]
    pub(super) fn as_ptr(self) -> NonNull<Header> {
        self.0
    }

    /// Not tied to a lifetime: the caller's reference or Notified is what keeps it.
    #[inline]
    fn header<'a>(self) -> &'a Header {
        // SAFETY: the cell is live (promise of `new`), and a header is changed only through its interior.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    pub(super) fn state<'a>(self) -> &'a State {
        &self.face().state
    }

    #[inline]
    pub(super) fn face<'a>(self) -> &'a Face {
        // SAFETY: the face of a cell may be read always, of a free one too; no reference to the rest is made.
        unsafe { &(*self.0.as_ptr()).face }
    }

    #[inline]
    pub(super) fn vtable(self) -> &'static Vtable {
        self.header().body.vtable
    }

    #[inline]
    pub(super) fn owner(self) -> *const () {
        self.header().body.owner
    }

    #[inline]
    pub(super) fn id(self) -> Id {
        self.face().id()
    }

    #[inline]
    pub(super) fn label(self) -> Label {
        self.face().label()
    }

    #[inline]
    pub(super) fn join_waker<'a>(self) -> &'a JoinSlot {
        &self.header().body.join_waker
    }

    /// Drops one reference, and the cell with the last.
    #[inline]
    pub(super) fn unref(self) {
        if self.state().unref() {
            // SAFETY: it was the last reference.
            unsafe { (self.vtable().release)(self) }
        }
    }
}

/// The link of a queued task, for whoever holds its Notified.
///
/// # Safety
///
/// `header` came from [`Notified::into_raw`](super::Notified::into_raw) and has not become a Notified again; the
/// reference is not used after it has.
#[inline]
pub(crate) unsafe fn queue_next<'a>(header: NonNull<Header>) -> &'a AtomicPtr<Header> {
    // SAFETY: the caller holds the Notified, which keeps the cell.
    &unsafe { header.as_ref() }.body.queue_next
}
