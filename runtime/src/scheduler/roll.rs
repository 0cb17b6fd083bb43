//! The roll: which threads take part, so that one that would wait for the end of the runtime knows that it would wait for
//! itself.
//!
//! The count that decides who tears down is in `supervisor/members.rs`. This is no copy of it: a thread is on the roll for as long as the
//! end may need it, whether or not it has a slot, whatever it has entered, and still while it tears down.
use std::sync::Arc;
use std::thread::{self, ThreadId};

use parking_lot::Mutex;

/// A thread has an entry for each part that it takes: a worker that blocks in place may be the guest as well.
#[derive(Default)]
pub(super) struct Roll(Mutex<Vec<ThreadId>>);

impl Roll {
    /// Puts the calling thread on the roll until what is returned is dropped.
    pub(super) fn enrol(self: &Arc<Self>) -> Enrolled {
        let thread = thread::current().id();
        self.0.lock().push(thread);
        Enrolled { roll: Arc::clone(self), thread }
    }

    /// Whether the calling thread is on it.
    pub(super) fn is_here(&self) -> bool {
        self.0.lock().contains(&thread::current().id())
    }
}

/// One entry. It outlives the runtime if need be.
pub(super) struct Enrolled {
    roll: Arc<Roll>,
    thread: ThreadId,
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        let mut roll = self.roll.0.lock();
        let entry = roll.iter().position(|thread| *thread == self.thread);
        roll.swap_remove(entry.expect("taken off here only"));
    }
}
