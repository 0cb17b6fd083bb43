//! What anybody may read of any cell, also while it is free or goes from one task to the next: the word, and which task it
//! is. README, "Reading tasks that one does not hold".
#![allow(unsafe_code)]

use super::id::Id;
use super::label::Label;
use super::state::{Snapshot, State};
use crate::primitives::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::primitives::atomic::{AtomicPtr, AtomicU64};

/// The front of the header. Written by spawns only, but for the word.
#[repr(C)]
pub(super) struct Face {
    pub(super) state: State,
    /// Of the present task, or of the last; zero before the first.
    id: AtomicU64,
    /// Null before the first task.
    label: AtomicPtr<()>,
}

/// A task as it was at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) id: Id,
    pub(crate) label: Label,
    word: Snapshot,
}

impl Sight {
    /// It is queued, or being polled.
    pub(crate) fn is_owned(self) -> bool {
        self.word.is_owned()
    }

    pub(crate) fn is_cancelled(self) -> bool {
        self.word.is_cancelled()
    }
}

impl Face {
    /// That of a cell that no task has been in.
    pub(super) fn free() -> Face {
        Face { state: State::free(), id: AtomicU64::new(0), label: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// That of a cell outside of any arena.
    pub(super) fn born_complete(id: Id, label: Label) -> Face {
        Face {
            state: State::born_complete(),
            id: AtomicU64::new(id.as_nonzero().get()),
            label: AtomicPtr::new(label.as_ptr()),
        }
    }

    /// Which task the cell is about to be. The word is a free one; it is published next.
    #[inline]
    pub(super) fn name(&self, id: Id, label: Label) {
        // Ordering: Release pairs with the Acquire of `look`: who sees this identifier sees that the former task's word is
        // gone.
        self.id.store(id.as_nonzero().get(), Release);
        // Ordering: Release pairs with the Acquire of `look`: who sees this label sees this identifier.
        self.label.store(label.as_ptr(), Release);
    }

    /// For who holds the task.
    #[inline]
    pub(super) fn id(&self) -> Id {
        Id::from_number(self.id_number())
    }

    /// As `id`.
    #[inline]
    pub(super) fn id_number(&self) -> u64 {
        // Relaxed: written before the task was published.
        self.id.load(Relaxed)
    }

    /// For who holds the task.
    #[inline]
    pub(super) fn label(&self) -> Label {
        // SAFETY: written before the task was published, from such a value. Relaxed: as above.
        unsafe { Label::from_ptr(self.label.load(Relaxed)) }
    }

    /// For anybody: the task that is in the cell and not complete. `None`, too, when it goes meanwhile.
    pub(super) fn look(&self) -> Option<Sight> {
        // Ordering: Acquire pairs with the Release of `name`: the word that is read next is this task's, or zero, or that
        // of a task after it.
        let id = self.id.load(Acquire);
        let word = self.state.observe();
        if !word.is_live() {
            return None;
        }
        // Ordering: Acquire pairs with the Release of `name`: if this is a later task's, so is the identifier read next.
        let label = self.label.load(Acquire);
        // Relaxed: the loads above come first.
        if self.id.load(Relaxed) != id {
            return None;
        }
        // SAFETY: the word was live, so it was written before that was published.
        Some(Sight { id: Id::from_number(id), label: unsafe { Label::from_ptr(label) }, word })
    }
}
