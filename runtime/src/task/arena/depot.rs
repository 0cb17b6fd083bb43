//! One class's pages, and the chains of free cells that no thread has loaded.
#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::ptr::{self, NonNull};

use super::class::{ALIGN, CHAIN, Class};
use super::free::{FreeCell, FreeList, unpoison};
use crate::sync::Mutex;
use crate::task::header::Header;
use crate::task::state::State;

pub(super) struct Depot {
    class: Class,
    chains: Mutex<Chains>,
    /// Every page there is. Pages are only added until the arena is dropped, so a cell's word may always be read.
    pages: Mutex<Vec<Page>>,
}

/// A stack of lists, linked through their first cells.
struct Chains {
    top: *mut FreeCell,
    count: usize,
}

/// `CHAIN` cells side by side.
#[derive(Clone, Copy)]
pub(super) struct Page(NonNull<u8>);

// SAFETY: a page is shared; what is done to its cells is for their words to say.
unsafe impl Send for Page {}
// SAFETY: the chains own their cells, and free cells are for any thread.
unsafe impl Send for Chains {}

impl Depot {
    pub(super) fn new(class: Class) -> Depot {
        Depot {
            class,
            chains: Mutex::new(Chains { top: ptr::null_mut(), count: 0 }),
            pages: Mutex::new(Vec::new()),
        }
    }

    /// A chain of free cells; a new page where there is none.
    #[cold]
    pub(super) fn take(&self) -> FreeList {
        if let Some(list) = self.chains.lock().pop(self.class) {
            return list;
        }
        self.grow()
    }

    /// Stores a list of free cells.
    #[cold]
    pub(super) fn give(&self, list: FreeList) {
        if list.len > 0 {
            self.chains.lock().push(self.class, list);
        }
    }

    fn grow(&self) -> FreeList {
        let page = Page::allocate(self.class);
        self.pages.lock().push(page);
        let mut list = FreeList::EMPTY;
        // Backwards, so that the lowest address is taken first.
        for cell in page.cells(self.class).rev() {
            // SAFETY: the cell is new, and its word is a free one.
            unsafe { list.push(self.class, cell) };
        }
        list
    }

    /// Calls `f` with the word of every cell, under the lock: no user code in there.
    pub(super) fn for_each_word(&self, mut f: impl FnMut(&State)) {
        let pages = self.pages.lock();
        for cell in pages.iter().flat_map(|page| page.cells(self.class)) {
            // SAFETY: the word of a cell in a page may always be read.
            f(unsafe { &(*cell.as_ptr().cast::<FreeCell>()).word });
        }
    }

    /// The pages there are now.
    pub(super) fn pages(&self) -> Vec<Page> {
        self.pages.lock().clone()
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
        for page in self.pages.get_mut().drain(..) {
            // SAFETY: promise of the caller.
            unsafe { page.free(self.class) };
        }
    }
}

impl Chains {
    fn push(&mut self, class: Class, list: FreeList) {
        debug_assert!(list.len > 0 && list.len <= CHAIN, "a chain has cells, and no more than a page");
        let first = list.head;
        // SAFETY: the list is ours, and so is its first cell.
        unsafe { unpoison(first, class.size()) };
        // SAFETY: as above; a cell is larger than a `FreeCell`.
        unsafe { (&raw mut (*first).next_chain).write(self.top) };
        // SAFETY: as above.
        unsafe { (&raw mut (*first).chain_len).write(list.len) };
        self.top = first;
        self.count += 1;
    }

    fn pop(&mut self, _class: Class) -> Option<FreeList> {
        let first = NonNull::new(self.top)?.as_ptr();
        // SAFETY: the first cell of a chain of ours, written by `push` and left unpoisoned.
        self.top = unsafe { (*first).next_chain };
        self.count -= 1;
        // SAFETY: as above.
        let len = unsafe { (*first).chain_len };
        Some(FreeList { head: first, len })
    }
}

impl Page {
    fn layout(class: Class) -> Layout {
        // A line's alignment costs nothing for a page, and keeps the larger cells on lines of their own.
        const LINE: usize = 64;
        const { assert!(LINE >= ALIGN) };
        match Layout::from_size_align(class.size() * CHAIN, LINE) {
            Ok(layout) => layout,
            Err(_) => unreachable!("a page is small"),
        }
    }

    fn allocate(class: Class) -> Page {
        let layout = Self::layout(class);
        // SAFETY: the size is not zero.
        let memory = unsafe { alloc::alloc(layout) };
        let Some(memory) = NonNull::new(memory) else { alloc::handle_alloc_error(layout) };
        let page = Page(memory);
        for cell in page.cells(class) {
            // SAFETY: within the new page, aligned.
            unsafe { cell.as_ptr().cast::<State>().write(State::free()) };
        }
        page
    }

    pub(super) fn cells(self, class: Class) -> impl DoubleEndedIterator<Item = NonNull<Header>> {
        // SAFETY: within the page.
        (0..CHAIN).map(move |index| unsafe { self.0.add(index * class.size()) }.cast())
    }

    /// # Safety
    ///
    /// No cell of it is in use, and none will be taken.
    unsafe fn free(self, class: Class) {
        for cell in self.cells(class) {
            // SAFETY: ours alone by now.
            unsafe { unpoison(cell.as_ptr().cast(), class.size()) };
        }
        // SAFETY: allocated with this layout.
        unsafe { alloc::dealloc(self.0.as_ptr(), Self::layout(class)) };
    }
}
