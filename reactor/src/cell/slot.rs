//! The place of one waker, as two atomic words: comparing needs no exclusion, writing and waking do.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::ptr;
use std::task::{RawWakerVTable, Waker};

use crate::sync::atomic::{AtomicPtr, Ordering};

/// The two words of a [`Waker`]. Who may do what is decided by the [word](super::word).
pub(crate) struct Slot {
    data: AtomicPtr<()>,
    vtable: AtomicPtr<RawWakerVTable>,
}

impl Slot {
    pub(crate) fn new() -> Slot {
        Slot { data: AtomicPtr::new(ptr::null_mut()), vtable: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Whether the stored waker wakes the same task. Another thread may be writing: then the answer means nothing and
    /// the word says so.
    #[inline]
    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        // Relaxed, both: the word was acquired before, and is what makes the answer count.
        self.data.load(Ordering::Relaxed) == waker.data().cast_mut()
            && ptr::eq(self.vtable.load(Ordering::Relaxed), waker.vtable())
    }

    /// Stores `waker` and forgets what was there. The caller has the word's `REGISTERING`.
    pub(crate) fn write(&self, waker: Waker) {
        let waker = ManuallyDrop::new(waker);
        // Relaxed, both: published by the end of `REGISTERING`.
        self.data.store(waker.data().cast_mut(), Ordering::Relaxed);
        self.vtable.store(ptr::from_ref(waker.vtable()).cast_mut(), Ordering::Relaxed);
    }

    /// The stored waker.
    ///
    /// # Safety
    ///
    /// The caller has the word's `REGISTERING` or `WAKING`, or found `STORED` and took it; and `write` came before.
    /// The waker is the caller's only if it took `STORED`, otherwise it must not be dropped.
    unsafe fn get(&self) -> ManuallyDrop<Waker> {
        // Relaxed, both: acquired with the word.
        let data = self.data.load(Ordering::Relaxed).cast_const();
        let vtable = self.vtable.load(Ordering::Relaxed).cast_const();
        // SAFETY: by the caller's word `write` stored the address of a `&'static RawWakerVTable`.
        let vtable = unsafe { &*vtable };
        // SAFETY: both are the words of a waker whose ownership `write` took.
        ManuallyDrop::new(unsafe { Waker::new(data, vtable) })
    }

    /// Wakes the stored waker where it is.
    ///
    /// # Safety
    ///
    /// The caller has the word's `WAKING`.
    pub(crate) unsafe fn wake_by_ref(&self) {
        // SAFETY: as required of the caller.
        unsafe { self.get() }.wake_by_ref();
    }

    /// Takes the stored waker out.
    ///
    /// # Safety
    ///
    /// The caller took the word's `STORED`, and nobody has written since.
    pub(crate) unsafe fn take(&self) -> Waker {
        // SAFETY: as required of the caller, whose the waker is.
        ManuallyDrop::into_inner(unsafe { self.get() })
    }
}
