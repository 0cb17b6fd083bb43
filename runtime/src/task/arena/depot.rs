//! One class's pages, and the free cells that no thread has loaded.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::class::Class;
use super::free::{FreeCell, FreeList};
use super::page::{End, Page, Pages};
use super::sorted::{Entry, Sorted};
use super::store::Store;
use crate::primitives::Mutex;
use crate::primitives::atomic::{AtomicBool, Ordering};
use crate::task::face::Sight;
use crate::task::header::Header;
use crate::task::state::State;

/// Chains sorted in a step, each under a lock of its own, or pages looked through in one. Measured: some 0.2 ms, of which the
/// lock is held for 5 µs at a time.
const PORTION: usize = 64;

pub(super) struct Depot {
    class: Class,
    store: Mutex<Store>,
    /// A scan holds this lock, and so does who takes a page out. Never together with `store`.
    pages: Mutex<Pages>,
    /// What `store` says to `is_untidy`, written under its lock.
    untidy: AtomicBool,
}

impl Depot {
    pub(super) fn new(class: Class) -> Depot {
        Depot {
            class,
            store: Mutex::new(Store::new(class)),
            pages: Mutex::new(Pages::default()),
            untidy: AtomicBool::new(false),
        }
    }

    /// A chain of free cells; a new page where there is none.
    #[cold]
    pub(super) fn take(&self) -> FreeList {
        let taken = self.store.lock().take();
        taken.unwrap_or_else(|| self.grow())
    }

    /// Stores a list of free cells.
    #[cold]
    pub(super) fn give(&self, list: FreeList) {
        if list.len > 0 {
            let mut store = self.store.lock();
            store.give(list);
            self.publish(&store);
        }
    }

    fn grow(&self) -> FreeList {
        let apart = self.pages.lock().apart(self.class);
        let page = Page::allocate(apart);
        self.pages.lock().add(page);
        let mut list = FreeList::EMPTY;
        // Backwards, so that the lowest address is taken first.
        for cell in page.cells().rev() {
            // SAFETY: the cell is new, and its word is a free one.
            unsafe { list.push(self.class, cell) };
        }
        list
    }

    /// Calls `f` with every cell, under the lock that pages are freed under: no user code in there.
    pub(super) fn for_each_cell(&self, f: impl FnMut(NonNull<Header>)) {
        self.pages.lock().iter().flat_map(|(_, page)| page.cells()).for_each(f);
    }

    /// As `for_each_cell`, with what can be read of a free cell too.
    pub(super) fn for_each_word(&self, mut f: impl FnMut(&State)) {
        self.for_each_cell(|cell| {
            // SAFETY: in a page that is not freed meanwhile; the word of a cell may always be read.
            f(unsafe { &(*cell.as_ptr().cast::<FreeCell>()).face.state });
        });
    }

    /// Calls `see` with every task. The lock is let go between two pages, so that whoever needs a new one does not wait for
    /// long; a task that is there all the while is seen.
    pub(super) fn look_at_tasks(&self, mut see: impl FnMut(Sight)) {
        for place in 0.. {
            let pages = self.pages.lock();
            let page = match pages.get(place) {
                Ok(Some(page)) => page,
                Ok(None) => continue,
                Err(End) => return,
            };
            for cell in page.cells() {
                // SAFETY: in a page that is not freed meanwhile; the face of a cell may always be read.
                let face = unsafe { &(*cell.as_ptr().cast::<FreeCell>()).face };
                face.look().into_iter().for_each(&mut see);
            }
        }
    }

    /// The task in the cell at this address, if there is such a cell.
    pub(super) fn look_at(&self, cell: *const Header) -> Option<Sight> {
        let pages = self.pages.lock();
        let cell = pages.iter().find_map(|(_, page)| page.cell_at(cell.addr()))?;
        // SAFETY: in a page that is not freed meanwhile; the face of a cell may always be read.
        unsafe { &(*cell.as_ptr().cast::<FreeCell>()).face }.look()
    }

    /// Whether there is more here than need be, or a pass is under way.
    pub(super) fn is_untidy(&self) -> bool {
        // Relaxed: a hint; see `publish`.
        self.untidy.load(Ordering::Relaxed)
    }

    /// From now on it is noted how little there is here.
    pub(super) fn mark(&self) {
        self.store.lock().mark();
    }

    /// Ends the time since the last mark or look; begins a pass if something was not needed all the while. By one thread at
    /// a time, as `step`.
    pub(super) fn begin(&self) -> bool {
        let surplus = {
            let mut store = self.store.lock();
            let surplus = store.look();
            if surplus == 0 {
                self.publish(&store);
                return false;
            }
            surplus
        };
        let class = self.class;
        // A page that is made from now on is none of this pass.
        let mut entries = Vec::with_capacity(self.pages.lock().places());
        let most = entries.capacity();
        entries.extend(self.pages.lock().iter().take(most).map(|(place, page)| Entry::new(page, place)));
        let sorted = Sorted::new(class, entries, surplus);
        let mut store = self.store.lock();
        store.sort_into(sorted);
        self.publish(&store);
        true
    }

    /// A step of the pass: sorts free cells by pages; when that is done, frees the pages that are whole and puts what is left
    /// back into chains. False when the pass is over.
    pub(super) fn step(&self) -> bool {
        for _ in 0..PORTION {
            if !self.store.lock().sort_chain() {
                return self.unload();
            }
        }
        true
    }

    fn unload(&self) -> bool {
        let mut whole = Vec::with_capacity(PORTION);
        let more = {
            let mut store = self.store.lock();
            let more = store.unload(&mut whole, PORTION);
            self.publish(&store);
            more
        };
        {
            let mut pages = self.pages.lock();
            for entry in &whole {
                pages.remove(entry.place);
            }
            if !more {
                pages.shrink();
            }
        }
        // Nobody can come to know of them any more: no list has a cell of theirs, and a scan reads none of them.
        for entry in whole {
            // SAFETY: all its cells were in the store, so they are ours, and they do not go back.
            unsafe { entry.page.free(self.class) };
        }
        more
    }

    /// To be called under the lock.
    fn publish(&self, store: &Store) {
        // Relaxed: whoever reads it looks again later, or is told.
        self.untidy.store(store.is_untidy(), Ordering::Relaxed);
    }

    /// How many pages there are.
    #[cfg(any(test, runtime_loom))]
    pub(super) fn pages(&self) -> usize {
        self.pages.lock().iter().count()
    }

    pub(super) fn class(&self) -> Class {
        self.class
    }

    /// Frees the pages.
    ///
    /// # Safety
    ///
    /// No cell of theirs is in use, and none will be taken.
    pub(super) unsafe fn free_pages(&mut self) {
        for (_, page) in std::mem::take(self.pages.get_mut()).iter() {
            // SAFETY: promise of the caller.
            unsafe { page.free(self.class) };
        }
    }
}
