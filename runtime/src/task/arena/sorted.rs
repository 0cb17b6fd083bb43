//! Free cells sorted by pages: what tells which pages nobody is in.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::class::{CHAIN, Class, KEPT};
use super::free::FreeList;
use super::page::Page;
use crate::task::header::Header;

/// A page and those of its cells that have been sorted.
pub(super) struct Entry {
    pub(super) page: Page,
    /// In the list of pages.
    pub(super) place: usize,
    pub(super) cells: FreeList,
}

/// A pass under way.
pub(super) struct Sorted {
    class: Class,
    /// The pages there were when it began, by address.
    entries: Vec<Entry>,
    /// Where the last cell went: its neighbour is often the next.
    last: usize,
    /// Entries that got a first cell, which may have been taken meanwhile.
    begun: Vec<usize>,
    /// Cells of later pages.
    strays: FreeList,
    /// Chains still to be sorted.
    wanted: usize,
    sorted: usize,
    /// Whole pages to be kept.
    keep: usize,
    freed: usize,
}

// SAFETY: the lists own their cells, and free cells are for any thread.
unsafe impl Send for Sorted {}

impl Entry {
    pub(super) fn new(page: Page, place: usize) -> Entry {
        Entry { page, place, cells: FreeList::EMPTY }
    }
}

impl Sorted {
    pub(super) fn new(class: Class, mut entries: Vec<Entry>, wanted: usize) -> Sorted {
        entries.sort_unstable_by_key(|entry| entry.page);
        let begun = Vec::with_capacity(entries.len());
        let keep = KEPT[class.0];
        Sorted { class, entries, last: 0, begun, strays: FreeList::EMPTY, wanted, sorted: 0, keep, freed: 0 }
    }

    pub(super) fn wants_more(&self) -> bool {
        self.wanted > 0
    }

    /// Puts the cells of a chain to their pages. The answer is a chain that belongs to none.
    #[must_use]
    pub(super) fn add(&mut self, mut chain: FreeList) -> Option<FreeList> {
        let class = self.class;
        self.wanted -= 1;
        self.sorted += 1;
        let full = (self.strays.len + chain.len > CHAIN).then(|| self.take_strays());
        while let Some(cell) = chain.pop(class) {
            let list = match self.find(cell) {
                Some(index) => {
                    let list = &mut self.entries[index].cells;
                    if list.len == 0 {
                        self.begun.push(index);
                    }
                    list
                }
                None => &mut self.strays,
            };
            // SAFETY: out of a chain of ours, so free and nobody else's.
            unsafe { list.push(class, cell) };
        }
        full
    }

    fn find(&mut self, cell: NonNull<Header>) -> Option<usize> {
        if !self.entries.get(self.last).is_some_and(|entry| entry.page.includes(cell)) {
            self.last = self.entries.partition_point(|entry| entry.page.ends_before(cell));
        }
        self.entries.get(self.last).filter(|entry| entry.page.includes(cell)).map(|_| self.last)
    }

    /// Cells for somebody who would need a new page else.
    pub(super) fn take(&mut self) -> Option<FreeList> {
        while let Some(index) = self.begun.pop() {
            // It is none of the entries any more if it was looked through.
            if let Some(entry) = self.entries.get_mut(index)
                && entry.cells.len > 0
            {
                return Some(std::mem::replace(&mut entry.cells, FreeList::EMPTY));
            }
        }
        Some(self.take_strays()).filter(|strays| strays.len > 0)
    }

    /// The next page to be looked through, from the end. From now on nobody finds its cells here.
    pub(super) fn next_page(&mut self) -> Option<Entry> {
        self.entries.pop()
    }

    /// Whether this whole page is one of those that are kept. Asked once for each.
    pub(super) fn keeps_whole(&mut self) -> bool {
        let keeps = self.keep > 0;
        self.keep = self.keep.saturating_sub(1);
        keeps
    }

    pub(super) fn has_pages(&self) -> bool {
        !self.entries.is_empty()
    }

    pub(super) fn take_strays(&mut self) -> FreeList {
        std::mem::replace(&mut self.strays, FreeList::EMPTY)
    }

    pub(super) fn count_freed(&mut self, pages: usize) {
        self.freed += pages;
    }

    /// Whether it has freed a quarter of what it sorted.
    pub(super) fn was_worth_it(&self) -> bool {
        4 * self.freed >= self.sorted
    }
}
