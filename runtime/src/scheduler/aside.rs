//! The one thread of a runtime without workers in a local driver, and a thread that turns the driver in its place.
//!
//! The latter does what a worker does that has nothing to run: it takes the driver's token, waits for sockets and timers, and
//! gives it back. Tasks that it wakes go to the injector, and the one thread is unparked.
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reactor_hook::{Frame, Unpark};

use super::Shared;
use super::context::Context;
use super::worker::count_down;
use crate::driver::Token;

#[derive(Default)]
pub(super) struct Aside {
    state: Mutex<State>,
    /// How the one thread is unblocked while it is in its local driver.
    unblocker: Mutex<Option<Arc<dyn Unpark>>>,
}

/// | running | wanted | the thread |
/// |---|---|---|
/// | no | no | is not there |
/// | yes | yes | turns the driver |
/// | yes | no | ends when it looks next |
#[derive(Default)]
struct State {
    running: bool,
    wanted: bool,
}

impl Aside {
    pub(super) fn set_unblocker(&self, unblocker: Option<Arc<dyn Unpark>>) {
        let former = std::mem::replace(&mut *self.unblocker.lock(), unblocker);
        drop(former);
    }

    pub(super) fn unblocker(&self) -> Option<Arc<dyn Unpark>> {
        self.unblocker.lock().clone()
    }

    /// Whether the thread goes on; if not, it is not there any more.
    fn goes_on(&self, shared: &Shared) -> bool {
        let mut state = self.state.lock();
        state.running = state.wanted && !shared.is_closed();
        state.running
    }
}

impl Shared {
    /// From now on a thread turns the driver.
    pub(super) fn turn_aside(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.aside.state.lock();
        state.wanted = true;
        if state.running {
            return Ok(());
        }
        if !self.members.join() {
            return Err(io::Error::other("the runtime is shutting down"));
        }
        let shared = Arc::clone(self);
        let thread = self.spawn_thread(move || {
            while let Some(token) = shared.take_driver_aside() {
                // A waker may panic; the panic hook has reported it, and others wait.
                drop(catch_unwind(AssertUnwindSafe(|| token.turn_blocking(None))));
            }
            // It may have parked without the driver because this thread still had it.
            shared.notify_sole();
            shared.leave_members();
        });
        match thread {
            Ok(thread) => {
                state.running = true;
                drop(state);
                self.termination.add_thread(thread);
                Ok(())
            }
            Err(error) => {
                drop(state);
                self.leave_members();
                Err(error)
            }
        }
    }

    /// The driver, or nothing when the thread is to end. It asks that with the token in its hands: from then on nobody
    /// else can be unblocked in its place.
    fn take_driver_aside(&self) -> Option<Token<'_>> {
        loop {
            let token = self.driver.try_take();
            if !self.aside.goes_on(self) {
                return None;
            }
            if token.is_some() {
                return token;
            }
            // The one thread looks at it in passing.
            std::thread::yield_now();
        }
    }

    /// The one thread turns the driver itself again: it is unparked when the driver is free.
    pub(super) fn end_turning_aside(&self) {
        self.aside.state.lock().wanted = false;
        self.driver.unblock();
    }
}

impl Context {
    /// Blocks the thread in the local driver of its frame.
    pub(super) fn wait_in_local_driver(&self, frame: &Frame) {
        let (slot, counters, aside) = (self.slot(), self.counters(), &self.shared().aside);
        // Before the parker says where this thread is, as with the driver of a parker in the hook.
        aside.set_unblocker(frame.local_unblocker());
        self.count_wait(|| {
            if slot.parker.begin_driver() {
                self.turn(|| frame.block_in_local_driver(None));
                counters.unparks.add(u64::from(slot.parker.end_driver()));
            } else {
                self.turn(|| frame.block_in_local_driver(Some(Duration::ZERO)));
            }
        });
        // One who comes late unblocks the driver instead, in vain: his token is taken.
        aside.set_unblocker(None);
    }

    /// As `turn_while_busy`, of a local driver.
    pub(super) fn look_at_local_driver(&self, frame: &Frame) {
        let core = self.core();
        if count_down(&core.until_local) {
            core.until_local.set(self.shared().config.event_interval);
            self.turn(|| frame.block_in_local_driver(Some(Duration::ZERO)));
            self.tell_of_turned_up(false);
        }
    }

    /// To be called before it parks elsewhere than in a local driver.
    pub(super) fn end_turning_aside(&self) {
        if self.turned_aside.replace(false) {
            self.shared().end_turning_aside();
        }
    }
}
