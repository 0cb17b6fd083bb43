//! Items that wait in order: an array of pointers, so that who takes one touches no other.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::ptr::NonNull;

use super::{Batch, Linked};

/// Places that an empty list keeps: two pages. What a burst needed beyond that is given back.
const KEPT: usize = 1024;

/// The oldest first. Dropping it drops what is in it.
pub(super) struct List<T: Linked>(VecDeque<NonNull<T::Node>>);

// SAFETY: a list owns its items and nothing else; `Linked` requires that they are `Send`.
unsafe impl<T: Linked> Send for List<T> {}

impl<T: Linked> List<T> {
    pub(super) const fn new() -> Self {
        List(VecDeque::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts `item` behind the others.
    #[inline]
    pub(super) fn push(&mut self, item: T) {
        self.0.push_back(item.into_raw());
    }

    /// Takes out the oldest items, at most `max`. They are written to, and not read: it is not waited for their coming
    /// into the cache one after the other.
    pub(super) fn take(&mut self, max: usize) -> Batch<T> {
        let mut taken = Batch::new();
        for node in self.0.drain(..max.min(self.0.len())) {
            // SAFETY: it came from `into_raw` when it was put in, and is not in the list any more.
            taken.push(unsafe { T::from_raw(node) });
        }
        if self.0.is_empty() {
            self.0.shrink_to(KEPT);
        }
        taken
    }
}

impl<T: Linked> Drop for List<T> {
    fn drop(&mut self) {
        drop(self.take(usize::MAX));
    }
}
