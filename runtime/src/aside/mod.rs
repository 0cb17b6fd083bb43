//! A thread that turns the driver in the place of another, which blocks elsewhere meanwhile. The README in this folder proves
//! that it ends when it is not needed, and that nobody is left blocked.
#![allow(unreachable_pub, reason = "the loom models reach these through `model`")]

#[cfg(runtime_loom)]
pub mod model {
    //! The protocol, for its model.
    pub use super::Aside;
}

#[cfg(all(test, not(runtime_loom)))]
mod tests;

use std::fmt;

use crate::idle::Parker;
use crate::primitives::{Mutex, thread};

/// What the one thread of a runtime without workers and the thread in its place share. `U`: how a block elsewhere is ended.
pub struct Aside<U> {
    state: Mutex<State>,
    unblocker: Mutex<Option<U>>,
}

impl<U> fmt::Debug for Aside<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aside").field("state", &self.state).finish_non_exhaustive()
    }
}

/// The table is in the README.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    running: bool,
    wanted: bool,
}

impl<U: Clone> Aside<U> {
    /// No thread, and nobody blocks elsewhere.
    #[allow(clippy::new_without_default, reason = "nobody asks for it")]
    pub fn new() -> Aside<U> {
        Aside { state: Mutex::new(State::default()), unblocker: Mutex::new(None) }
    }

    /// From now on the thread is wanted. `start` starts it, if it is not there.
    ///
    /// # Errors
    ///
    /// Those of `start`.
    pub fn want<E>(&self, start: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        {
            let mut state = self.state.lock();
            state.wanted = true;
            if state.running {
                return Ok(());
            }
            state.running = true;
        }
        // Names of threads are the users' business.
        let started = start();
        if started.is_err() {
            *self.state.lock() = State::default();
        }
        started
    }

    /// From now on it is not. `unblock` ends the present turn of the driver, or else the next.
    pub fn end(&self, unblock: impl FnOnce()) {
        self.state.lock().wanted = false;
        unblock();
    }

    /// The thread's life: turns as long as it is wanted and nothing `is_closed`, and when all is over unparks the one in whose
    /// place it was.
    pub fn turn_while_wanted<T>(
        &self,
        is_closed: impl Fn() -> bool,
        try_take: impl Fn() -> Option<T>,
        turn: impl Fn(T),
        unpark: impl FnOnce(),
    ) {
        while let Some(token) = self.take(&is_closed, &try_take) {
            turn(token);
        }
        // He may have parked without the driver because it was held here.
        unpark();
    }

    /// The driver, or nothing when the thread is to end. It asks that with the token in its hands: from then on nobody else
    /// can be unblocked in its place.
    fn take<T>(&self, is_closed: impl Fn() -> bool, try_take: impl Fn() -> Option<T>) -> Option<T> {
        loop {
            let token = try_take();
            if !self.goes_on(&is_closed) {
                return None;
            }
            if token.is_some() {
                return token;
            }
            // Somebody looks at it in passing.
            thread::yield_now();
        }
    }

    /// Whether the thread goes on; if not, it is not there any more.
    fn goes_on(&self, is_closed: impl Fn() -> bool) -> bool {
        let mut state = self.state.lock();
        state.running = state.wanted && !is_closed();
        state.running
    }

    /// Blocks the thread that `parker` is of elsewhere than in the driver. `block` is told whether it may block, or is to look
    /// only. True: there was a token, and it is taken.
    pub fn block_elsewhere(&self, parker: &Parker, unblocker: Option<U>, block: impl FnOnce(bool)) -> bool {
        // Before the parker says that somebody is in a driver, so that who is told so finds out in which.
        self.set_unblocker(unblocker);
        let may_block = parker.begin_driver();
        block(may_block);
        let unparked = may_block && parker.end_driver();
        // One who comes late unblocks the driver instead, in vain: his token is taken.
        self.set_unblocker(None);
        unparked
    }

    fn set_unblocker(&self, unblocker: Option<U>) {
        let former = std::mem::replace(&mut *self.unblocker.lock(), unblocker);
        drop(former);
    }

    /// How the one thread is unblocked while it blocks elsewhere; nothing while it does not.
    pub fn unblocker(&self) -> Option<U> {
        self.unblocker.lock().clone()
    }
}
