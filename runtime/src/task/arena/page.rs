//! Pages, and the list of them that a scan reads.
#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::ptr::NonNull;

use super::class::{CHAIN, Class, PAGE_ALIGN};
use super::free::unpoison;
use crate::task::face::Face;
use crate::task::header::Header;

/// `CHAIN` cells, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Page {
    memory: NonNull<u8>,
    /// From one to the next: the size of its class, or a little more so that each has its lines for itself.
    apart: usize,
}

// SAFETY: a page is shared; what is done to its cells is for their words to say.
unsafe impl Send for Page {}

/// Every page of a class. Each keeps its place, so that who reads them one by one meets each that is there all the while.
#[derive(Default)]
pub(super) struct Pages {
    places: Vec<Option<Page>>,
    /// Places of pages that were freed, for new ones. Some may be beyond the end, or taken again.
    vacant: Vec<usize>,
    /// Pages whose cells have their lines for themselves.
    wide: usize,
}

impl Pages {
    /// How far apart the cells of the next page are to be.
    pub(super) fn apart(&self, class: Class) -> usize {
        if self.wide < class.wide_pages() { class.wide() } else { class.size() }
    }

    pub(super) fn add(&mut self, page: Page) {
        self.wide += usize::from(page.is_wide());
        while let Some(place) = self.vacant.pop() {
            if let Some(vacant @ None) = self.places.get_mut(place) {
                *vacant = Some(page);
                return;
            }
        }
        self.places.push(Some(page));
    }

    /// The page in this place is about to be freed.
    pub(super) fn remove(&mut self, place: usize) {
        let removed = self.places[place].take();
        debug_assert!(removed.is_some(), "a page is freed once");
        self.wide -= usize::from(removed.is_some_and(Page::is_wide));
        self.vacant.push(place);
    }

    /// Gives back what the list itself does not need any more.
    pub(super) fn shrink(&mut self) {
        let end = self.places.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        self.places.truncate(end);
        self.places.shrink_to(2 * end);
        self.vacant.retain(|place| *place < end);
        self.vacant.shrink_to(2 * self.vacant.len());
    }

    /// The page in this place; the error is that there are no more places.
    pub(super) fn get(&self, place: usize) -> Result<Option<Page>, End> {
        self.places.get(place).copied().ok_or(End)
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Page)> {
        self.places.iter().enumerate().filter_map(|(place, page)| Some((place, (*page)?)))
    }
}

/// There are no more places.
pub(super) struct End;

impl Page {
    fn layout(self) -> Layout {
        match Layout::from_size_align(self.size(), PAGE_ALIGN) {
            Ok(layout) => layout,
            Err(_) => unreachable!("a page is small"),
        }
    }

    fn is_wide(self) -> bool {
        self.apart.is_multiple_of(PAGE_ALIGN)
    }

    fn size(self) -> usize {
        self.apart * CHAIN
    }

    /// Of cells so far apart.
    pub(super) fn allocate(apart: usize) -> Page {
        let mut page = Page { memory: NonNull::dangling(), apart };
        let layout = page.layout();
        // SAFETY: the size is not zero.
        let memory = unsafe { alloc::alloc(layout) };
        let Some(memory) = NonNull::new(memory) else { alloc::handle_alloc_error(layout) };
        page.memory = memory;
        for cell in page.cells() {
            // SAFETY: within the new page, aligned.
            unsafe { cell.as_ptr().cast::<Face>().write(Face::free()) };
        }
        page
    }

    pub(super) fn cells(self) -> impl DoubleEndedIterator<Item = NonNull<Header>> {
        // SAFETY: within the page.
        (0..CHAIN).map(move |index| unsafe { self.memory.add(index * self.apart) }.cast())
    }

    pub(super) fn cell_at(self, address: usize) -> Option<NonNull<Header>> {
        let offset = address.checked_sub(self.memory.addr().get()).filter(|offset| *offset < self.size())?;
        // SAFETY: within the page.
        offset.is_multiple_of(self.apart).then(|| unsafe { self.memory.add(offset) }.cast())
    }

    /// Whether it lies wholly before this cell.
    pub(super) fn ends_before(self, cell: NonNull<Header>) -> bool {
        self.memory.addr().get() + self.size() <= cell.addr().get()
    }

    pub(super) fn includes(self, cell: NonNull<Header>) -> bool {
        self.memory.addr() <= cell.addr() && !self.ends_before(cell)
    }

    /// # Safety
    ///
    /// No cell of it is in use, and none will be taken.
    pub(super) unsafe fn free(self, class: Class) {
        for cell in self.cells() {
            // SAFETY: ours alone by now.
            unsafe { unpoison(cell.as_ptr().cast(), class.size()) };
        }
        // SAFETY: allocated with this layout.
        unsafe { alloc::dealloc(self.memory.as_ptr(), self.layout()) };
    }
}

#[cfg(test)]
mod tests;
