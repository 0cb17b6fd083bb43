//! Tasks as nodes of the queues: the link is in the task's header.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::AtomicPtr;

use super::Shared;
use crate::queue::Linked;
use crate::task::{Header, Notified, queue_next};

// SAFETY: `into_raw` gives up the one Notified of a task and `from_raw` restores it; the header's link is used by the
// holder of the Notified only, and headers are aligned to words.
unsafe impl Linked for Notified<Shared> {
    type Node = Header;

    fn into_raw(self) -> NonNull<Header> {
        Notified::into_raw(self)
    }

    unsafe fn from_raw(node: NonNull<Header>) -> Self {
        // SAFETY: the caller's promise is the same.
        unsafe { Notified::from_raw(node) }
    }

    unsafe fn link<'a>(node: NonNull<Header>) -> &'a AtomicPtr<Header> {
        // SAFETY: whoever has the Notified (promise of the caller) keeps the cell alive.
        unsafe { queue_next(node) }
    }
}
