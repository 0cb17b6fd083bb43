//! How the thread behind a frame blocks, and how it is woken: on the driver if there is one, else parked.
use std::sync::Arc;
use std::time::Duration;

use crate::driver::Turn;
use crate::frame::{Blocker, Unblock};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::thread::{self, Thread};

/// Ends a wait, from any thread.
pub trait Unpark: Send + Sync {
    /// Makes the present or else the next wait return.
    fn unpark(&self);
}

const EMPTY: u8 = 0;
const NOTIFIED: u8 = 1;
const PARKED: u8 = 2;
const IN_DRIVER: u8 = 3;

/// Blocks the thread that made it. The token protocol is `std::thread::park`'s, with the driver's `block` in the place
/// of `park` when there is one.
pub struct Parker {
    state: AtomicU8,
    thread: Thread,
    /// Set before the state becomes `IN_DRIVER`, by the parking thread only.
    driver: Mutex<Option<Unblock>>,
}

impl std::fmt::Debug for Parker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parker").field("thread", &self.thread.id()).finish_non_exhaustive()
    }
}

impl Parker {
    /// A parker for the calling thread.
    pub fn new() -> Arc<Parker> {
        Arc::new(Parker { state: AtomicU8::new(EMPTY), thread: thread::current(), driver: Mutex::new(None) })
    }

    /// Takes the token if it is there.
    pub fn take_token(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `unpark`: what the waker wrote before is seen by the poll after.
        self.state.compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Blocks in `driver`, or parks without one, until `unpark` or the timeout. Takes the token.
    pub(crate) fn park(&self, driver: Option<&Blocker>, timeout: Option<Duration>) -> Turn {
        debug_assert_eq!(self.thread.id(), thread::current().id(), "a parker blocks the thread that made it");
        let Some(driver) = driver else {
            self.park_thread(timeout);
            return Turn::Used;
        };
        self.note_driver(driver);
        // Ordering: AcqRel: Release publishes `driver` to `unpark`; Acquire as in `take_token`.
        let notified =
            self.state.compare_exchange(EMPTY, IN_DRIVER, Ordering::AcqRel, Ordering::Acquire).is_err();
        let turn = driver.block(if notified { Some(Duration::ZERO) } else { timeout });
        // Ordering: Acquire as in `take_token`.
        self.state.swap(EMPTY, Ordering::Acquire);
        turn
    }

    fn park_thread(&self, timeout: Option<Duration>) {
        // Ordering: AcqRel as in `park`.
        if self.state.compare_exchange(EMPTY, PARKED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            match timeout {
                // A spurious return is a spurious wake-up of the frame, which polls and parks again.
                None => thread::park(),
                Some(timeout) => thread::park_timeout(timeout),
            }
        }
        // Ordering: Acquire as in `take_token`.
        self.state.swap(EMPTY, Ordering::Acquire);
    }

    fn note_driver(&self, driver: &Blocker) {
        let mut place = self.driver.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !place.as_ref().is_some_and(|known| driver.is_ended_by(known)) {
            let former = place.replace(driver.unblock());
            drop(place);
            drop(former);
        }
    }

    /// Forgets the driver that was blocked in last.
    pub(crate) fn forget_driver(&self) {
        let former = self.driver.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        drop(former);
    }
}

impl Unpark for Parker {
    fn unpark(&self) {
        // Ordering: Release publishes what was written before the wake; Acquire sees `driver` of an `IN_DRIVER`.
        match self.state.swap(NOTIFIED, Ordering::AcqRel) {
            PARKED => self.thread.unpark(),
            IN_DRIVER => {
                let driver = self.driver.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
                if let Some(driver) = driver {
                    driver.unblock();
                }
            }
            _ => {}
        }
    }
}

impl std::task::Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.unpark();
    }
}
