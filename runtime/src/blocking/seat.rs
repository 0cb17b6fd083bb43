//! Where one thread of the pool waits.
// Public for the model only.
#![cfg_attr(not(runtime_loom), allow(unreachable_pub))]

use std::sync::Arc;
#[cfg(not(runtime_loom))]
use std::time::{Duration, Instant};

use crate::primitives::atomic::{AtomicBool, Ordering};
use crate::primitives::thread::{self, Thread};

/// Looks at the flag before an idle thread parks. Zero: a spin takes the core from the worker that is to submit the
/// next closure, unless there are cores to spare.
const SPINS: u32 = 0;

/// One thread's place on the stack of idle threads.
///
/// `woken` is false exactly while the seat is on that stack; it changes under the pool's lock only.
#[derive(Debug)]
pub struct Seat {
    woken: AtomicBool,
    thread: Thread,
}

impl Seat {
    /// A seat for the calling thread.
    pub fn new() -> Arc<Seat> {
        Arc::new(Seat { woken: AtomicBool::new(true), thread: thread::current() })
    }

    /// The seat goes on the stack. Under the pool's lock.
    pub(super) fn lower_flag(&self) {
        // Relaxed: the pool's lock orders all changes.
        self.woken.store(false, Ordering::Relaxed);
    }

    /// The seat was taken off the stack by somebody who will call `unpark`. Under the pool's lock.
    pub(super) fn raise_flag(&self) {
        // Relaxed: the pool's lock orders all changes, and `unpark` the one load without it.
        self.woken.store(true, Ordering::Relaxed);
    }

    /// Whether somebody took the seat off the stack. Exact under the pool's lock; without it, true is final.
    pub(super) fn is_woken(&self) -> bool {
        // Relaxed: whoever reads true takes the pool's lock before anything else.
        self.woken.load(Ordering::Relaxed)
    }

    /// Ends the wait of a thread whose flag was raised. After the unlock.
    pub fn unpark(&self) {
        self.thread.unpark();
    }

    /// Waits for the flag. By the thread that made the seat, as the other ones below.
    pub fn wait(&self) {
        while !self.is_woken() {
            thread::park();
        }
    }

    /// Waits for the flag, at most for `limit`. False when that has passed, which settles nothing: the flag may be
    /// raised before the pool's lock is taken.
    #[cfg(not(runtime_loom))]
    pub(super) fn wait_at_most(&self, limit: Duration) -> bool {
        let mut spins = SPINS;
        while spins > 0 && !self.is_woken() {
            std::hint::spin_loop();
            spins -= 1;
        }
        let Some(deadline) = Instant::now().checked_add(limit) else {
            self.wait();
            return true;
        };
        while !self.is_woken() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::park_timeout(left);
        }
        true
    }
}
