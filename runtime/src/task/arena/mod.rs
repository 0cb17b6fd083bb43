//! Where cells come from, where they go, and how all of them are found when the scheduler shuts down.
#![allow(unsafe_code)]

mod cache;
mod class;
mod depot;
mod free;
mod outside;
mod page;
mod sorted;
mod store;
mod tidy;

use std::fmt;
use std::ptr::NonNull;

pub(crate) use cache::Cache;
#[cfg(test)]
pub(super) use class::{CHAIN, KEPT, SIZES};
pub(super) use class::{Class, Home};

use super::face::Sight;
use super::header::{Header, RawTask};
use super::notified::{Notified, Polled, Ran};
use super::quiet::quietly;
use super::schedule::Schedule;
use super::state::{Shut, State};
use crate::primitives::{Arc, Mutex, MutexGuard};
use depot::Depot;
use outside::{Outside, Retired};
use tidy::Tidy;

/// The cells of one scheduler, recycled; the pages are the registry of live tasks.
pub(crate) struct Arena<S> {
    depots: [Depot; class::SIZES.len()],
    outside: Mutex<Outside<S>>,
    tidy: Mutex<Tidy>,
}

/// What a closing scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Scan {
    /// Tasks that were idle; their futures have been dropped.
    pub(crate) cancelled: usize,
    /// Tasks whose Notified somebody else has, in a queue or on its way there: run them and scan again.
    pub(crate) in_flight: usize,
}

impl Scan {
    /// Whether no task is left.
    pub(crate) fn is_clear(self) -> bool {
        self.in_flight == 0
    }
}

impl<S> Arena<S> {
    pub(crate) fn new() -> Self {
        Arena {
            depots: std::array::from_fn(|class| Depot::new(Class(class))),
            outside: Mutex::new(Outside::new()),
            tidy: Mutex::new(Tidy::default()),
        }
    }

    /// How many tasks have been spawned and are not complete. Each word is read once, at some moment of the call.
    pub(crate) fn live(&self) -> usize {
        let mut live = 0;
        self.for_each_word(&self.outside.lock(), |snapshot| live += usize::from(snapshot.is_live()));
        live
    }

    /// Calls `see` with every task that is there all the while, and with some that come or go; with some perhaps twice. No
    /// user code in there: it is called under locks, which a spawn takes that needs a new page, or a cell outside of one.
    pub(crate) fn look_at_tasks(&self, mut see: impl FnMut(Sight)) {
        for depot in &self.depots {
            depot.look_at_tasks(&mut see);
        }
        self.outside.lock().look_at_tasks(see);
    }

    /// The task in this cell, if it is a cell of this arena: the address need not be one of anything any more.
    pub(crate) fn look_at(&self, cell: *const Header) -> Option<Sight> {
        let in_a_page = || self.depots.iter().find_map(|depot| depot.look_at(cell));
        in_a_page().or_else(|| self.outside.lock().look_at(cell))
    }

    /// How many cells are not free: tasks, and complete ones that somebody still holds.
    #[cfg(test)]
    pub(crate) fn occupied(&self) -> usize {
        self.count_occupied(&self.outside.lock())
    }

    fn count_occupied(&self, outside: &Outside<S>) -> usize {
        let mut occupied = 0;
        self.for_each_word(outside, |snapshot| occupied += usize::from(!snapshot.is_free()));
        occupied
    }

    fn for_each_word(&self, outside: &Outside<S>, mut f: impl FnMut(super::state::Snapshot)) {
        for depot in &self.depots {
            depot.for_each_word(|word| f(word.snapshot()));
        }
        outside.for_each_word(|word| f(word.snapshot()));
    }

    /// Another free cell for a worker whose loaded list is empty. `None` when it has closed.
    #[cold]
    pub(super) fn refill(&self, cache: &Cache, class: Class) -> Option<NonNull<Header>> {
        if cache.is_closed() {
            return None;
        }
        self.load(cache, class);
        cache.take(class)
    }

    /// Fills an empty loaded list.
    fn load(&self, cache: &Cache, class: Class) {
        if !cache.load_spare(class) {
            cache.load(class, self.depots[class.0].take());
        }
    }

    /// The gate for threads that are no workers, and for cells that are not recycled. `None` when closed.
    pub(super) fn open(&self) -> Option<MutexGuard<'_, Outside<S>>> {
        Some(self.outside.lock()).filter(|outside| !outside.closed)
    }

    /// Refuses spawns from now on: those through `cache`, the last worker's own, and those of other threads. Tasks
    /// whose spawn came first are found by [`cancel_all`](Self::cancel_all).
    pub(crate) fn close(&self, cache: Option<&Cache>) {
        self.outside.lock().closed = true;
        if let Some(cache) = cache {
            self.flush(cache);
            cache.close();
        }
    }

    /// A worker leaves: its free cells are for the others.
    pub(crate) fn flush(&self, cache: &Cache) {
        for depot in &self.depots {
            for list in cache.unload(depot.class()) {
                depot.give(list);
            }
        }
    }
}

impl<S: Schedule> Arena<S> {
    /// Cancels every task: drops the futures of the idle ones here, and marks those whose Notified is elsewhere.
    ///
    /// For the last worker, after [`close`](Self::close): no other thread runs tasks any more. Between calls it runs
    /// what its queues hold, until a scan [is clear](Scan::is_clear).
    pub(crate) fn cancel_all(&self) -> Scan {
        self.scan(State::shut)
    }

    /// Cancels the idle tasks while others run theirs: drops their futures here. What somebody has the Notified of is left to
    /// him. How many these were.
    pub(crate) fn cancel_idle(&self) -> usize {
        self.scan(State::shut_idle).cancelled
    }

    fn scan(&self, shut: fn(&State) -> Shut) -> Scan {
        let mut scan = Scan { cancelled: 0, in_flight: 0 };
        let mut taken = Vec::new();
        for depot in &self.depots {
            depot.for_each_cell(|cell| {
                // SAFETY: the cell's word may be read always, and the rest if there is a task.
                let task = unsafe { RawTask::new(cell) };
                match shut(task.state()) {
                    Shut::Nothing => {}
                    Shut::Take => taken.push(task),
                    Shut::InFlight => scan.in_flight += 1,
                }
            });
        }
        scan.in_flight += self.outside.lock().shut_alone(shut, &mut taken);
        scan.cancelled = taken.len();
        // With no lock held: the futures' drops are the users'.
        for task in taken {
            // SAFETY: the transition gave us the Notified of a task of this arena.
            let notified = unsafe { Notified::<S>::new(task) };
            let ran = notified.run(&Polled::new(), None);
            debug_assert!(matches!(ran, Ran::Done), "a cancelled task is not polled");
        }
        scan
    }

    /// The scheduler ends: every task is complete, every worker has left and flushed. `keep` is kept for as long as
    /// somebody holds a waker or a handle of one of its tasks, and dropped by whoever lets go of the last.
    pub(crate) fn retire(&self, keep: Arc<S>) {
        let mut outside = self.outside.lock();
        debug_assert!(outside.closed, "an arena is closed before it retires");
        debug_assert!(outside.retired.is_none(), "an arena retires once");
        let left = self.count_occupied(&outside);
        let (kept, unneeded) = if left > 0 { (Some(keep), None) } else { (None, Some(keep)) };
        outside.retired = Some(Retired { left, keep: kept });
        drop(outside);
        // With no lock held: it may be the last.
        drop(unneeded);
    }

    /// Takes a cell back. What is returned is to be dropped when no reference to the scheduler is left.
    ///
    /// # Safety
    ///
    /// A cell of this arena and of `home`, with no reference left, nothing in it to be dropped.
    #[inline(always)]
    pub(super) unsafe fn release(&self, owner: &S, task: RawTask, home: Home) -> Option<Arc<S>> {
        if let Home::Class(class) = home {
            // SAFETY: promise of the caller.
            let cached = owner
                .with_cache(|cache| cache.is_some_and(|cache| unsafe { self.cached(cache, task, class) }));
            if cached {
                return None;
            }
        }
        // After `with_cache` has returned: once the lock is let go the scheduler may be gone.
        // SAFETY: passed on.
        unsafe { self.release_locked(owner, task, home) }
    }

    /// Puts a released cell into a worker's cache. False when that is closed.
    ///
    /// # Safety
    ///
    /// As for `release`.
    #[inline]
    unsafe fn cached(&self, cache: &Cache, task: RawTask, class: Class) -> bool {
        // SAFETY: promise of the caller.
        if unsafe { cache.try_keep(class, task) } {
            return true;
        }
        if cache.is_closed() {
            return false;
        }
        self.depots[class.0].give(cache.make_room(class));
        // SAFETY: as above.
        let kept = unsafe { cache.try_keep(class, task) };
        debug_assert!(kept, "there is room for a chain");
        kept
    }

    /// # Safety
    ///
    /// As for `release`.
    #[cold]
    unsafe fn release_locked(&self, owner: &S, task: RawTask, home: Home) -> Option<Arc<S>> {
        let mut outside = self.lock_with_room(owner, home);
        match home {
            Home::Class(class) => {
                // Under the lock: until it is counted out here the cell keeps the scheduler.
                // SAFETY: promise of the caller.
                let kept = unsafe { outside.cache.try_keep(class, task) };
                debug_assert!(kept, "room was made under this lock");
            }
            // SAFETY: promise of the caller.
            Home::Alone { layout, key_at } => unsafe { outside.free_alone(task, layout, key_at) },
        }
        // When the lock is let go another thread may count the last cell out and drop what `self` is in.
        let retired = outside.retired.as_mut()?;
        retired.left -= 1;
        if retired.left == 0 { retired.keep.take() } else { None }
    }

    /// The outside lock, with room for a cell of `home` in the cache.
    ///
    /// For one who is about to give back a cell that still counts as taken: so the scheduler is there when it is called, which may
    /// run code of the users', and is done under no lock.
    fn lock_with_room(&self, owner: &S, home: Home) -> MutexGuard<'_, Outside<S>> {
        loop {
            let outside = self.outside.lock();
            let Home::Class(class) = home else { return outside };
            if outside.cache.has_room(class) {
                return outside;
            }
            let was_untidy = self.is_untidy();
            self.depots[class.0].give(outside.cache.make_room(class));
            if was_untidy || !self.is_untidy() {
                return outside;
            }
            drop(outside);
            // Whoever tidies may be asleep, and this thread wakes nobody else. A panic must not keep the cell from coming back.
            quietly(|| owner.untidy());
            // Others have come and gone: there may be no room any more.
        }
    }
}

impl<S> Drop for Arena<S> {
    fn drop(&mut self) {
        let occupied = self.count_occupied(&self.outside.lock());
        debug_assert!(
            std::thread::panicking() || occupied == 0,
            "an arena with tasks in it retires before it goes"
        );
        if occupied != 0 {
            // An owner that went by a panic: somebody may still hold a handle or a waker. Pages that are lost harm nobody.
            return;
        }
        for depot in &mut self.depots {
            // SAFETY: every cell is free, which was just counted; the scheduler goes, so nobody spawns.
            unsafe { depot.free_pages() };
        }
    }
}

impl<S> fmt::Debug for Arena<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("live", &self.live()).finish()
    }
}
