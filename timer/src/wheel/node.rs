//! The part of an entry that the wheel uses: links and tick.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use crate::sync::UnsafeCell;

/// Embedded in whatever is put into a wheel.
#[derive(Debug)]
pub(crate) struct Node(UnsafeCell<Links>);

#[derive(Debug)]
struct Links {
    next: Option<NodeRef>,
    prev: Option<NodeRef>,
    tick: u64,
}

impl Node {
    pub(crate) fn new() -> Self {
        Node(UnsafeCell::new(Links { next: None, prev: None, tick: 0 }))
    }
}

/// A node that may be put into a wheel, or is in one. Whoever has it may use the node's cell, and nobody else may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeRef(NonNull<Node>);

impl NodeRef {
    /// # Safety
    ///
    /// From the moment it is inserted until it has been removed or popped, the node stays where it is, and only who has
    /// exclusive access to the wheel uses this or another `NodeRef` of it. One that is in no wheel is not used by two
    /// threads at a time.
    pub(crate) unsafe fn new(node: NonNull<Node>) -> Self {
        NodeRef(node)
    }

    pub(crate) fn as_ptr(self) -> NonNull<Node> {
        self.0
    }

    #[inline]
    fn with<R>(self, f: impl FnOnce(*const Links) -> R) -> R {
        // SAFETY: the node is alive by the contract of `new`.
        unsafe { self.0.as_ref() }.0.with(f)
    }

    #[inline]
    fn with_mut<R>(self, f: impl FnOnce(*mut Links) -> R) -> R {
        // SAFETY: the node is alive by the contract of `new`.
        unsafe { self.0.as_ref() }.0.with_mut(f)
    }

    #[inline]
    pub(super) fn next(self) -> Option<NodeRef> {
        // SAFETY: access is exclusive by the contract of `new`.
        self.with(|links| unsafe { (*links).next })
    }

    #[inline]
    pub(super) fn prev(self) -> Option<NodeRef> {
        // SAFETY: as in `next`.
        self.with(|links| unsafe { (*links).prev })
    }

    #[inline]
    pub(super) fn tick(self) -> u64 {
        // SAFETY: as in `next`.
        self.with(|links| unsafe { (*links).tick })
    }

    #[inline]
    pub(super) fn set_next(self, next: Option<NodeRef>) {
        // SAFETY: as in `next`.
        self.with_mut(|links| unsafe { (*links).next = next });
    }

    #[inline]
    pub(super) fn set_prev(self, prev: Option<NodeRef>) {
        // SAFETY: as in `next`.
        self.with_mut(|links| unsafe { (*links).prev = prev });
    }

    #[inline]
    pub(super) fn set_tick(self, tick: u64) {
        // SAFETY: as in `next`.
        self.with_mut(|links| unsafe { (*links).tick = tick });
    }
}

// SAFETY: a `NodeRef` is an address; the contract of `new` says who may use it, on whatever thread.
unsafe impl Send for NodeRef {}
