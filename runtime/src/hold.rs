//! A right that one thread at a time has: to a slot's core, or to turn the driver.
#![allow(unreachable_pub, reason = "the loom models reach this through `model`")]

use crate::primitives::atomic::{AtomicBool, Ordering};

/// | state | set by | excludes |
/// |---|---|---|
/// | free | `release` | |
/// | held | `try_take` | every other `try_take` |
#[derive(Debug)]
pub struct Hold(AtomicBool);

impl Hold {
    /// Free.
    #[allow(clippy::new_without_default, reason = "nobody asks for it")]
    pub fn new() -> Hold {
        Hold(AtomicBool::new(false))
    }

    /// True when the caller has the right from now on, and what its former holder did before is seen.
    #[inline]
    #[must_use]
    pub fn try_take(&self) -> bool {
        // Relaxed look first: who finds it held leaves the line alone.
        // Ordering: Acquire pairs with the Release in `release`.
        !self.is_held() && self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// By the one who has the right, and has it no more.
    #[inline]
    pub fn release(&self) {
        debug_assert!(self.is_held(), "released by one who does not hold it");
        // Ordering: Release pairs with the Acquire in `try_take`.
        self.0.store(false, Ordering::Release);
    }

    /// Whether somebody has it.
    #[inline]
    pub fn is_held(&self) -> bool {
        // Relaxed: a hint only. The holder itself sees that it holds.
        self.0.load(Ordering::Relaxed)
    }
}
