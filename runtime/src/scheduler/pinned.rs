//! Tasks pinned to a thread of the pool: each worker has a local queue besides its own that others steal from.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use super::context::{Context, Role, with_context};
use super::{PINNED, Shared, Slot};
use crate::large::is_large;
use crate::local::{Bell, Local, Owner};
use crate::task::{self, Header, Id, IdBlock, JoinHandle, Label, Schedule as _, Sight};

/// A queue for each worker, or the one of the thread in `block_on` where there are none.
pub(super) struct Pinned {
    queues: Box<[Arc<Local<Call>>]>,
    /// Where the next search for the least load begins.
    next: AtomicUsize,
}

/// Calls a worker to its queue.
pub(crate) struct Call {
    shared: Weak<Shared>,
    slot: usize,
    times_polls: bool,
}

impl Bell for Call {
    fn ring(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.call(self.slot);
        }
    }

    fn times_polls(&self) -> bool {
        self.times_polls
    }

    fn unhandled_panic(&self, id: Id) {
        if let Some(shared) = self.shared.upgrade() {
            shared.unhandled_panic(id);
        }
    }
}

impl Pinned {
    /// `workers`: how many; none for a runtime whose one thread is that in `block_on`.
    pub(super) fn new(workers: usize, times_polls: bool, shared: &Weak<Shared>) -> Pinned {
        // The guest's slot comes behind those of the workers: without any it is the first.
        let queue = |slot| Arc::new(Local::new(Call { shared: Weak::clone(shared), slot, times_polls }));
        Pinned { queues: (0..workers.max(1)).map(queue).collect(), next: AtomicUsize::new(0) }
    }

    /// Makes the thread that takes `slot` the owner of its queue, if it has one.
    pub(super) fn own(&self, slot: usize, role: Role) -> Option<Owner<Call>> {
        match role {
            Role::Worker | Role::Sole => Owner::of(self.queues.get(slot)?),
            _ => None,
        }
    }

    /// Of the queues whose owners are not held up, if there are such, the one with the fewest tasks; among equals in turn.
    fn least(&self, is_held_up: impl Fn(usize) -> bool) -> &Arc<Local<Call>> {
        let queues = &self.queues;
        // Relaxed: only that it moves is asked for.
        let start = self.next.fetch_add(1, Ordering::Relaxed) % queues.len();
        let in_turn = (start..queues.len()).chain(0..start);
        &queues[in_turn.min_by_key(|&slot| (is_held_up(slot), queues[slot].live())).unwrap_or(start)]
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = &Local<Call>> {
        self.queues.iter().map(|queue| &**queue)
    }

    pub(super) fn look_at_tasks(&self, mut see: impl FnMut(Sight)) {
        for queue in self.queues() {
            queue.arena().look_at_tasks(&mut see);
        }
    }

    /// The task in this cell, if it is one of a pinned task.
    pub(super) fn look_at(&self, cell: *const Header) -> Option<Sight> {
        self.queues.iter().find_map(|queue| queue.arena().look_at(cell))
    }

    /// The identifiers that the owners have not handed out.
    pub(super) fn ids(&self) -> impl Iterator<Item = &IdBlock> {
        self.queues.iter().map(|queue| queue.ids())
    }

    /// For the one who tears down: what waits for a thread that never came. Of these only closures exist. How many these
    /// were.
    pub(super) fn end(&self) -> usize {
        self.queues.iter().filter_map(Owner::of).map(|owner| owner.end()).sum()
    }
}

impl Shared {
    /// Spawns a task whose future is made on a worker's thread, and stays there.
    pub(crate) fn spawn_pinned<C, F>(self: &Arc<Self>, create: C, label: Label) -> JoinHandle<F::Output>
    where
        C: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        crate::misuse::refuse_in_child("spawn_pinned", self.origin);
        if self.signals() & PINNED == 0 {
            // Relaxed: who is asleep looks at the queue itself; others see it late, if at all.
            self.signals.fetch_or(PINNED, Ordering::Relaxed);
        }
        let queue = self.pinned.least(|slot| self.cover.is_covered(slot));
        if const { is_large::<F>() } {
            return Local::spawn_made(queue, || Box::pin(create()), label, || self.count_spawned());
        }
        Local::spawn_made(queue, create, label, || self.count_spawned())
    }

    pub(super) fn count_spawned(&self) {
        with_context(|context| match context.and_then(|context| context.held_of(self)) {
            Some(held) => held.slot().counters.spawned.add(1),
            None => {
                // Relaxed: a figure.
                self.spawned_outside.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    /// There is mail for the thread of `slot`: ends its sleep, if it sleeps.
    fn call(&self, slot: usize) {
        if self.config.workers == 0 {
            self.unpark_slot(slot);
        } else if let Some(woken) = self.idle.claim(slot) {
            self.wake(woken);
        } else if self.idle.is_napping(slot) {
            self.unpark_slot(slot);
        }
    }
}

impl Context {
    /// Whether a pinned task of this thread is ready.
    #[inline]
    pub(super) fn has_pinned_ready(&self) -> bool {
        self.pinned.as_ref().is_some_and(Owner::has_ready)
    }

    /// Drops the pinned tasks of this thread, before it gives its slot up.
    pub(super) fn end_pinned(&self) {
        let Some(pinned) = &self.pinned else {
            return;
        };
        // A worker leaves for good; the thread in `block_on` leaves its place to another.
        let cancelled = if self.role() == Role::Sole { pinned.step_down() } else { pinned.end() };
        let slot: &Slot = self.slot();
        slot.counters.completed.add(cancelled as u64);
    }

    /// Spawns a task that stays on this thread, if that is where a pinned task is being polled, or if no other thread
    /// executes tasks of this runtime.
    pub(crate) fn spawn_local<F>(&self, future: F, label: Label) -> Result<JoinHandle<F::Output>, F>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let shared = self.shared();
        match &self.pinned {
            Some(pinned) if self.role() == Role::Sole || pinned.is_in_turn() => {
                Ok(Local::spawn_here(pinned.local(), future, label, || shared.count_spawned()))
            }
            // Shut down from within, while its one thread goes on in `block_on`.
            None if shared.config.workers == 0 && shared.is_closed() => {
                Ok(task::refuse(Id::next(), label, future))
            }
            _ => Err(future),
        }
    }
}
