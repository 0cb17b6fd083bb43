//! What a worker that does not leave may wait for: tasks that nobody will run any more are cancelled while it is still there.
//! The README in this folder tells why, *The end*.
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Shared;
use super::context::{Context, Role};
use crate::queue::Local;

/// The time between two rounds, at first and at last: there may be a million cells to look at.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(64);

impl Shared {
    /// Starts a thread that cancels what nobody runs, until only the supervisor is left besides. False: it was refused.
    pub(super) fn start_clearing(&self) -> bool {
        let Some(shared) = self.this.upgrade() else { return false };
        if !self.members.join() {
            return false;
        }
        // Relaxed: a figure.
        self.clearing.store(true, Ordering::Relaxed);
        let started = self.spawn_thread(move || {
            shared.clear();
            shared.clearing.store(false, Ordering::Relaxed);
            shared.leave_members();
        });
        match started {
            Ok(thread) => self.termination.add_thread(thread),
            Err(_) => {
                // The supervisor asks again; it is a member itself.
                self.clearing.store(false, Ordering::Relaxed);
                if let Some(shared) = self.this.upgrade() {
                    shared.leave_members();
                }
                return false;
            }
        }
        true
    }

    fn clear(self: &Arc<Self>) {
        let frame = Rc::new(Context::outside(Arc::clone(self), Role::Ending)).frame();
        let _entered = frame.enter();
        let local = Local::new().0;
        let mut pause = FIRST_PAUSE;
        // The other two are this thread and the supervisor.
        let others = || self.members.count() > 2;
        while others() {
            let mut cancelled = self.arena.cancel_idle();
            // Somebody's who does not come back to it, or of nobody: no worker runs a task any more.
            for slot in &self.slots {
                if let Some(task) = slot.rescue() {
                    task.cancel();
                    cancelled += 1;
                }
                while let Some(stolen) = local.steal_from(&slot.stealer) {
                    stolen.item.cancel();
                    cancelled += 1;
                    while let Some(task) = local.pop() {
                        task.cancel();
                        cancelled += 1;
                    }
                }
            }
            for task in self.injector.pop_batch(usize::MAX, 1) {
                task.cancel();
                cancelled += 1;
            }
            self.count_cancelled(cancelled);
            let began = Instant::now();
            while others() && began.elapsed() < pause {
                std::thread::park_timeout(FIRST_PAUSE);
            }
            pause = LAST_PAUSE.min(pause * 2);
        }
    }
}
