//! The least scheduler there is: one queue under a lock, run by whoever asks. For the tests and the loom models.
use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;

use super::arena::Scan;
use super::spawn::spawn;
use super::{Arena, Cache, Id, JoinHandle, Notified, Ran, Schedule};
use crate::sync::{Arc, Mutex};

/// The scheduler.
#[derive(Debug)]
pub(crate) struct Queue {
    ready: Mutex<VecDeque<Notified<Queue>>>,
    /// Of `unhandled_panic`. Counted past loom: no protocol depends on it.
    panics: std::sync::atomic::AtomicUsize,
    arena: Arena<Queue>,
}

/// A handle on it.
#[derive(Clone, Debug)]
pub(crate) struct Executor(pub(crate) Arc<Queue>);

#[cfg(not(runtime_loom))]
thread_local! {
    /// The queue whose worker this thread is, and its cache. A test's, so no concern of the workspace's one
    /// thread-local.
    static WORKER: std::cell::RefCell<Option<(*const Queue, std::rc::Rc<Cache>)>> =
        const { std::cell::RefCell::new(None) };
}

impl Schedule for Queue {
    fn schedule(&self, task: Notified<Self>) {
        self.ready.lock().push_back(task);
    }

    fn arena(&self) -> &Arena<Self> {
        &self.arena
    }

    fn unhandled_panic(&self, _id: Id) {
        self.panics.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    #[cfg(not(runtime_loom))]
    fn with_cache<R>(&self, f: impl FnOnce(Option<&Cache>) -> R) -> R {
        let cache = WORKER
            .try_with(|worker| {
                worker
                    .borrow()
                    .as_ref()
                    .filter(|(queue, _)| std::ptr::eq(*queue, self))
                    .map(|(_, c)| c.clone())
            })
            .ok()
            .flatten();
        f(cache.as_deref())
    }

    #[cfg(runtime_loom)]
    fn with_cache<R>(&self, f: impl FnOnce(Option<&Cache>) -> R) -> R {
        f(None)
    }
}

impl Executor {
    pub(crate) fn new() -> Self {
        Executor(Arc::new(Queue {
            ready: Mutex::new(VecDeque::new()),
            panics: 0.into(),
            arena: Arena::new(),
        }))
    }

    /// Makes this thread the queue's worker while `f` runs.
    #[cfg(not(runtime_loom))]
    pub(crate) fn as_worker<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Leave<'a>(&'a Executor);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                let left = WORKER.with(|worker| worker.borrow_mut().take());
                if let Some((_, cache)) = left {
                    self.0.0.arena.flush(&cache);
                }
            }
        }
        let cache = std::rc::Rc::new(Cache::new());
        let before = WORKER.with(|worker| worker.replace(Some((Arc::as_ptr(&self.0), cache))));
        assert!(before.is_none(), "a thread is one worker");
        let _leave = Leave(self);
        f()
    }

    #[track_caller]
    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let location = Location::caller();
        let (task, handle) = self.0.with_cache(|cache| {
            let id = cache.map_or_else(Id::next, Cache::next_id);
            spawn(&self.0, cache, id, location, future)
        });
        if let Some(task) = task {
            self.0.schedule(task);
        }
        handle
    }

    /// Takes the next task out of the queue.
    pub(crate) fn next(&self) -> Option<Notified<Queue>> {
        self.0.ready.lock().pop_front()
    }

    /// Runs one task of the queue. False when there is none.
    pub(crate) fn run_one(&self) -> bool {
        let Some(task) = self.next() else { return false };
        self.run(task);
        true
    }

    pub(crate) fn run(&self, task: Notified<Queue>) {
        match task.run(&Cell::new(false)) {
            Ran::Idle | Ran::Done => {}
            Ran::Again(task) => self.0.schedule(task),
        }
    }

    /// Runs until the queue is empty; says how many polls that took.
    pub(crate) fn run_all(&self) -> usize {
        let mut ran = 0;
        while self.run_one() {
            ran += 1;
        }
        ran
    }

    pub(crate) fn panics(&self) -> usize {
        self.0.panics.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) fn arena(&self) -> &Arena<Queue> {
        &self.0.arena
    }

    pub(crate) fn live(&self) -> usize {
        self.0.arena.live()
    }

    pub(crate) fn close(&self) {
        self.0.with_cache(|cache| self.0.arena.close(cache));
    }

    pub(crate) fn cancel_all(&self) -> Scan {
        self.0.arena.cancel_all()
    }

    /// What the last worker does: closes, cancels, drains.
    pub(crate) fn close_and_drain(&self) {
        self.close();
        while !self.cancel_all().is_clear() {
            self.run_all();
            #[cfg(runtime_loom)]
            crate::sync::thread::yield_now();
        }
    }

    /// The end: gives the executor's share in the queue to the cells that are left.
    pub(crate) fn retire(self) {
        let queue = self.0;
        let keep = Arc::clone(&queue);
        queue.arena.retire(keep);
    }
}
