//! Tasks that stay on one thread: polled, and dropped, by the thread that owns their queue. The README in this folder
//! has the protocol.
#![allow(unsafe_code)]

mod inbox;
mod made;
#[cfg(runtime_loom)]
pub mod model;
mod owner;
#[cfg(all(test, not(runtime_loom)))]
mod tests;
mod waiters;

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;

pub(crate) use owner::Owner;
pub(crate) use waiters::{Key, Waiters};

use crate::primitives::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::primitives::{Arc, UnsafeCell, this_thread};
#[cfg(not(runtime_loom))]
use crate::task::IdBlock;
use crate::task::{self, Arena, Cache, Id, JoinHandle, Label, Notified, Schedule};
use inbox::Inbox;
use made::Made;

/// How an owner that has nothing to do is called.
pub(crate) trait Bell: Send + Sync + 'static {
    /// There is mail. Called on any thread but the owner's, with no lock held.
    fn ring(&self);

    /// Something has become ready on the owner's thread, outside of any turn. Nothing to do for a thread that looks at its
    /// queue before it blocks.
    ///
    /// # Safety
    ///
    /// On the owner's thread.
    unsafe fn ring_here(&self) {}

    /// Whether polls are counted and timed.
    fn times_polls(&self) -> bool {
        false
    }

    /// A task panicked.
    fn unhandled_panic(&self, _id: Id) {}
}

/// `owner` after the end.
const ENDED: u64 = u64::MAX;

/// A queue of tasks that belongs to a thread, and the scheduler of those tasks.
pub(crate) struct Local<B: Bell> {
    /// The number of the owner's thread; zero while nobody owns it, `ENDED` when nobody can any more.
    owner: AtomicU64,
    core: Core<B>,
    inbox: Inbox<Notified<Local<B>>>,
    arena: Arena<Local<B>>,
    /// Tasks spawned from other threads so far. Wraps; see `live`.
    arrived: AtomicUsize,
    /// Tasks spawned by the owner, less all that are complete. Written by the owner only; wraps.
    balance: AtomicUsize,
    pub(crate) bell: B,
}

/// What the owner alone touches.
pub(crate) struct Core<B: Bell> {
    ready: UnsafeCell<VecDeque<Notified<Local<B>>>>,
    cache: Cache,
    /// Turns on the owner's stack.
    turns: Cell<u32>,
    /// The owner is stepping down: what it spawns is dropped in its place.
    leaving: Cell<bool>,
}

// SAFETY: `core` is got through `here` alone, by the owner's thread; ownership is passed on through `owner`. The rest is
// `Sync`, and a Notified in `ready` or `inbox` may cross threads: what is done with it is `here`'s too.
unsafe impl<B: Bell> Sync for Local<B> {}
// SAFETY: the queue is empty when it is dropped (its owner has ended it, or nothing was spawned), so no future is in it.
unsafe impl<B: Bell> Send for Local<B> {}

impl<B: Bell> Local<B> {
    /// Nobody's.
    pub(crate) fn new(bell: B) -> Local<B> {
        let cache = Cache::new();
        if bell.times_polls() {
            cache.withhold_ids();
        }
        Local {
            owner: AtomicU64::new(0),
            core: Core {
                ready: UnsafeCell::new(VecDeque::new()),
                cache,
                turns: Cell::new(0),
                leaving: Cell::new(false),
            },
            inbox: Inbox::new(),
            arena: Arena::new(),
            arrived: AtomicUsize::new(0),
            balance: AtomicUsize::new(0),
            bell,
        }
    }

    /// The owner's part, on the owner's thread. The owner does not cease to be one while it is used.
    #[inline]
    fn here(&self) -> Option<&Core<B>> {
        // Relaxed: a thread that reads its own number has written it itself.
        (self.owner.load(Ordering::Relaxed) == this_thread()).then_some(&self.core)
    }

    /// Tasks that are not complete: exact on the owner's thread, unless others spawn meanwhile.
    pub(crate) fn live(&self) -> usize {
        // Relaxed: what others do is a figure; what the owner did is in its own order.
        self.arrived.load(Ordering::Relaxed).wrapping_add(self.balance.load(Ordering::Relaxed))
    }

    /// The identifiers that the owner has not handed out: for any thread.
    #[cfg(not(runtime_loom))]
    pub(crate) fn ids(&self) -> &IdBlock {
        &self.core.cache.ids
    }

    /// Adds to the balance. By the owner only.
    fn book(&self, change: isize) {
        // Relaxed: the owner is the only writer.
        self.balance
            .store(self.balance.load(Ordering::Relaxed).wrapping_add_signed(change), Ordering::Relaxed);
    }

    /// Spawns a task of the calling thread, the owner; `spawned` is told before it is queued. While that steps down, and on any
    /// other thread, which is to say after the end, the future is dropped at once, and the handle resolves cancelled.
    pub(crate) fn spawn_here<F>(
        this: &Arc<Self>,
        future: F,
        label: Label,
        spawned: impl FnOnce(),
    ) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let Some(core) = this.here().filter(|core| !core.leaving.get()) else {
            return task::refuse(Id::next(), label, future);
        };
        let (cache, id) = core.cache_and_id();
        // SAFETY: this is the owner's thread: the one that polls and drops the future.
        let (task, handle) = unsafe { task::spawn_unchecked(this, cache, id, label, future) };
        if let Some(task) = task {
            this.book(1);
            spawned();
            this.push_here(core, task);
        }
        handle
    }

    /// Spawns a task from wherever the calling thread is: `create` goes to the owner's thread, and makes the future there. On that
    /// thread itself, while it steps down, `create` is dropped at once.
    pub(crate) fn spawn_made<C, F>(
        this: &Arc<Self>,
        create: C,
        label: Label,
        spawned: impl FnOnce(),
    ) -> JoinHandle<F::Output>
    where
        C: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        let here = this.here();
        if here.is_some_and(|core| core.leaving.get()) {
            return task::refuse(Id::next(), label, create);
        }
        let (cache, id) = here.map_or_else(|| (None, Id::next()), Core::cache_and_id);
        // SAFETY: the owner alone polls, and what was polled is dropped by the owner alone. Before that the future is
        // `create`, which is `Send`.
        let (task, handle) = unsafe { task::spawn_unchecked(this, cache, id, label, Made::by(create)) };
        if let Some(task) = task {
            // Relaxed: a figure for other threads than the owner's.
            this.arrived.fetch_add(1, Ordering::Relaxed);
            spawned();
            this.schedule(task);
        }
        handle
    }

    fn push_here(&self, core: &Core<B>, task: Notified<Self>) {
        core.push(task);
        if core.turns.get() == 0 {
            // SAFETY: `core` is to be had on the owner's thread only.
            unsafe { self.bell.ring_here() }
        }
    }
}

impl<B: Bell> Core<B> {
    /// What a task is spawned with on the owner's thread: without the cache where that withholds its identifiers.
    fn cache_and_id(&self) -> (Option<&Cache>, Id) {
        match self.cache.next_id() {
            Some(id) => (Some(&self.cache), id),
            None => (None, Id::next()),
        }
    }

    fn is_empty(&self) -> bool {
        // SAFETY: the owner's thread alone gets here, and nothing else runs meanwhile.
        self.ready.with(|ready| unsafe { &*ready }.is_empty())
    }

    fn push(&self, task: Notified<Local<B>>) {
        // SAFETY: as in `is_empty`.
        self.ready.with_mut(|ready| unsafe { &mut *ready }.push_back(task));
    }

    fn pop(&self) -> Option<Notified<Local<B>>> {
        // SAFETY: as in `is_empty`.
        self.ready.with_mut(|ready| unsafe { &mut *ready }.pop_front())
    }
}

impl<B: Bell> Schedule for Local<B> {
    type Here = Core<B>;

    #[inline]
    fn cache(here: &Core<B>) -> &Cache {
        &here.cache
    }

    #[inline]
    fn schedule_joiner(here: &Core<B>, joiner: Notified<Self>) {
        // In a turn: nobody is to be told.
        here.push(joiner);
    }

    fn schedule(&self, task: Notified<Self>) {
        match self.here() {
            Some(core) => self.push_here(core, task),
            None if self.inbox.push(task) => self.bell.ring(),
            None => {}
        }
    }

    fn arena(&self) -> &Arena<Self> {
        &self.arena
    }

    fn with_cache<R>(&self, f: impl FnOnce(Option<&Cache>) -> R) -> R {
        // During a turn whoever runs it keeps the queue; outside of one a bell may end it (README).
        f(self.here().filter(|core| core.turns.get() > 0).map(|core| &core.cache))
    }

    fn times_polls(&self) -> bool {
        self.bell.times_polls()
    }

    fn unhandled_panic(&self, id: Id) {
        self.bell.unhandled_panic(id);
    }
}

impl<B: Bell> fmt::Debug for Local<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("live", &self.live()).finish_non_exhaustive()
    }
}
