//! Wakers taken out under a lock, to be called without it.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use crate::wheel::prefetch_to_write;

/// Enough that the lock is taken seldom, few enough that it is not held long.
const CAPACITY: usize = 32;

pub(crate) struct Batch {
    wakers: [Option<Waker>; CAPACITY],
    len: usize,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Batch { wakers: [const { None }; CAPACITY], len: 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len == CAPACITY
    }

    pub(crate) fn push(&mut self, waker: Waker) {
        // What it refers to, a task mostly, will be written when it is called.
        prefetch_to_write(waker.data());
        self.wakers[self.len] = Some(waker);
        self.len += 1;
    }

    /// Calls all in the order they came. A panic of one was reported by the panic hook; it must not cost the others
    /// their wake, nor the one who fires his thread.
    pub(crate) fn wake(&mut self) {
        let mut wakers = self.wakers[..self.len].iter_mut();
        self.len = 0;
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| {
            wakers.by_ref().filter_map(Option::take).for_each(Waker::wake);
        })) {
            // Its drop may panic too, and so on: the second one is given up.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(std::mem::forget);
        }
    }
}
