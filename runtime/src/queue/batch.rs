//! A chain of items on its way from one queue to another.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use super::Linked;
use crate::primitives::atomic::Ordering;

/// Items in order, the oldest first. Dropping it drops what is left.
pub struct Batch<T: Linked> {
    /// Null if `len` is 0. From here `len` nodes are linked; the last one's link may say anything.
    first: *mut T::Node,
    last: *mut T::Node,
    len: usize,
    left_some: bool,
    _owned: PhantomData<fn(T) -> T>,
}

/// Items that were given up, linked from the newest to the oldest. The oldest one's link may say anything.
pub(super) struct Chain<T: Linked> {
    pub(super) newest: NonNull<T::Node>,
    pub(super) oldest: NonNull<T::Node>,
}

// SAFETY: a batch owns its items and nothing else; `Linked` requires that they are `Send`.
unsafe impl<T: Linked> Send for Batch<T> {}

impl<T: Linked> Default for Batch<T> {
    fn default() -> Self {
        Batch::new()
    }
}

impl<T: Linked> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("len", &self.len).field("left_some", &self.left_some).finish()
    }
}

impl<T: Linked> Batch<T> {
    /// No items.
    pub fn new() -> Self {
        Batch { first: ptr::null_mut(), last: ptr::null_mut(), len: 0, left_some: false, _owned: PhantomData }
    }

    /// Items left.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the injector had more than was handed out: somebody else must be told.
    pub fn left_some(&self) -> bool {
        self.left_some
    }

    pub(super) fn set_left_some(&mut self, left_some: bool) {
        self.left_some = left_some;
    }

    /// Puts `item` behind the others.
    pub fn push(&mut self, item: T) {
        self.append(item.into_raw());
    }

    /// Puts an owned node behind the others.
    fn append(&mut self, node: NonNull<T::Node>) {
        match NonNull::new(self.last) {
            None => self.first = node.as_ptr(),
            Some(last) => {
                // SAFETY: `last` is a node of this batch, which owns it.
                let link = unsafe { T::link(last) };
                // Relaxed: the batch is this thread's; who passes it on publishes it.
                link.store(node.as_ptr(), Ordering::Relaxed);
            }
        }
        self.last = node.as_ptr();
        self.len += 1;
    }

    fn next_raw(&mut self) -> Option<NonNull<T::Node>> {
        let node = NonNull::new(self.first)?;
        self.len -= 1;
        if self.len == 0 {
            self.first = ptr::null_mut();
            self.last = ptr::null_mut();
        } else {
            // SAFETY: `node` is the first of this batch, which owns it.
            let link = unsafe { T::link(node) };
            // Relaxed: as in `append`.
            self.first = link.load(Ordering::Relaxed);
        }
        Some(node)
    }

    /// Takes a chain whose newest item comes first and whose oldest item's link is null; must be empty.
    ///
    /// # Safety
    ///
    /// The nodes of the chain came from `into_raw`, and the caller gives them up.
    pub(super) unsafe fn fill_reversed(&mut self, newest: *mut T::Node) {
        debug_assert!(self.is_empty(), "items would be lost");
        let mut next = newest;
        let mut after: *mut T::Node = ptr::null_mut();
        while let Some(node) = NonNull::new(next) {
            // SAFETY: the caller gave the node to this batch.
            let link = unsafe { T::link(node) };
            // Relaxed: as in `append`.
            next = link.load(Ordering::Relaxed);
            link.store(after, Ordering::Relaxed);
            after = node.as_ptr();
            self.len += 1;
        }
        self.first = after;
        self.last = newest;
    }

    /// Gives the items up.
    pub(super) fn into_reversed(mut self) -> Option<Chain<T>> {
        let oldest = self.next_raw()?;
        let mut newest = oldest;
        while let Some(node) = self.next_raw() {
            // SAFETY: the node was just given up by the batch and is this function's.
            let link = unsafe { T::link(node) };
            // Relaxed: as in `append`.
            link.store(newest.as_ptr(), Ordering::Relaxed);
            newest = node;
        }
        Some(Chain { newest, oldest })
    }
}

impl<T: Linked> Iterator for Batch<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let node = self.next_raw()?;
        // SAFETY: the batch owned the node and has just given it up.
        Some(unsafe { T::from_raw(node) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl<T: Linked> Drop for Batch<T> {
    fn drop(&mut self) {
        // An item's drop may run user code; if it panics, the guard drops the others before the panic goes on.
        struct Rest<'a, T: Linked>(&'a mut Batch<T>);
        impl<T: Linked> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                self.0.by_ref().for_each(drop);
            }
        }
        while let Some(item) = self.next() {
            let rest = Rest(self);
            drop(item);
            std::mem::forget(rest);
        }
    }
}
