//! The bell of a set: the wakers of the futures that drive it.
#![allow(unsafe_code)]

use std::task::Waker;

use super::Bell;
use crate::primitives::{Mutex, UnsafeCell};
use crate::task::quietly;

/// Which of the futures that drive a set an entry belongs to: an address, or zero for the set itself.
pub(crate) type Key = usize;

/// Each waiting future has an entry in both lists: the one is the owner's, the other is for all threads.
pub(crate) struct Waiters {
    here: UnsafeCell<List>,
    elsewhere: Mutex<List>,
}

// SAFETY: `here` is touched on the owner's thread only (contracts of the methods that are unsafe); wakers are `Send`.
unsafe impl Sync for Waiters {}

/// Mostly one entry, which needs no memory of its own.
#[derive(Default)]
struct List {
    first: Option<(Key, Waker)>,
    rest: Vec<(Key, Waker)>,
}

impl List {
    fn entry(&mut self, key: Key) -> Option<&mut Waker> {
        self.first.iter_mut().chain(&mut self.rest).find(|(other, _)| *other == key).map(|(_, waker)| waker)
    }

    fn has(&mut self, key: Key, waker: &Waker) -> bool {
        self.entry(key).is_some_and(|known| known.will_wake(waker))
    }

    /// What it replaces is for the caller to drop.
    fn put(&mut self, key: Key, waker: Waker) -> Option<Waker> {
        if let Some(known) = self.entry(key) {
            return Some(std::mem::replace(known, waker));
        }
        match &mut self.first {
            Some(_) => self.rest.push((key, waker)),
            first => *first = Some((key, waker)),
        }
        None
    }

    fn remove(&mut self, key: Key) -> Option<Waker> {
        if self.first.as_ref().is_some_and(|(other, _)| *other == key) {
            return self.first.take().map(|(_, waker)| waker);
        }
        let at = self.rest.iter().position(|(other, _)| *other == key)?;
        Some(self.rest.swap_remove(at).1)
    }

    /// Each of them, though one should panic.
    fn wake(self) {
        for (_, waker) in self.first.into_iter().chain(self.rest) {
            quietly(|| waker.wake());
        }
    }
}

impl Waiters {
    pub(crate) fn new() -> Self {
        Waiters { here: UnsafeCell::new(List::default()), elsewhere: Mutex::new(List::default()) }
    }

    /// # Safety
    ///
    /// On the owner's thread. `f` calls nothing of the user's.
    unsafe fn with_here<R>(&self, f: impl FnOnce(&mut List) -> R) -> R {
        // SAFETY: the owner's thread alone gets here, and `f` does not come back.
        self.here.with_mut(|list| f(unsafe { &mut *list }))
    }

    /// Leaves `waker` to be woken. Look for what is ready afterwards.
    ///
    /// # Safety
    ///
    /// On the owner's thread.
    pub(super) unsafe fn arm(&self, key: Key, waker: &Waker) {
        // SAFETY: promise of the caller.
        if !unsafe { self.with_here(|list| list.has(key, waker)) } {
            let new = waker.clone();
            // SAFETY: promise of the caller.
            let old = unsafe { self.with_here(|list| list.put(key, new)) };
            drop(old);
        }
        let known = self.elsewhere.lock().has(key, waker);
        if !known {
            let new = waker.clone();
            let old = self.elsewhere.lock().put(key, new);
            drop(old);
        }
    }

    /// Takes an entry out.
    ///
    /// # Safety
    ///
    /// On the owner's thread.
    pub(super) unsafe fn disarm(&self, key: Key) {
        // SAFETY: promise of the caller.
        let here = unsafe { self.with_here(|list| list.remove(key)) };
        let elsewhere = self.elsewhere.lock().remove(key);
        drop((here, elsewhere));
    }

    /// Takes all entries out.
    ///
    /// # Safety
    ///
    /// On the owner's thread.
    pub(super) unsafe fn clear(&self) {
        // SAFETY: promise of the caller.
        let here = unsafe { self.with_here(std::mem::take) };
        let elsewhere = std::mem::take(&mut *self.elsewhere.lock());
        drop((here, elsewhere));
    }
}

impl Bell for Waiters {
    fn ring(&self) {
        let list = std::mem::take(&mut *self.elsewhere.lock());
        list.wake();
    }

    unsafe fn ring_here(&self) {
        // SAFETY: promise of the caller.
        let list = unsafe { self.with_here(std::mem::take) };
        list.wake();
    }
}
