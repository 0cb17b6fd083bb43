//! Tells one waiter when so many tasks have run.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Wake;

use futures::channel::oneshot;

/// A static of the workload that uses it: then a task costs one RMW, and no reference count.
#[derive(Debug)]
pub(super) struct Countdown {
    left: AtomicU32,
    done: Mutex<Option<oneshot::Sender<()>>>,
}

impl Countdown {
    pub(super) const fn new() -> Countdown {
        Countdown { left: AtomicU32::new(0), done: Mutex::new(None) }
    }

    /// Counts from `count` on. What it returns is ready when that many tasks have arrived.
    pub(super) fn start(&self, count: u32) -> oneshot::Receiver<()> {
        let (done, receiver) = oneshot::channel();
        *self.done.lock().expect("nobody panics with it") = Some(done);
        // Ordering: Relaxed: the tasks are spawned after this, and spawning publishes it.
        self.left.store(count, Ordering::Relaxed);
        receiver
    }

    pub(super) fn arrive(&self) {
        // Ordering: Relaxed: the channel publishes what the waiter may look at.
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let done = self.done.lock().expect("nobody panics with it").take();
            done.expect("counted from `start`").send(()).expect("the waiter waits");
        }
    }
}

/// Counts wakes.
impl Wake for Countdown {
    fn wake(self: Arc<Self>) {
        self.arrive();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.arrive();
    }
}
