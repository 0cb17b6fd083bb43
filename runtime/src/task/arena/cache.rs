//! A worker's own store of free cells: taken from and given to with no atomics.
//!
//! The scheme is Bonwick's magazines ("Magazines and Vmem", USENIX 2001): two lists a class, so that neither a run of
//! spawns nor one of completions goes to the shared depot more often than once in `CHAIN`.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::ptr::NonNull;

use super::class::{CHAIN, Class, SIZES};
use super::free::FreeList;
use crate::task::header::{Header, RawTask};
use crate::task::id::{Id, IdBlock};

/// Free cells of one class.
struct Magazine {
    loaded: Cell<FreeList>,
    /// Empty or full, but for what a flush or a short chain leaves.
    spare: Cell<FreeList>,
}

/// A worker's free cells and task identifiers.
pub(crate) struct Cache {
    magazines: [Magazine; SIZES.len()],
    /// How many cells a list may hold: `CHAIN`, or zero once closed. So the fast paths need not ask whether it is.
    limit: Cell<usize>,
    /// May be read by any thread.
    pub(crate) ids: IdBlock,
}

// SAFETY: the lists own their cells, and free cells are for any thread.
unsafe impl Send for Cache {}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

impl Cache {
    pub(crate) fn new() -> Self {
        Cache {
            magazines: std::array::from_fn(|_| Magazine {
                loaded: Cell::new(FreeList::EMPTY),
                spare: Cell::new(FreeList::EMPTY),
            }),
            limit: Cell::new(CHAIN),
            ids: IdBlock::default(),
        }
    }

    /// From now on it hands out no identifiers: its thread spawns as one that has no cache. Before anybody else can see it.
    pub(crate) fn withhold_ids(&self) {
        self.ids.withhold();
    }

    /// An identifier that nobody else gets; none if they are withheld. This is what a spawn asks anyhow.
    #[inline]
    pub(crate) fn next_id(&self) -> Option<Id> {
        self.ids.take()
    }

    /// A free cell from the loaded list.
    #[inline]
    pub(in crate::task) fn take(&self, class: Class) -> Option<NonNull<Header>> {
        // SAFETY: nobody else is at the list of this thread's.
        unsafe { &mut *self.magazines[class.0].loaded.as_ptr() }.pop(class)
    }

    /// Puts a free cell onto the loaded list, if that has room. A closed cache has none.
    ///
    /// # Safety
    ///
    /// As for `FreeList::push`, if the answer is true.
    #[inline]
    pub(super) unsafe fn try_give(&self, class: Class, cell: NonNull<Header>) -> bool {
        // SAFETY: nobody else is at the list of this thread's.
        let list = unsafe { &mut *self.magazines[class.0].loaded.as_ptr() };
        if list.len >= self.limit.get() {
            return false;
        }
        // SAFETY: promise of the caller.
        unsafe { list.push(class, cell) };
        true
    }

    /// As `try_give`, for the cell of a task that is over: its word is made a free one.
    ///
    /// # Safety
    ///
    /// As for `try_give`.
    #[inline]
    pub(in crate::task) unsafe fn try_keep(&self, class: Class, task: RawTask) -> bool {
        // SAFETY: passed on. Nobody else can take the cell before its word is free.
        let kept = unsafe { self.try_give(class, task.as_ptr()) };
        if kept {
            task.state().reset();
        }
        kept
    }

    /// Whether `try_give` would take a cell.
    pub(super) fn has_room(&self, class: Class) -> bool {
        self.magazines[class.0].loaded.get().len < self.limit.get()
    }

    /// Makes room in the loaded list, which becomes the spare; the full spare before it is the caller's to give to the
    /// depot.
    pub(super) fn make_room(&self, class: Class) -> FreeList {
        let magazine = &self.magazines[class.0];
        magazine.spare.replace(magazine.loaded.replace(FreeList::EMPTY))
    }

    /// Loads the spare list. False when that is empty too.
    pub(super) fn load_spare(&self, class: Class) -> bool {
        let magazine = &self.magazines[class.0];
        magazine.loaded.swap(&magazine.spare);
        magazine.loaded.get().prefetch(class);
        magazine.loaded.get().len > 0
    }

    /// Loads a list from the depot, where there is none.
    pub(super) fn load(&self, class: Class, list: FreeList) {
        let before = self.magazines[class.0].loaded.replace(list);
        debug_assert_eq!(before.len, 0, "a list is loaded over nothing");
        list.prefetch(class);
    }

    /// Takes everything out.
    pub(super) fn unload(&self, class: Class) -> [FreeList; 2] {
        let magazine = &self.magazines[class.0];
        [magazine.loaded.replace(FreeList::EMPTY), magazine.spare.replace(FreeList::EMPTY)]
    }

    pub(super) fn close(&self) {
        self.limit.set(0);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.limit.get() == 0
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let free: usize = self.magazines.iter().map(|m| m.loaded.get().len + m.spare.get().len).sum();
        f.debug_struct("Cache").field("free", &free).field("closed", &self.is_closed()).finish()
    }
}
