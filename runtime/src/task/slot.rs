//! The join slot: where the handle leaves the waker of whoever awaits it.
//!
//! `JOIN_WAKER` and `COMPLETE` in the state word say whose it is; the README has the table.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::task::Waker;

use crate::primitives::UnsafeCell;

pub(super) struct JoinSlot(UnsafeCell<MaybeUninit<Waker>>);

impl JoinSlot {
    #[inline]
    pub(super) fn new() -> Self {
        JoinSlot(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// # Safety
    ///
    /// The caller is the handle, `JOIN_WAKER` is clear, and the slot is empty.
    pub(super) unsafe fn put(&self, waker: Waker) {
        // SAFETY: without `JOIN_WAKER` the slot is the handle's alone.
        self.0.with_mut(|slot| unsafe { slot.cast::<Waker>().write(waker) });
    }

    /// # Safety
    ///
    /// The caller is the handle, `JOIN_WAKER` is clear, and the slot holds a waker.
    pub(super) unsafe fn take(&self) -> Waker {
        // SAFETY: without `JOIN_WAKER` the slot is the handle's alone; it is empty afterwards.
        self.0.with_mut(|slot| unsafe { slot.cast::<Waker>().read() })
    }

    /// Compares, perhaps while the owner is in `take_shared`: that too only reads. The waker's data is not followed.
    ///
    /// # Safety
    ///
    /// The caller is the handle, and `JOIN_WAKER` is set.
    pub(super) unsafe fn will_wake(&self, waker: &Waker) -> bool {
        // SAFETY: only the handle clears `JOIN_WAKER`, so a waker's bits stay in the slot.
        self.0.with(|slot| unsafe { &*slot.cast::<Waker>() }.will_wake(waker))
    }

    /// Takes the waker by reading it, perhaps while the handle is in `will_wake`.
    ///
    /// # Safety
    ///
    /// The caller completed the task, finding `JOIN_WAKER` set; it calls this once.
    pub(super) unsafe fn take_shared(&self) -> Waker {
        // SAFETY: the slot holds a waker, and nobody writes it after `COMPLETE`.
        self.0.with(|slot| unsafe { slot.cast::<Waker>().read() })
    }

    /// Tells a model that the memory is used for something else from here on.
    pub(super) fn overwrite(&self) {
        self.0.with_mut(|_| ());
    }
}
