//! The least scheduler there is: one queue under a lock, run by whoever asks. For the tests and the loom models.
#![allow(unreachable_pub, reason = "public as `model` alone")]
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
// Not through `sync`: what these count is no part of the protocol.
use std::sync::atomic::{AtomicUsize, Ordering};

use super::arena::Scan;
use super::spawn::spawn;
use super::{Arena, Cache, Id, JoinHandle, Label, Notified, Polled, Ran, Schedule};
use crate::primitives::atomic::AtomicBool;
use crate::primitives::{self, Arc, Mutex};
#[cfg(runtime_loom)]
use loom::thread_local;

/// The scheduler.
#[derive(Debug)]
pub(crate) struct Queue {
    ready: Mutex<VecDeque<Notified<Queue>>>,
    /// Of `unhandled_panic`.
    panics: AtomicUsize,
    /// Calls of `untidy`; it outlives the queue.
    called_to_tidy: std::sync::Arc<AtomicUsize>,
    alive: std::sync::Arc<Alive>,
    arena: Arena<Queue>,
}

/// A handle on it.
#[derive(Clone, Debug)]
pub struct Executor(pub(crate) Arc<Queue>);

thread_local! {
    #[allow(clippy::missing_const_for_thread_local, reason = "loom's macro has no such form")]
    /// The queue whose worker this thread is, and its cache. A test's, so no concern of the workspace's one
    /// thread-local.
    static WORKER: RefCell<Option<Rc<Worker>>> = RefCell::new(None);
}

/// What a worker has of its queue.
#[derive(Debug)]
pub(crate) struct Worker {
    executor: Executor,
    cache: Cache,
}

/// Fails when a call on the queue is under way while the queue goes. It outlives the queue.
#[derive(Debug)]
struct Alive {
    calls: AtomicUsize,
    /// loom's: what a call does last conflicts with the queue's drop, so a model tries both orders. A write on both
    /// sides, for loom remembers one access of an object.
    gone: AtomicBool,
}

/// A call under way.
struct Call(std::sync::Arc<Alive>);

impl Call {
    fn on(queue: &Queue) -> Call {
        queue.alive.calls.fetch_add(1, Ordering::Relaxed);
        Call(queue.alive.clone())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
        assert!(
            std::thread::panicking() || !self.0.gone.fetch_or(false, Ordering::Relaxed),
            "the scheduler went while it was called"
        );
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.alive.gone.store(true, Ordering::Relaxed);
        let calls = self.alive.calls.load(Ordering::Relaxed);
        assert!(std::thread::panicking() || calls == 0, "the scheduler goes while it is called");
    }
}

impl Queue {
    /// This thread, if it is the queue's worker.
    fn worker(&self) -> Option<Rc<Worker>> {
        let own =
            |worker: &Rc<Worker>| std::ptr::eq(Arc::as_ptr(&worker.executor.0), self).then(|| worker.clone());
        WORKER.try_with(|worker| worker.borrow().as_ref().and_then(own)).ok().flatten()
    }
}

impl Schedule for Queue {
    type Here = Worker;

    fn cache(here: &Worker) -> &Cache {
        &here.cache
    }

    fn schedule_joiner(here: &Worker, joiner: Notified<Self>) {
        here.executor.0.schedule(joiner);
    }

    fn schedule(&self, task: Notified<Self>) {
        let _call = Call::on(self);
        self.ready.lock().push_back(task);
    }

    fn arena(&self) -> &Arena<Self> {
        &self.arena
    }

    fn unhandled_panic(&self, _id: Id) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// As code of the users' might, takes the lock that a spawn takes, and panics.
    fn untidy(&self) {
        let _call = Call::on(self);
        drop(self.arena.open());
        self.called_to_tidy.fetch_add(1, Ordering::Relaxed);
        std::panic::resume_unwind(Box::new("called to tidy"));
    }

    fn with_cache<R>(&self, f: impl FnOnce(Option<&Cache>) -> R) -> R {
        let _call = Call::on(self);
        f(self.worker().as_ref().map(|worker| &worker.cache))
    }
}

impl Executor {
    /// An executor with nothing to do.
    pub fn new() -> Self {
        Executor(Arc::new(Queue {
            ready: Mutex::new(VecDeque::new()),
            panics: AtomicUsize::new(0),
            called_to_tidy: std::sync::Arc::default(),
            alive: std::sync::Arc::new(Alive { calls: AtomicUsize::new(0), gone: AtomicBool::new(false) }),
            arena: Arena::new(),
        }))
    }

    /// Makes this thread the queue's worker while `f` runs.
    pub fn as_worker<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Leave<'a>(&'a Executor);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                let left = WORKER.with(|worker| worker.borrow_mut().take());
                if let Some(worker) = left {
                    self.0.0.arena.flush(&worker.cache);
                }
            }
        }
        let own = Rc::new(Worker { executor: self.clone(), cache: Cache::new() });
        let before = WORKER.with(|worker| worker.replace(Some(own)));
        assert!(before.is_none(), "a thread is one worker");
        let _leave = Leave(self);
        f()
    }

    /// Spawns, as the worker that this thread is or from outside.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let label = Label::caller();
        let (task, handle) = self.0.with_cache(|cache| {
            let id = cache.and_then(Cache::next_id).unwrap_or_else(Id::next);
            spawn(&self.0, cache, id, label, future)
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
    pub fn run_one(&self) -> bool {
        let Some(task) = self.next() else { return false };
        self.run(task);
        true
    }

    pub(crate) fn run(&self, task: Notified<Queue>) {
        let worker = self.0.worker();
        match task.run(&Polled::new(), worker.as_deref()) {
            Ran::Idle | Ran::Done => {}
            Ran::Again(task) => self.0.schedule(task),
        }
    }

    /// Runs until the queue is empty; says how many polls that took.
    pub fn run_all(&self) -> usize {
        let mut ran = 0;
        while self.run_one() {
            ran += 1;
        }
        ran
    }

    pub(crate) fn panics(&self) -> usize {
        self.0.panics.load(Ordering::Relaxed)
    }

    /// How often somebody was called to tidy, until the queue went.
    #[cfg(not(runtime_no_recycle))]
    pub fn called_to_tidy(&self) -> std::sync::Arc<AtomicUsize> {
        self.0.called_to_tidy.clone()
    }

    pub(crate) fn arena(&self) -> &Arena<Queue> {
        &self.0.arena
    }

    /// How many tasks are not complete.
    pub fn live(&self) -> usize {
        self.0.arena.live()
    }

    /// Identifier and place of every task that an outsider sees.
    #[cfg(runtime_loom)]
    pub fn look(&self) -> Vec<(Id, &'static std::panic::Location<'static>)> {
        let mut seen = Vec::new();
        self.0.arena.look_at_tasks(|sight| seen.push((sight.id, sight.label.location())));
        seen
    }

    /// Gives back what no task needs, as if the time for that passed.
    #[cfg(runtime_loom)]
    pub fn tidy_all(&self) -> usize {
        self.0.arena.tidy_all()
    }

    /// Refuses spawns from now on.
    pub fn close(&self) {
        self.0.with_cache(|cache| self.0.arena.close(cache));
    }

    pub(crate) fn cancel_all(&self) -> Scan {
        self.0.arena.cancel_all()
    }

    /// Cancels what nobody runs, as any thread.
    #[cfg(runtime_loom)]
    pub fn cancel_idle(&self) -> usize {
        self.0.arena.cancel_idle()
    }

    /// What the last worker does: closes, cancels, drains.
    pub fn close_and_drain(&self) {
        self.close();
        while !self.cancel_all().is_clear() {
            if self.run_all() == 0 {
                // Somebody is on the way to `schedule`.
                primitives::thread::yield_now();
            }
        }
    }

    /// The end: gives the executor's share in the queue to the cells that are left.
    pub fn retire(self) {
        let queue = self.0;
        let keep = Arc::clone(&queue);
        queue.arena.retire(keep);
    }
}
