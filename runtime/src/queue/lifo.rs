//! The place of the task woken last.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use super::Linked;
use crate::primitives::atomic::{AtomicPtr, Ordering};

/// At most one item. The thread that owns it puts in; any thread takes.
pub struct LifoSlot<T: Linked> {
    item: AtomicPtr<T::Node>,
    _owned: PhantomData<fn(T) -> T>,
}

impl<T: Linked> fmt::Debug for LifoSlot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifoSlot").field("is_empty", &self.is_empty()).finish()
    }
}

impl<T: Linked> LifoSlot<T> {
    /// Empty.
    pub fn new() -> Self {
        LifoSlot { item: AtomicPtr::new(ptr::null_mut()), _owned: PhantomData }
    }

    /// Puts `item` in, and gives out the one that was there. For the owner only: of two threads that put at once, one
    /// item would be lost (leaked, never run).
    #[inline]
    pub fn put(&self, item: T) -> Option<T> {
        let node = item.into_raw().as_ptr();
        // Relaxed: null stays until this thread replaces it.
        if self.item.load(Ordering::Relaxed).is_null() {
            // Ordering: Release pairs with the Acquire in `take`.
            self.item.store(node, Ordering::Release);
            return None;
        }
        // Ordering: Release pairs with the Acquire in `take`. What comes out was put in by this thread.
        let displaced = NonNull::new(self.item.swap(node, Ordering::Release))?;
        // SAFETY: the swap took the node out, and nobody else has.
        Some(unsafe { T::from_raw(displaced) })
    }

    /// Takes the item. Any thread; a thief that meets another taker, or a put, goes without.
    #[inline]
    pub fn take(&self) -> Option<T> {
        self.take_if(|| true)
    }

    /// As `take`; where there is an item, `may` is asked first.
    #[inline]
    pub fn take_if(&self, may: impl FnOnce() -> bool) -> Option<T> {
        // Relaxed: a hint for a thief; the owner sees its own puts.
        let item = NonNull::new(self.item.load(Ordering::Relaxed))?;
        if !may() {
            return None;
        }
        // Ordering: Acquire pairs with the Release in `put`.
        self.item
            .compare_exchange(item.as_ptr(), ptr::null_mut(), Ordering::Acquire, Ordering::Relaxed)
            .ok()?;
        // SAFETY: the exchange took the node out, and nobody else has.
        Some(unsafe { T::from_raw(item) })
    }

    /// Whether it seemed empty.
    pub fn is_empty(&self) -> bool {
        // Relaxed: a hint only.
        self.item.load(Ordering::Relaxed).is_null()
    }
}

impl<T: Linked> Drop for LifoSlot<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
