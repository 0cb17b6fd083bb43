//! The scheduler as tasks see it.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Context, Shared, with_context};
use crate::config::UnhandledPanic;
use crate::misuse;
use crate::queue::Pushed;
use crate::task::{self, Arena, Cache, Id, JoinHandle, Label, Notified, Schedule};

impl Schedule for Shared {
    #[inline]
    fn schedule(&self, task: Notified<Shared>) {
        with_context(|context| match context.and_then(|context| Some((context, context.held_of(self)?))) {
            Some((context, held)) => context.push(held, task),
            None => self.inject(task),
        });
    }

    #[inline]
    fn schedule_here(&self, take: impl FnOnce() -> Option<Notified<Shared>>) -> bool {
        with_context(|context| match context.and_then(|context| Some((context, context.held_of(self)?))) {
            Some((context, held)) => {
                if let Some(task) = take() {
                    context.push(held, task);
                }
                true
            }
            None => false,
        })
    }

    fn arena(&self) -> &Arena<Shared> {
        &self.arena
    }

    #[inline(always)]
    fn with_cache<R>(&self, f: impl FnOnce(Option<&Cache>) -> R) -> R {
        // SAFETY: `f` runs nothing of the users' (contract of the trait), so the frame is not left, and its owner is there.
        let context = reactor_hook::owner::<Context>().map(|context| unsafe { context.as_ref() });
        f(context.and_then(|context| context.held_of(self)).map(|held| &held.core().cache))
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

    /// The injector was empty and is not. Who makes it so tells one worker; who takes less than all tells the next.
    #[cold]
    #[inline(never)]
    pub(super) fn notify_injected(&self) {
        self.notify_sole();
        self.notify();
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

    fn spawn_outside<F>(self: &Arc<Self>, future: F, label: Label) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        misuse::refuse_in_child("spawn", self.origin);
        let (task, handle) = task::spawn_cell(self, None, Id::next(), label, future);
        if let Some(task) = task {
            // Relaxed: a figure.
            self.spawned_outside.fetch_add(1, Ordering::Relaxed);
            self.inject(task);
        }
        handle
    }
}

impl Context {
    /// Spawns onto the runtime whose context this is.
    #[inline]
    pub(crate) fn spawn<F>(&self, future: F, label: Label) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_onto(self.shared(), future, label)
    }

    #[inline]
    fn spawn_onto<F>(&self, shared: &Arc<Shared>, future: F, label: Label) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let Some(held) = self.held_of(shared) else {
            return shared.spawn_outside(future, label);
        };
        let cache = &held.core().cache;
        let (task, handle) = task::spawn_cell(shared, Some(cache), cache.next_id(), label, future);
        if let Some(task) = task {
            held.slot().counters.spawned.add(1);
            self.push(held, task);
        }
        handle
    }
}
