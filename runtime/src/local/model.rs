//! What the loom models see: a set without the face that finds it.
use std::panic::Location;
use std::task::Waker;

use super::{Local, Owner, Waiters};
use crate::primitives::Arc;
use crate::task::JoinHandle;

/// Local tasks, and the right to run them.
#[derive(Debug)]
pub struct Set(Owner<Waiters>);

impl Set {
    /// An empty set, of the calling thread.
    pub fn new() -> Set {
        let local = Arc::new(Local::new(Waiters::new()));
        Set(Owner::of(&local).expect("a new queue is nobody's"))
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Local::spawn_here(self.0.local(), future, Location::caller(), || ())
    }

    /// As the future of a set is polled. True when the waker will be woken; else it is to be polled again.
    pub fn poll(&self, waker: &Waker) -> bool {
        !self.0.run(8) && self.0.arm(0, waker)
    }

    /// Tasks that are not complete.
    pub fn live(&self) -> usize {
        self.0.local().live()
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        self.0.clear();
    }
}
