//! The scheduler as tasks see it.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use super::slot::Held;
use super::{Context, INJECTED, Shared, with_context};
use crate::config::UnhandledPanic;
use crate::misuse;
use crate::queue::Pushed;
use crate::task::{self, Arena, Cache, Id, JoinHandle, Label, Notified, Schedule};

/// The context entered on this thread, without keeping it: what a wake or a spawn does is over before anybody can leave.
///
/// # Safety
///
/// The answer is used no more once something of the users' runs that could leave the context: a destructor, say. Whoever
/// runs such a thing meanwhile keeps the context for it.
#[inline]
unsafe fn here<'a>() -> Option<&'a Context> {
    // SAFETY: the owner is there until its frame is left; promise of the caller.
    reactor_hook::owner().map(|context| unsafe { context.as_ref() })
}

/// Spawns onto the runtime whose context this thread is in.
#[track_caller]
#[inline]
pub(crate) fn spawn_here<F>(future: F, label: Label) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    // SAFETY: the future is only moved there, or dropped by `refuse`, which keeps the context. Of queueing see `schedule`.
    if let Some(context) = unsafe { here() }
        && let Some(held) = context.held_serving()
    {
        return context.spawn_by(held, context.shared(), future, label);
    }
    spawn_from_outside(future, label)
}

/// As `spawn_here`, on a thread that holds no slot, or one whose cache withholds its identifiers.
#[track_caller]
#[cold]
fn spawn_from_outside<F>(future: F, label: Label) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match with_context(|context| Some(context?.shared().spawn_outside(future, label))) {
        Some(handle) => handle,
        None => misuse::not_entered("runtime::spawn", "Handle::spawn"),
    }
}

/// The task that this thread polls is queued again once it is pending: true if `waker` is its own.
#[inline]
pub(crate) fn yield_here(waker: &Waker) -> bool {
    // SAFETY: two words are compared and one is written.
    unsafe { here() }.is_some_and(|context| context.yield_task(waker))
}

impl Schedule for Shared {
    type Here = Held;

    #[inline]
    fn cache(here: &Held) -> &Cache {
        &here.core().cache
    }

    #[inline]
    fn schedule_joiner(here: &Held, joiner: Notified<Shared>) {
        here.push_joiner(joiner);
    }

    #[inline]
    fn schedule(&self, task: Notified<Shared>) {
        // SAFETY: queueing runs nothing of the users', but for what `unblock_slot` calls, which keeps the context.
        let context = unsafe { here() };
        match context.and_then(|context| Some((context, context.held_of(self)?))) {
            Some((context, held)) => context.push(held, task),
            None => self.inject_from_outside(task),
        }
    }

    #[inline]
    fn schedule_here(&self, take: impl FnOnce() -> Option<Notified<Shared>>) -> bool {
        // SAFETY: `take` runs nothing of the users' (contract of the trait); of queueing see `schedule`.
        let context = unsafe { here() };
        match context.and_then(|context| Some((context, context.held_of(self)?))) {
            Some((context, held)) => {
                if let Some(task) = take() {
                    context.push(held, task);
                }
                true
            }
            None => false,
        }
    }

    fn arena(&self) -> &Arena<Shared> {
        &self.arena
    }

    #[inline(always)]
    fn with_cache<R>(&self, f: impl FnOnce(Option<&Cache>) -> R) -> R {
        // SAFETY: `f` runs nothing of the users' (contract of the trait).
        let context = unsafe { here() };
        f(context.and_then(|context| context.held_of(self)).map(|held| &held.core().cache))
    }

    fn times_polls(&self) -> bool {
        self.config.poll_times
    }

    #[cold]
    fn untidy(&self) {
        self.call_to_tidy();
    }

    fn unhandled_panic(&self, _id: Id) {
        if self.config.unhandled_panic == UnhandledPanic::ShutdownRuntime {
            // The thread that ran the task is a member: it is not the last.
            if let Some(shared) = self.this.upgrade() {
                shared.shut_down();
            }
        }
    }
}

impl Shared {
    /// Queues a task behind those of the injector.
    pub(super) fn inject(&self, task: Notified<Shared>) {
        match self.injector.push(task) {
            Pushed::First => self.notify_injected(),
            Pushed::Behind => {}
            Pushed::Closed(_) => unreachable!("the injector stays open until it is dropped"),
        }
    }

    /// As `inject`, by a thread that does not look at the injector itself.
    fn inject_from_outside(&self, task: Notified<Shared>) {
        match self.injector.push(task) {
            Pushed::First => self.call_for_injected(),
            Pushed::Behind => {}
            Pushed::Closed(_) => unreachable!("the injector stays open until it is dropped"),
        }
    }

    /// As `notify_injected`. Where all are awake one of them takes what there is after his present poll, instead of at his next look.
    #[cold]
    #[inline(never)]
    fn call_for_injected(&self) {
        self.notify_sole();
        let is_told = self.notify_of_injected()
            || self.idle.searching() > 0
            || self.signals() & INJECTED != 0
            || self.config.workers == 0;
        if !is_told {
            // Relaxed: a hint; the injector's lock publishes what is in it.
            self.signals.fetch_or(INJECTED, Ordering::Relaxed);
        }
    }

    /// The injector was empty and is not. Who makes it so tells one worker; who takes less than all tells the next.
    #[cold]
    #[inline(never)]
    pub(super) fn notify_injected(&self) {
        self.notify_sole();
        self.notify_of_injected();
    }

    /// Spawns from wherever the calling thread is.
    pub(crate) fn spawn<F>(self: &Arc<Self>, future: F, label: Label) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        with_context(|context| match context {
            Some(context) => context.spawn_onto(self, future, label),
            None => self.spawn_outside(future, label),
        })
    }

    /// As `spawn_from_outside`.
    fn spawn_outside<F>(self: &Arc<Self>, future: F, label: Label) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        misuse::refuse_in_child("spawn", self.origin);
        let (task, handle) = task::spawn_cell(self, None, Id::next(), label, future);
        if let Some(task) = task {
            self.admit(task);
        }
        handle
    }

    fn admit(&self, task: Notified<Shared>) {
        if self.config.poll_times {
            // From wherever this is.
            self.count_spawned();
            self.schedule(task);
            return;
        }
        // Relaxed: a figure.
        self.spawned_outside.fetch_add(1, Ordering::Relaxed);
        self.inject_from_outside(task);
    }
}

impl Context {
    /// The slot, if this thread holds one of `shared`.
    #[inline]
    pub(crate) fn held_of(&self, shared: &Shared) -> Option<&Held> {
        // SAFETY: as `serves` says: it is null without a slot, and no runtime is there.
        std::ptr::eq(self.serves.get(), shared).then(|| unsafe { self.held.as_ref().unwrap_unchecked() })
    }

    /// The slot, if this thread holds one, which is then of this context's runtime.
    #[inline]
    fn held_serving(&self) -> Option<&Held> {
        // SAFETY: as in `held_of`.
        (!self.serves.get().is_null()).then(|| unsafe { self.held.as_ref().unwrap_unchecked() })
    }

    #[inline]
    fn spawn_onto<F>(&self, shared: &Arc<Shared>, future: F, label: Label) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.held_of(shared) {
            Some(held) => self.spawn_by(held, shared, future, label),
            None => shared.spawn_outside(future, label),
        }
    }

    /// `held` is this thread's, of `shared`, which is this context's.
    #[track_caller]
    #[inline(always)]
    fn spawn_by<F>(&self, held: &Held, shared: &Arc<Shared>, future: F, label: Label) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let cache = &held.core().cache;
        let Some(id) = cache.next_id() else {
            return spawn_from_outside(future, label);
        };
        let (task, handle) = task::spawn_cell(shared, Some(cache), id, label, future);
        if let Some(task) = task {
            held.slot().counters.spawned.add(1);
            self.push(held, task);
        }
        handle
    }
}
