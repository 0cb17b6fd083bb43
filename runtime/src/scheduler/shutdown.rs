//! Closing, leaving, and the teardown by the last to leave.
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::context::{Context, Role};
use super::{CLOSED, Shared};
use crate::blocking::Unstarted;
use crate::supervisor::members::Left;

/// Tells that the last member has left.
#[derive(Default)]
pub(crate) struct Termination {
    done: Mutex<bool>,
    changed: Condvar,
    /// The threads to join afterwards.
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl Termination {
    fn set(&self) {
        *self.done.lock() = true;
        self.changed.notify_all();
    }

    pub(super) fn add_thread(&self, thread: std::thread::JoinHandle<()>) {
        let mut threads = self.threads.lock();
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
    }

    /// Waits until all is torn down and the threads have ended. False when `deadline` came first.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut done = self.done.lock();
        while !*done {
            match deadline {
                None => self.changed.wait(&mut done),
                Some(deadline) => {
                    if self.changed.wait_until(&mut done, deadline).timed_out() && !*done {
                        return false;
                    }
                }
            }
        }
        drop(done);
        let this = std::thread::current().id();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            if thread.thread().id() != this {
                // A worker thread does not panic; its payload would have nobody to go to.
                drop(thread.join());
            }
        }
        true
    }
}

/// A deadline that is never too far for the clock: nothing for "no limit".
pub(crate) fn deadline_after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

impl Shared {
    /// Starts the shutdown: no task is polled any more once the workers have seen it. Any number of times. The first time it gives the
    /// blocking closures that have not started, to be dropped.
    fn close(&self) -> Option<[Unstarted; 2]> {
        // Ordering: Release pairs with the Acquire in `is_closed`; the unparks below carry it to the parked.
        if self.signals.fetch_or(CLOSED, Ordering::Release) & CLOSED != 0 {
            return None;
        }
        self.arena.close(None);
        let unstarted = [self.blocking.close(), self.compute.close()];
        for slot in 0..self.slots.len() {
            self.unpark_slot(slot);
        }
        self.driver.unblock();
        self.supervisor.call();
        Some(unstarted)
    }

    /// Closes, and gives up the `Runtime`'s own membership. Any number of times.
    pub(crate) fn shut_down(self: &Arc<Self>) {
        // Dropped last: a closure's destructor may wait for a task, and that for this member to leave.
        let _unstarted = self.close();
        // Relaxed: only who comes first matters.
        if !self.owner_left.swap(true, Ordering::Relaxed) {
            self.leave_members();
        }
    }

    /// Whether the runtime's end may need the calling thread, however deep it is in other contexts by now: it would wait for
    /// itself.
    pub(crate) fn is_member_here(&self) -> bool {
        self.roll.is_here()
    }

    /// Gives up membership. The last to do so drops every task that is left.
    pub(crate) fn leave_members(self: &Arc<Self>) {
        match self.members.leave() {
            Left::Last => self.tear_down(),
            // The supervisor stays as long as anybody else does.
            Left::One => self.supervisor.call(),
            Left::More => {}
        }
    }

    #[cold]
    fn tear_down(self: &Arc<Self>) {
        // What a destructor would wait for is often what this thread drops next: the runtime itself, or another task.
        let _enrolled = self.roll.enrol();
        let context = Rc::new(Context::outside(Arc::clone(self), Role::Ending));
        let frame = context.frame();
        let entered = frame.enter();
        // From here on sockets and timers are left to whoever polls them next, destructors for example.
        self.driver.abandon();
        self.count_cancelled(self.pinned.end());
        // A destructor may have woken or spawned; a foreign thread may be between winning a task and queueing it.
        // Each round cancels what it finds, and the next sees what has arrived since.
        loop {
            let scan = self.arena.cancel_all();
            let mut drained = 0;
            for task in self.injector.pop_batch(usize::MAX, 1) {
                drained += 1;
                task.cancel();
            }
            self.count_cancelled(scan.cancelled + drained);
            if scan.is_clear() && drained == 0 {
                break;
            }
            std::thread::yield_now();
        }
        drop(entered);
        drop(frame);
        drop(context);
        self.blocking.retire();
        self.compute.retire();
        self.arena.retire(Arc::clone(self));
        self.tokio.give_up();
        self.termination.set();
    }
}
