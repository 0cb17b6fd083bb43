//! The free cells of a depot: chains, and during a pass what has been sorted. README, "After a burst".
#![allow(unsafe_code)]

use std::ptr::{self, NonNull};

use super::class::{CHAIN, Class, KEPT};
use super::free::{FreeCell, FreeList, unpoison};
use super::sorted::{Entry, Sorted};

/// The most looks that are left out after passes that freed little.
const MOST_SKIPPED: u32 = 16;

pub(super) struct Store {
    class: Class,
    chains: Chains,
    /// The fewest chains since the last mark or look: nobody needed these.
    low: usize,
    /// Chains that came since the last pass over all began.
    given: usize,
    /// Chains that it could not make pages of.
    left: usize,
    /// Whether the present pass is over all.
    over_all: bool,
    /// Looks to leave out, and how many after the next pass that frees little.
    skip: u32,
    next_skip: u32,
    /// While a pass is under way.
    sorted: Option<Sorted>,
}

/// A stack of lists, linked through their first cells.
struct Chains {
    top: *mut FreeCell,
    count: usize,
}

// SAFETY: the chains own their cells, and free cells are for any thread.
unsafe impl Send for Chains {}

impl Store {
    pub(super) fn new(class: Class) -> Store {
        let chains = Chains { top: ptr::null_mut(), count: 0 };
        Store {
            class,
            chains,
            low: 0,
            given: 0,
            left: 0,
            over_all: false,
            skip: 0,
            next_skip: 1,
            sorted: None,
        }
    }

    pub(super) fn take(&mut self) -> Option<FreeList> {
        let taken = self.chains.pop();
        self.low = self.low.min(self.chains.count);
        // Rather than a new page. It is not whole now, and stays.
        taken.or_else(|| self.sorted.as_mut()?.take())
    }

    pub(super) fn give(&mut self, list: FreeList) {
        self.chains.push(self.class, list);
        self.given += 1;
    }

    /// A pass is under way, or a look may begin one: there is more than is always kept, and much of it has come after the
    /// last pass.
    pub(super) fn is_untidy(&self) -> bool {
        self.sorted.is_some()
            || self.chains.count >= (2 * KEPT[self.class.0]).max(1) && self.given > self.left / 8
    }

    pub(super) fn mark(&mut self) {
        self.low = self.chains.count;
    }

    /// Ends the time since the last mark, and begins the next. How many chains are to be sorted.
    pub(super) fn look(&mut self) -> usize {
        let unneeded = std::mem::replace(&mut self.low, self.chains.count);
        let kept = KEPT[self.class.0];
        if !self.is_untidy() || unneeded < 2 * kept {
            return 0;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return 0;
        }
        self.over_all = unneeded == self.chains.count;
        if self.over_all {
            self.given = 0;
        }
        // All of them, also what is kept: a cell that is not sorted keeps its page, and in the order in which cells came back each
        // may be of another.
        unneeded
    }

    pub(super) fn sort_into(&mut self, sorted: Sorted) {
        debug_assert!(self.sorted.is_none(), "one pass at a time");
        self.sorted = Some(sorted);
    }

    /// Sorts a chain. False when all that were wanted are sorted, or there is none.
    pub(super) fn sort_chain(&mut self) -> bool {
        let Some(sorted) = &mut self.sorted else { return false };
        if !sorted.wants_more() {
            return false;
        }
        let Some(chain) = self.chains.pop() else { return false };
        if let Some(strays) = sorted.add(chain) {
            self.chains.push(self.class, strays);
        }
        true
    }

    /// Looks through so many pages: the whole ones go to `whole`, of the others the cells go back. False when that was the
    /// last, and the pass is over.
    pub(super) fn unload(&mut self, whole: &mut Vec<Entry>, most: usize) -> bool {
        let Some(sorted) = &mut self.sorted else { return false };
        for _ in 0..most {
            let Some(entry) = sorted.next_page() else { break };
            if entry.cells.len == CHAIN && !sorted.keeps_whole() {
                whole.push(entry);
            } else if entry.cells.len > 0 {
                self.chains.push(self.class, entry.cells);
            }
        }
        if sorted.has_pages() {
            sorted.count_freed(whole.len());
            return true;
        }
        sorted.count_freed(whole.len());
        let strays = sorted.take_strays();
        if strays.len > 0 {
            self.chains.push(self.class, strays);
        }
        if sorted.was_worth_it() {
            (self.skip, self.next_skip) = (0, 1);
        } else {
            (self.skip, self.next_skip) = (self.next_skip, (2 * self.next_skip).min(MOST_SKIPPED));
        }
        self.sorted = None;
        if self.over_all {
            self.left = self.chains.count;
        }
        self.low = self.chains.count;
        false
    }
}

impl Chains {
    fn push(&mut self, class: Class, list: FreeList) {
        debug_assert!(list.len > 0 && list.len <= CHAIN, "a chain has cells, and no more than a page");
        let first = list.first();
        // SAFETY: the list is ours, and so is its first cell.
        unsafe { unpoison(first, class.size()) };
        // SAFETY: as above; a cell is larger than a `FreeCell`.
        unsafe { (*first).next_chain = self.top };
        // SAFETY: as above.
        unsafe { (*first).chain = list };
        self.top = first;
        self.count += 1;
    }

    fn pop(&mut self) -> Option<FreeList> {
        let first = NonNull::new(self.top)?.as_ptr();
        // SAFETY: the first cell of a chain of ours, written by `push` and left unpoisoned.
        self.top = unsafe { (*first).next_chain };
        self.count -= 1;
        // SAFETY: as above.
        Some(unsafe { (*first).chain })
    }
}
