//! The place of the task woken last. The README in this folder has the proof, *LIFO slot*.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use super::Linked;
use crate::primitives::atomic::{AtomicBool, AtomicPtr, Ordering};
use crate::primitives::{Mutex, barrier, overwrite};

/// In the word: the owner takes by exchange, too.
const MARK: usize = 1;

/// At most one item. The thread that owns the slot puts in and takes; others rescue what is in it.
pub struct LifoSlot<T: Linked> {
    /// | word | set by | means |
    /// |---|---|---|
    /// | null | any taker | empty, and kept |
    /// | item | `put`, `keep` | its owner takes it by a plain store |
    /// | marked null | `new`, `share`, any taker | empty |
    /// | marked item | `put` over a mark, `share`, `rescue` | whoever takes it does so by an exchange |
    item: AtomicPtr<T::Node>,
    /// Whoever takes an item takes the mark with it. Written under the lock.
    kept: AtomicBool,
    rescuing: Mutex<()>,
    _owned: PhantomData<fn(T) -> T>,
}

impl<T: Linked> fmt::Debug for LifoSlot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: hints.
        f.debug_struct("LifoSlot")
            .field("is_empty", &self.is_empty())
            .field("is_marked", &is_marked(self.item.load(Ordering::Relaxed)))
            .field("is_kept", &self.kept.load(Ordering::Relaxed))
            .finish()
    }
}

impl<T: Linked> LifoSlot<T> {
    /// Empty and shared.
    pub fn new() -> Self {
        const { assert!(align_of::<T::Node>() > MARK, "the lowest bit of an address is free") };
        LifoSlot {
            item: AtomicPtr::new(marked(ptr::null_mut())),
            kept: AtomicBool::new(false),
            rescuing: Mutex::new(()),
            _owned: PhantomData,
        }
    }

    /// Puts `item` in, and gives out the one that was there.
    ///
    /// # Safety
    ///
    /// The caller is the owner: nobody else puts in or withdraws until it has called `share`, and the next owner sees what it has done.
    #[inline]
    pub unsafe fn put(&self, item: T) -> Option<T> {
        let node = item.into_raw().as_ptr();
        // Relaxed: an empty slot stays so until this thread fills it.
        let word = self.item.load(Ordering::Relaxed);
        if word.is_null() {
            // Ordering: Release pairs with the Acquire in `rescue`.
            self.item.store(node, Ordering::Release);
            return None;
        }
        if is_marked(word) {
            return self.put_marked(node, word);
        }
        // Ordering: Release pairs with the Acquire in `rescue`. What comes out was put in by this thread.
        let displaced = NonNull::new(unmarked(self.item.swap(node, Ordering::Release)))?;
        // SAFETY: the swap took the node out, and nobody else has.
        Some(unsafe { T::from_raw(displaced) })
    }

    #[cold]
    fn put_marked(&self, node: *mut T::Node, word: *mut T::Node) -> Option<T> {
        if unmarked(word).is_null() {
            // Ordering: Release pairs with the Acquire in `rescue`.
            self.item.store(marked(node), Ordering::Release);
            return None;
        }
        // Ordering: Release pairs with the Acquire in `rescue`. What comes out was put in by this thread.
        let displaced = NonNull::new(unmarked(self.item.swap(marked(node), Ordering::Release)))?;
        // SAFETY: the swap took the node out, and nobody else has.
        Some(unsafe { T::from_raw(displaced) })
    }

    /// Takes the item, after `may` was asked, if there is one. Keeps a slot that is shared, if others can be made to see what the
    /// owner does.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and not inside of what `rescue` is told is a poll. Between this and the owner's next call of `share`
    /// no other thread becomes the owner, nor puts anything in or withdraws it.
    #[inline]
    pub unsafe fn take_if(&self, may: impl FnOnce() -> bool) -> Option<T> {
        // The end of the last poll was told before this thread looks for a mark: pairs with the heavy one in `rescue`.
        barrier::light();
        // Relaxed: the owner sees its own puts, and by the barrier the mark of whoever has seen that poll.
        let word = self.item.load(Ordering::Relaxed);
        if word.addr() <= MARK || !may() {
            return None;
        }
        if is_marked(word) {
            return self.take_marked();
        }
        // Whoever rescues during a later poll sees this by that poll's beginning.
        overwrite(&self.item, ptr::null_mut());
        // SAFETY: not null.
        let item = unsafe { NonNull::new_unchecked(word) };
        // SAFETY: put in by this thread, and nobody rescues it: the README has the proof.
        Some(unsafe { T::from_raw(item) })
    }

    #[cold]
    fn take_marked(&self) -> Option<T> {
        // Relaxed: written by this thread, or before the slot was its own.
        match (self.kept.load(Ordering::Relaxed), barrier::is_available()) {
            // SAFETY: the caller is the owner.
            (false, true) => unsafe { self.keep() },
            // Refused once, refused for ever: a rescuer could not tell what this thread does.
            // SAFETY: the caller is the owner.
            (true, false) => unsafe { self.share() },
            (true, true) | (false, false) => {}
        }
        // SAFETY: the caller is the owner.
        unsafe { self.withdraw() }
    }

    /// Takes the item, inside of a poll, too, or after the loop.
    ///
    /// # Safety
    ///
    /// As of `put`. (The owner may have seen an item in `take_if` and be about to give it out: who is not the owner rescues.)
    pub unsafe fn withdraw(&self) -> Option<T> {
        // Relaxed: the owner sees its own puts.
        let mut word = self.item.load(Ordering::Relaxed);
        loop {
            let item = NonNull::new(unmarked(word))?;
            // Ordering: Acquire pairs with the Release of `put`, for an owner that has not put it in itself.
            match self.item.compare_exchange(word, self.emptied(), Ordering::Acquire, Ordering::Relaxed) {
                // SAFETY: the exchange took the node out, and nobody else has.
                Ok(_) => return Some(unsafe { T::from_raw(item) }),
                // Marked or rescued meanwhile.
                Err(now) => word = now,
            }
        }
    }

    /// Takes the item although the caller is not the owner, unless the owner is about to: `is_inside` tells whether that is inside
    /// of a poll now. May go without an item that is there.
    ///
    /// # Safety
    ///
    /// If `is_inside` says yes, its caller sees all that the owner has done before that poll, and the owner's next `take_if` comes after
    /// it has stored that the poll has ended.
    pub unsafe fn rescue(&self, is_inside: impl FnOnce() -> bool) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let _alone = self.rescuing.lock();
        // Relaxed: a hint, until the exchange.
        let word = self.item.load(Ordering::Relaxed);
        let item = NonNull::new(unmarked(word))?;
        let shared = marked(word);
        if word != shared {
            // Relaxed: the barrier orders it.
            self.item.compare_exchange(word, shared, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        }
        // Relaxed: by the lock.
        if self.kept.load(Ordering::Relaxed) && !(barrier::heavy() && is_inside()) {
            return None;
        }
        // Ordering: Acquire pairs with the Release in `put`.
        self.item.compare_exchange(shared, self.emptied(), Ordering::Acquire, Ordering::Relaxed).ok()?;
        // SAFETY: the exchange took the node out, and the owner takes a marked one by exchange: the README has the proof.
        Some(unsafe { T::from_raw(item) })
    }

    /// From here on the owner takes by plain stores: called by `take_if`, when it is worth while.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    pub unsafe fn keep(&self) {
        let _alone = self.rescuing.lock();
        // Relaxed, all: by the lock; and nobody but the owner fills the slot.
        self.kept.store(true, Ordering::Relaxed);
        let word = self.item.load(Ordering::Relaxed);
        // Ordering: Release pairs with the Acquire in `rescue`, as that of `put` does.
        self.item.store(unmarked(word), Ordering::Release);
    }

    /// Whoever takes does so by exchange, until the next `take_if`. For the owner, when it leaves its loop.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    pub unsafe fn share(&self) {
        let _alone = self.rescuing.lock();
        // Relaxed, both: by the lock; and nobody but the owner fills the slot.
        self.kept.store(false, Ordering::Relaxed);
        let word = self.item.load(Ordering::Relaxed);
        // Ordering: Release pairs with the Acquire in `rescue`, as that of `put` does.
        self.item.store(marked(word), Ordering::Release);
    }

    /// Whether it seemed empty.
    pub fn is_empty(&self) -> bool {
        // Relaxed: a hint only.
        unmarked(self.item.load(Ordering::Relaxed)).is_null()
    }

    /// What a taker leaves.
    fn emptied(&self) -> *mut T::Node {
        // Relaxed: the owner's own, or read under the lock.
        if self.kept.load(Ordering::Relaxed) { ptr::null_mut() } else { marked(ptr::null_mut()) }
    }
}

impl<T: Linked> Drop for LifoSlot<T> {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        drop(unsafe { self.withdraw() });
    }
}

fn is_marked<N>(word: *mut N) -> bool {
    word.addr() & MARK != 0
}

fn marked<N>(word: *mut N) -> *mut N {
    word.map_addr(|address| address | MARK)
}

fn unmarked<N>(word: *mut N) -> *mut N {
    word.map_addr(|address| address & !MARK)
}
