//! Whether somebody blocks, so that at most one eventfd write is made each time somebody does, and none by the wakers
//! that the block itself calls.
use std::sync::atomic::{AtomicU8, Ordering};

pub(crate) struct Gate(AtomicU8);

/// Nobody blocks.
const OPEN: u8 = 0;
/// Somebody does, and needs the eventfd to be told.
const BLOCKED: u8 = 1;
/// Somebody was told, or the next one will be.
const NOTIFIED: u8 = 2;

impl Gate {
    pub(crate) fn new() -> Gate {
        Gate(AtomicU8::new(OPEN))
    }

    /// About to block; false when the block is not to be.
    #[must_use]
    pub(crate) fn close(&self) -> bool {
        // Ordering: AcqRel: Acquire pairs with `knock`, what was done before it is seen; Release with its Acquire.
        self.0.compare_exchange(OPEN, BLOCKED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Not blocked any more.
    pub(crate) fn open(&self) {
        // Ordering: Acquire pairs with `knock`, as in `close`. A notification is overwritten: this block heeds it.
        self.0.swap(OPEN, Ordering::Acquire);
    }

    /// About to return from the block. A notification since `open`, by one of the wakers that it called, was for it too.
    pub(crate) fn heed(&self) {
        // Relaxed: one that is not seen here ends the next block, which is harmless.
        if self.0.load(Ordering::Relaxed) == NOTIFIED {
            self.open();
        }
    }

    /// Ends the present block, or keeps the next one from being. True when the eventfd is to be written.
    #[must_use]
    pub(crate) fn knock(&self) -> bool {
        // Ordering: Release publishes what was done before to the one who blocks; Acquire pairs with `close`.
        self.0.swap(NOTIFIED, Ordering::AcqRel) == BLOCKED
    }
}
