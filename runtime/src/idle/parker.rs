//! What a slot blocks on: a token, on top of the thread's park or of the driver.
use std::fmt;

use crate::primitives::Mutex;
use crate::primitives::atomic::{AtomicU8, Ordering};
use crate::primitives::thread::{self, Thread};

const EMPTY: u8 = 0;
const NOTIFIED: u8 = 1;
const PARKED: u8 = 2;
const IN_DRIVER: u8 = 3;

/// One a slot. The table of its states is in the README.
pub struct Parker {
    state: AtomicU8,
    /// The thread that has the slot. Locked to adopt and to unpark, never around a system call.
    thread: Mutex<Option<Thread>>,
}

impl fmt::Debug for Parker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a figure.
        f.write_str(match self.state.load(Ordering::Relaxed) {
            EMPTY => "Parker(empty)",
            NOTIFIED => "Parker(notified)",
            PARKED => "Parker(parked)",
            IN_DRIVER => "Parker(in driver)",
            _ => "Parker(?)",
        })
    }
}

impl Parker {
    /// No token, and nobody's.
    pub fn new() -> Parker {
        Parker { state: AtomicU8::new(EMPTY), thread: Mutex::new(None) }
    }

    /// The calling thread has taken the slot: it is the one that blocks from now on.
    pub fn adopt(&self) {
        *self.thread.lock() = Some(thread::current());
    }

    /// Blocks until there is a token, and takes it.
    pub fn park(&self) {
        if !self.begin(PARKED) {
            return;
        }
        loop {
            thread::park();
            if self.take_token() {
                return;
            }
        }
    }

    /// Blocks until there is a token, until `timeout` has passed, or for no reason. True: there was a token, and it is
    /// taken.
    #[cfg(not(runtime_loom))]
    pub fn park_timeout(&self, timeout: std::time::Duration) -> bool {
        if !self.begin(PARKED) {
            return true;
        }
        thread::park_timeout(timeout);
        self.end()
    }

    /// The slot is about to block in the driver. False: there was a token, it is taken, and the slot must not block.
    #[must_use]
    pub fn begin_driver(&self) -> bool {
        self.begin(IN_DRIVER)
    }

    /// The slot has returned from the driver. True: there was a token, and it is taken.
    pub fn end_driver(&self) -> bool {
        self.end()
    }

    /// Leaves a token and ends the present block, if any. `unblock` is called when that is a block in the driver, and
    /// must make the present or else the next block in it return.
    pub fn unpark(&self, unblock: impl FnOnce()) {
        // Ordering: Release pairs with the Acquire of whoever takes the token: what was written before the unpark is
        // seen after the park.
        match self.state.swap(NOTIFIED, Ordering::Release) {
            PARKED => {
                let thread = self.thread.lock().clone();
                thread.expect("a slot that parks has been adopted").unpark();
            }
            IN_DRIVER => unblock(),
            _ => {}
        }
    }

    /// EMPTY → `blocked`; or NOTIFIED → EMPTY and false.
    fn begin(&self, blocked: u8) -> bool {
        // Relaxed success: what the unparker needs is under the lock.
        // Ordering: Acquire on failure pairs with the Release in `unpark`.
        match self.state.compare_exchange(EMPTY, blocked, Ordering::Relaxed, Ordering::Acquire) {
            Ok(_) => true,
            Err(_) => {
                let taken = self.take_token();
                debug_assert!(taken, "two threads block on one parker");
                false
            }
        }
    }

    /// PARKED or IN_DRIVER → EMPTY, or NOTIFIED → EMPTY and true.
    fn end(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `unpark`.
        self.state.swap(EMPTY, Ordering::Acquire) == NOTIFIED
    }

    /// NOTIFIED → EMPTY and true, else nothing.
    fn take_token(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `unpark`.
        self.state.compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}
