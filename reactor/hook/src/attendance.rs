//! Who drives a driver or a source: somebody or nobody.
use crate::sync::atomic::{AtomicBool, Ordering, fence};

/// Whether some thread has promised to drive a [`Driver`](crate::Driver) or a
/// [`DeadlineSource`](crate::DeadlineSource).
///
/// A waiter that leaves its waker with a reactor and then finds it unattended must find it somebody to drive it. A
/// driving thread that leaves vacates and then wakes every waiter. The README proves that no waiter falls between.
#[derive(Debug)]
pub struct Attendance {
    attended: AtomicBool,
}

impl Default for Attendance {
    fn default() -> Self {
        Self::new()
    }
}

impl Attendance {
    /// Nobody drives it yet.
    pub fn new() -> Self {
        Attendance { attended: AtomicBool::new(false) }
    }

    /// Promises to drive from now on. False when somebody else already has: a waiter whose waker was left before may
    /// rely on that one.
    #[must_use]
    pub fn try_attend(&self) -> bool {
        // Ordering: store-load fence, as in `is_attended`: who is refused has only looked.
        fence(Ordering::SeqCst);
        // Ordering: Acquire pairs with the Release in `vacate`: what the last one did while driving is seen.
        self.attended.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Takes the promise back. The caller must wake every waiter afterwards.
    pub fn vacate(&self) {
        // Ordering: Release pairs with the Acquire in `try_attend`.
        self.attended.store(false, Ordering::Release);
        // Ordering: store-load fence, pairs with the one in `is_attended`: either the waiter sees `false`, or the
        // scan that follows this call sees its waker.
        fence(Ordering::SeqCst);
    }

    /// Whether somebody drives it. To be called *after* the waker was left where `vacate`'s caller finds it.
    pub fn is_attended(&self) -> bool {
        // Ordering: store-load fence, pairs with the one in `vacate`.
        fence(Ordering::SeqCst);
        // Ordering: Relaxed: the fence above orders it, and nothing else is read on its account.
        self.attended.load(Ordering::Relaxed)
    }
}
