//! One class's pages, and the chains of free cells that no thread has loaded.
#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::ptr::{self, NonNull};

use super::class::{CHAIN, Class, PAGE_ALIGN};
use super::free::{FreeCell, FreeList, unpoison};
use crate::primitives::Mutex;
use crate::task::face::{Face, Sight};
use crate::task::header::Header;
use crate::task::state::State;

pub(super) struct Depot {
    class: Class,
    chains: Mutex<Chains>,
    /// Every page there is. A scan holds this lock, and so does who frees a page. Taken before `chains`.
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    all: Vec<Page>,
    /// How often some were freed, and the others moved in the list.
    trims: usize,
}

/// A stack of lists, linked through their first cells.
struct Chains {
    top: *mut FreeCell,
    count: usize,
}

/// `CHAIN` cells side by side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Page(NonNull<u8>);

// SAFETY: a page is shared; what is done to its cells is for their words to say.
unsafe impl Send for Page {}
// SAFETY: the chains own their cells, and free cells are for any thread.
unsafe impl Send for Chains {}

impl Depot {
    pub(super) fn new(class: Class) -> Depot {
        Depot { class, chains: Mutex::new(Chains::EMPTY), pages: Mutex::new(Pages::default()) }
    }

    /// A chain of free cells; a new page where there is none.
    #[cold]
    pub(super) fn take(&self) -> FreeList {
        if let Some(list) = self.chains.lock().pop() {
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
        self.pages.lock().all.push(page);
        let mut list = FreeList::EMPTY;
        // Backwards, so that the lowest address is taken first.
        for cell in page.cells(self.class).rev() {
            // SAFETY: the cell is new, and its word is a free one.
            unsafe { list.push(self.class, cell) };
        }
        list
    }

    /// Calls `f` with every cell, under the lock that pages are freed under: no user code in there.
    pub(super) fn for_each_cell(&self, f: impl FnMut(NonNull<Header>)) {
        self.pages.lock().all.iter().flat_map(|page| page.cells(self.class)).for_each(f);
    }

    /// As `for_each_cell`, with what can be read of a free cell too.
    pub(super) fn for_each_word(&self, mut f: impl FnMut(&State)) {
        self.for_each_cell(|cell| {
            // SAFETY: in a page that is not freed meanwhile; the word of a cell may always be read.
            f(unsafe { &(*cell.as_ptr().cast::<FreeCell>()).face.state });
        });
    }

    /// Calls `see` with every task, some perhaps twice. The lock is let go between two pages, so that whoever needs a new
    /// one does not wait for long; a task that is there all the while is seen.
    pub(super) fn look_at_tasks(&self, mut see: impl FnMut(Sight)) {
        let (mut next, mut trims) = (0, 0);
        loop {
            let pages = self.pages.lock();
            if trims != pages.trims {
                (next, trims) = (0, pages.trims);
            }
            let Some(page) = pages.all.get(next) else {
                return;
            };
            for cell in page.cells(self.class) {
                // SAFETY: in a page that is not freed meanwhile; the face of a cell may always be read.
                let face = unsafe { &(*cell.as_ptr().cast::<FreeCell>()).face };
                face.look().into_iter().for_each(&mut see);
            }
            next += 1;
        }
    }

    /// The task in the cell at this address, if there is such a cell.
    pub(super) fn look_at(&self, cell: *const Header) -> Option<Sight> {
        let pages = self.pages.lock();
        let cell = pages.all.iter().find_map(|page| page.cell_at(cell.addr(), self.class))?;
        // SAFETY: in a page that is not freed meanwhile; the face of a cell may always be read.
        unsafe { &(*cell.as_ptr().cast::<FreeCell>()).face }.look()
    }

    /// Frees the pages whose every cell is in the depot, if that holds more than `keep` chains. Says how many.
    pub(super) fn trim(&self, keep: usize) -> usize {
        let mut locked = self.pages.lock();
        let mut chains = self.chains.lock();
        if chains.count <= keep {
            return 0;
        }
        let mut taken = std::mem::replace(&mut *chains, Chains::EMPTY);
        // Who needs a cell meanwhile waits for the pages' lock, in `grow`.
        drop(chains);
        let mut cells = Vec::with_capacity(taken.count * CHAIN);
        while let Some(mut list) = taken.pop() {
            cells.extend(std::iter::from_fn(|| list.pop(self.class)));
        }
        cells.sort_unstable();
        locked.trims += 1;
        let pages = &mut locked.all;
        pages.sort_unstable();

        let mut cells = &cells[..];
        let before = pages.len();
        let mut list = FreeList::EMPTY;
        pages.retain(|page| {
            let (here, rest) =
                cells.split_at(cells.partition_point(|cell| page.is_before_end(*cell, self.class)));
            cells = rest;
            if here.len() == CHAIN {
                // SAFETY: all its cells were in the depot, so they are ours, and they do not go back.
                unsafe { page.free(self.class) };
                return false;
            }
            for cell in here {
                // SAFETY: out of the depot, so ours, and free.
                unsafe { list.push(self.class, *cell) };
                if list.len == CHAIN {
                    self.give(std::mem::replace(&mut list, FreeList::EMPTY));
                }
            }
            true
        });
        self.give(list);
        if pages.len() < before / 2 {
            pages.shrink_to_fit();
        }
        before - pages.len()
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
        for page in self.pages.get_mut().all.drain(..) {
            // SAFETY: promise of the caller.
            unsafe { page.free(self.class) };
        }
    }
}

impl Chains {
    const EMPTY: Chains = Chains { top: ptr::null_mut(), count: 0 };

    fn push(&mut self, class: Class, list: FreeList) {
        debug_assert!(list.len > 0 && list.len <= CHAIN, "a chain has cells, and no more than a page");
        let first = list.head;
        // SAFETY: the list is ours, and so is its first cell.
        unsafe { unpoison(first, class.size()) };
        // SAFETY: as above; a cell is larger than a `FreeCell`.
        unsafe { (*first).next_chain = self.top };
        // SAFETY: as above.
        unsafe { (*first).chain_len = list.len };
        self.top = first;
        self.count += 1;
    }

    fn pop(&mut self) -> Option<FreeList> {
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
        match Layout::from_size_align(class.size() * CHAIN, PAGE_ALIGN) {
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
            unsafe { cell.as_ptr().cast::<Face>().write(Face::free()) };
        }
        page
    }

    fn cells(self, class: Class) -> impl DoubleEndedIterator<Item = NonNull<Header>> {
        // SAFETY: within the page.
        (0..CHAIN).map(move |index| unsafe { self.0.add(index * class.size()) }.cast())
    }

    fn cell_at(self, address: usize, class: Class) -> Option<NonNull<Header>> {
        let offset =
            address.checked_sub(self.0.addr().get()).filter(|offset| *offset < class.size() * CHAIN)?;
        // SAFETY: within the page.
        offset.is_multiple_of(class.size()).then(|| unsafe { self.0.add(offset) }.cast())
    }

    fn is_before_end(self, cell: NonNull<Header>, class: Class) -> bool {
        cell.addr().get() < self.0.addr().get() + class.size() * CHAIN
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
