//! Task identifiers.
#![allow(unsafe_code)]

use std::fmt;
use std::num::NonZeroU64;
use std::ops::Range;
// Not through `sync`: a static, and no protocol depends on it.
use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies a task among all that the process has ever spawned.
///
/// ```
/// # fn names(a: runtime::task::Id, b: runtime::task::Id) {
/// if a == b {
///     println!("task {a} met itself");
/// }
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(NonZeroU64);

/// Taken from the shared counter at once by a worker, so that a spawn does not write a line that all share.
pub(super) const BLOCK: u64 = 1024;

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Id {
    /// An identifier for a thread that is no worker; a worker's cache hands out its own.
    pub(crate) fn next() -> Id {
        Self::from_number(Self::take_block(1))
    }

    /// The first of `count` identifiers that nobody else gets.
    pub(super) fn take_block(count: u64) -> u64 {
        // Relaxed: only uniqueness is asked for.
        NEXT.fetch_add(count, Ordering::Relaxed)
    }

    /// All identifiers below this one are taken, by blocks.
    pub(crate) fn horizon() -> u64 {
        // Relaxed: an estimate of a task's age is made of it.
        NEXT.load(Ordering::Relaxed)
    }

    /// The identifier as a number, for reports.
    pub(crate) fn as_nonzero(self) -> NonZeroU64 {
        self.0
    }

    /// The identifier that `as_nonzero` gave.
    pub(crate) fn from_nonzero(number: NonZeroU64) -> Id {
        Id(number)
    }

    #[inline]
    pub(crate) fn from_number(number: u64) -> Id {
        // 2^64 spawns do not happen: at one a nanosecond they take five centuries.
        Id(NonZeroU64::new(number).unwrap_or_else(unlikely))
    }
}

/// A branch, and not the two instructions more that choose without one.
#[cold]
fn unlikely() -> NonZeroU64 {
    NonZeroU64::MAX
}

/// As `next` and `end`: no identifier is ever handed out.
const WITHHELD: u64 = u64::MAX;

/// The identifiers that a worker has taken and not handed out. Read by anybody, written by the worker.
#[derive(Default)]
pub(crate) struct IdBlock {
    next: AtomicU64,
    end: AtomicU64,
}

impl IdBlock {
    /// From now on the worker is to spawn as a thread that is none. Before anybody else can see the block.
    pub(super) fn withhold(&self) {
        // Relaxed: published with what the block is part of.
        self.next.store(WITHHELD, Ordering::Relaxed);
        self.end.store(WITHHELD, Ordering::Relaxed);
    }

    /// An identifier that nobody else gets; none if they are withheld. By the worker.
    #[inline]
    pub(super) fn take(&self) -> Option<Id> {
        // Relaxed: this thread is the only writer.
        let next = self.next.load(Ordering::Relaxed);
        if next == self.end.load(Ordering::Relaxed) {
            return self.take_of_new_block();
        }
        self.next.store(next + 1, Ordering::Relaxed);
        // SAFETY: a block begins at one or behind another, and 2^64 spawns do not happen: at one a nanosecond they take five
        // centuries. (Before the first block `next` is `end`.)
        Some(Id(unsafe { NonZeroU64::new_unchecked(next) }))
    }

    #[cold]
    fn take_of_new_block(&self) -> Option<Id> {
        // Relaxed: as in `take`.
        if self.next.load(Ordering::Relaxed) == WITHHELD {
            return None;
        }
        let first = Id::take_block(BLOCK);
        self.next.store(first + 1, Ordering::Relaxed);
        // Ordering: Release pairs with the Acquire of `rest`: no end comes with the next of a block before.
        self.end.store(first + BLOCK, Ordering::Release);
        Some(Id::from_number(first))
    }

    /// What is not handed out yet. By anybody, as of some moment.
    pub(crate) fn rest(&self) -> Range<u64> {
        // Ordering: Acquire pairs with the Release of `take_of_new_block`.
        let end = self.end.load(Ordering::Acquire);
        let next = self.next.load(Ordering::Relaxed);
        // The end may be that of a block before.
        next..if next > end { next + BLOCK } else { end }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}
