//! The right to run a local queue, and the duty to end it.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::task::Waker;

use reactor_hook::budget;

use super::{Bell, Core, ENDED, Key, Local, Waiters};
use crate::primitives::atomic::Ordering;
use crate::primitives::{Arc, this_thread, thread};
use crate::task::{Notified, Polled, Ran};

/// The owner of a local queue. Dropping it ends the queue and every task in it, here and now.
pub(crate) struct Owner<B: Bell> {
    local: Arc<Local<B>>,
    /// It is no longer the owner.
    over: Cell<bool>,
    /// Ownership is a thread's.
    _not_send: PhantomData<*const ()>,
}

/// A turn on the stack: what becomes ready meanwhile rings no bell.
pub(crate) struct Turn<'a, B: Bell>(&'a Core<B>);

impl<B: Bell> Drop for Turn<'_, B> {
    fn drop(&mut self) {
        self.0.turns.set(self.0.turns.get() - 1);
    }
}

impl<B: Bell> Owner<B> {
    /// Makes the calling thread the owner of a queue that is nobody's.
    pub(crate) fn of(local: &Arc<Local<B>>) -> Option<Owner<B>> {
        // Ordering: Acquire pairs with the Release in `step_down`: the former owner is done with the queue.
        local.owner.compare_exchange(0, this_thread(), Ordering::Acquire, Ordering::Relaxed).ok()?;
        Some(Owner { local: Arc::clone(local), over: Cell::new(false), _not_send: PhantomData })
    }

    pub(crate) fn local(&self) -> &Arc<Local<B>> {
        &self.local
    }

    fn core(&self) -> &Core<B> {
        // An `Owner` stays on its thread.
        &self.local.core
    }

    /// Whether something is there to run.
    #[inline]
    pub(crate) fn has_ready(&self) -> bool {
        !self.core().is_empty() || self.local.inbox.has_mail()
    }

    /// Whether a turn is on this thread's stack.
    pub(crate) fn is_in_turn(&self) -> bool {
        self.core().turns.get() > 0
    }

    /// Begins a turn. The owner is kept until it ends.
    pub(crate) fn begin_turn(&self) -> Turn<'_, B> {
        let core = self.core();
        core.turns.set(core.turns.get() + 1);
        Turn(core)
    }

    /// The next task, in the order of waking.
    #[inline]
    pub(crate) fn next(&self) -> Option<Notified<Local<B>>> {
        let core = self.core();
        if self.local.inbox.has_mail() {
            // SAFETY: this is the owner's thread, and collecting runs nothing else.
            core.ready.with_mut(|ready| self.local.inbox.collect(unsafe { &mut *ready }));
        }
        core.pop()
    }

    /// What a poll of one of the tasks needs of the queue: inside of a turn.
    pub(crate) fn here(&self) -> &Core<B> {
        self.core()
    }

    /// What became of a task that was polled. True when it is complete.
    #[inline]
    pub(crate) fn put_back(&self, ran: Ran<Local<B>>) -> bool {
        match ran {
            Ran::Idle => false,
            Ran::Again(task) => {
                self.core().push(task);
                false
            }
            Ran::Done => {
                self.local.book(-1);
                true
            }
        }
    }

    /// Polls what is ready, at most so many times, and says each time the task's number. True when something is left.
    pub(crate) fn run(&self, most: usize, say: impl Fn(u64)) -> bool {
        let _turn = self.begin_turn();
        let here = Some(self.core());
        for _ in 0..most {
            let Some(task) = self.next() else {
                return false;
            };
            say(task.id_number());
            let ran = budget::with_budget(budget::PER_POLL, || task.run(&Polled::new(), here));
            self.put_back(ran);
        }
        self.has_ready()
    }

    /// Drops every future there is. How many these were.
    fn cancel_all(&self) -> usize {
        let _turn = self.begin_turn();
        let mut cancelled = 0;
        loop {
            let scan = self.local.arena.cancel_all();
            let mut drained = 0;
            while let Some(task) = self.next() {
                drained += 1;
                task.cancel();
            }
            cancelled += scan.cancelled + drained;
            self.local.book(-((scan.cancelled + drained) as isize));
            if scan.is_clear() && drained == 0 {
                return cancelled;
            }
            if drained == 0 {
                // Somebody has won a task and is about to put it into the inbox.
                thread::yield_now();
            }
        }
    }

    /// Ends the queue, unless this is its owner no more: drops every future, and lets nobody spawn. How many futures
    /// these were.
    pub(crate) fn end(&self) -> usize {
        if self.over.replace(true) {
            return 0;
        }
        self.local.arena.close(Some(&self.core().cache));
        let cancelled = self.cancel_all();
        // Relaxed: nobody owns it after this.
        self.local.owner.store(ENDED, Ordering::Relaxed);
        self.local.arena.retire(Arc::clone(&self.local));
        cancelled
    }

    /// Drops every future, and leaves the queue to a later owner, on whatever thread. How many futures these were.
    pub(crate) fn step_down(&self) -> usize {
        if self.over.replace(true) {
            return 0;
        }
        // A destructor that spawns its like would keep this thread at it for ever.
        self.core().leaving.set(true);
        let cancelled = self.cancel_all();
        self.core().leaving.set(false);
        // Ordering: Release pairs with the Acquire in `of`.
        self.local.owner.store(0, Ordering::Release);
        cancelled
    }
}

impl<B: Bell> std::fmt::Debug for Owner<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Owner").field(&self.local).finish()
    }
}

impl<B: Bell> Drop for Owner<B> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Owner<Waiters> {
    /// Nothing is ready: arms the bell for whoever drives the set. False when something is ready after all.
    #[must_use]
    pub(crate) fn arm(&self, key: Key, waker: &Waker) -> bool {
        // SAFETY: this is the owner's thread.
        unsafe { self.local.bell.arm(key, waker) };
        !self.has_ready()
    }

    /// Something is left ready: all who drive the set are told.
    pub(crate) fn ring_others(&self) {
        // SAFETY: this is the owner's thread.
        unsafe { self.local.bell.ring_here() };
    }

    /// One that drove the set does so no more: if something is ready, the others are told.
    pub(crate) fn disarm(&self, key: Key) {
        // SAFETY: this is the owner's thread.
        unsafe { self.local.bell.disarm(key) };
        if self.has_ready() {
            // SAFETY: this is the owner's thread.
            unsafe { self.local.bell.ring_here() };
        }
    }

    /// The wakers of all who drive the set are dropped.
    pub(crate) fn clear(&self) {
        // SAFETY: this is the owner's thread.
        unsafe { self.local.bell.clear() };
    }
}
