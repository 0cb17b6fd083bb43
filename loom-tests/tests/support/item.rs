//! What models of queues put into them.
use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicPtr;
use runtime::model::queue::Linked;

/// An item that loom sees being written by its owner, and read by whoever takes it.
pub(crate) struct Item(Box<UnsafeCell<u32>>);

// SAFETY: an item is owned by one thread at a time; that its handing over is ordered is what loom checks.
unsafe impl Send for Item {}

// SAFETY: the box is the only handle of its node; no link is used.
unsafe impl Linked for Item {
    type Node = UnsafeCell<u32>;

    fn into_raw(self) -> NonNull<Self::Node> {
        NonNull::from(Box::leak(self.0))
    }

    unsafe fn from_raw(node: NonNull<Self::Node>) -> Self {
        // SAFETY: made by `into_raw` from a box, and not taken back before.
        Item(unsafe { Box::from_raw(node.as_ptr()) })
    }

    unsafe fn link<'a>(_: NonNull<Self::Node>) -> &'a AtomicPtr<Self::Node> {
        unreachable!("neither a slot nor a ring chains its items")
    }
}

impl Item {
    pub(crate) fn new(value: u32) -> Item {
        Item(Box::new(UnsafeCell::new(value)))
    }

    pub(crate) fn value(self) -> u32 {
        // SAFETY: we own the item; loom checks that the others are done with it.
        self.0.with(|value| unsafe { *value })
    }
}
