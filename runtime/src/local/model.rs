//! What the loom models see: a set without the face that finds it, and a queue without the worker that runs it.
use std::task::Waker;

use super::{Bell, Local, Owner, Waiters};
use crate::primitives::Arc;
use crate::task::{JoinHandle, Label};

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
        Local::spawn_here(self.0.local(), future, Label::caller(), || ())
    }

    /// As the future of a set is polled. True when the waker will be woken; else it is to be polled again.
    pub fn poll(&self, waker: &Waker) -> bool {
        !self.0.run(8, |_| ()) && self.0.arm(0, waker)
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

/// A bell that nobody hears.
#[derive(Debug)]
pub struct Silent;

impl Bell for Silent {
    fn ring(&self) {}
}

/// A queue that goes from owner to owner.
#[derive(Clone, Debug)]
pub struct Queue(Arc<Local<Silent>>);

impl Queue {
    /// Nobody's.
    pub fn new() -> Queue {
        Queue(Arc::new(Local::new(Silent)))
    }

    /// Makes the calling thread the owner, if nobody is.
    pub fn own(&self) -> Option<QueueOwner> {
        Owner::of(&self.0).map(QueueOwner)
    }

    /// Spawns from any thread.
    #[track_caller]
    pub fn spawn_made<C, F>(&self, create: C) -> JoinHandle<F::Output>
    where
        C: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        Local::spawn_made(&self.0, create, Label::caller(), || ())
    }

    /// Ends the queue, which is nobody's.
    pub fn end(&self) {
        drop(Owner::of(&self.0).expect("it is nobody's"));
    }
}

/// Its owner.
#[derive(Debug)]
pub struct QueueOwner(Owner<Silent>);

impl QueueOwner {
    /// Spawns a task of this thread.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Local::spawn_here(self.0.local(), future, Label::caller(), || ())
    }

    /// Polls what is ready.
    pub fn run(&self) {
        self.0.run(8, |_| ());
    }

    /// Drops every future, and leaves the queue to another.
    pub fn step_down(self) {
        self.0.step_down();
    }
}
