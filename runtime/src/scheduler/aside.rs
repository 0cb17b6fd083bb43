//! The one thread of a runtime without workers in a local driver, and a thread that turns the driver in its place.
//!
//! The latter does what a worker does that has nothing to run: it takes the driver's token, waits for sockets and timers, and
//! gives it back. Tasks that it wakes go to the injector, and the one thread is unparked.
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use reactor_hook::Frame;

use super::Shared;
use super::context::Context;
use super::worker::count_down;

impl Shared {
    /// From now on a thread turns the driver.
    pub(super) fn turn_aside(self: &Arc<Self>) -> io::Result<()> {
        self.aside.want(|| {
            if !self.members.join() {
                return Err(io::Error::other("the runtime is shutting down"));
            }
            let shared = Arc::clone(self);
            let thread = self.spawn_thread(move || {
                shared.aside.turn_while_wanted(
                    || shared.is_closed(),
                    || shared.driver.try_take(),
                    // A waker may panic; the panic hook has reported it, and others wait.
                    |token| drop(catch_unwind(AssertUnwindSafe(|| token.turn_blocking(None)))),
                    || shared.notify_sole(),
                );
                shared.leave_members();
            });
            match thread {
                Ok(thread) => {
                    self.termination.add_thread(thread);
                    Ok(())
                }
                Err(error) => {
                    self.leave_members();
                    Err(error)
                }
            }
        })
    }

    /// The one thread turns the driver itself again: it is unparked when the driver is free.
    pub(super) fn end_turning_aside(&self) {
        self.aside.end(|| self.driver.unblock());
    }
}

impl Context {
    /// Blocks the thread in the local driver of its frame.
    pub(super) fn wait_in_local_driver(&self, frame: &Frame) {
        let (slot, counters, shared) = (self.slot(), self.counters(), self.shared());
        self.tidy_cache();
        self.count_wait(|| {
            // The thread in its place turns the driver, and tidies nothing.
            let most = shared.tidy_before_wait();
            let unparked = shared.aside.block_elsewhere(&slot.parker, frame.local_unblocker(), |may_block| {
                let most = if may_block { most } else { Some(Duration::ZERO) };
                self.turn(|| frame.block_in_local_driver(most));
            });
            counters.unparks.add(u64::from(unparked));
        });
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
