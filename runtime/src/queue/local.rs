//! A worker's own queue: crossbeam's deque, bounded, first in, first out.
use std::fmt;

use crossbeam_deque::{self as deque, Steal};

use super::{Batch, Injector, Linked, Pushed};

/// Items in a local queue at most. Tokio's figure: bounds what a thief must move and what a stuck worker can hold back.
pub(crate) const CAPACITY: usize = 256;

/// What became of a push.
#[derive(Debug)]
#[must_use = "what was spilled must be notified; what was refused must be cancelled"]
pub(crate) enum Placed<T: Linked> {
    /// In the queue.
    Queued,
    /// The queue was full: the item went to the injector.
    Spilled(Pushed<T>),
}

/// What a thief got.
#[derive(Debug)]
pub(crate) struct Stolen<T> {
    /// To be run now.
    pub(crate) item: T,
    /// How many more were put into the thief's queue.
    pub(crate) more: usize,
}

/// The owner's end.
pub(crate) struct Local<T: Linked> {
    queue: deque::Worker<T>,
}

/// The others' end.
pub(crate) struct Stealer<T: Linked> {
    queue: deque::Stealer<T>,
}

impl<T: Linked> fmt::Debug for Local<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("len", &self.len()).finish()
    }
}

impl<T: Linked> fmt::Debug for Stealer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stealer").field("len", &self.len()).finish()
    }
}

impl<T: Linked> Clone for Stealer<T> {
    fn clone(&self) -> Self {
        Stealer { queue: self.queue.clone() }
    }
}

impl<T: Linked> Local<T> {
    /// An empty queue, and the end for thieves.
    pub(crate) fn new() -> (Local<T>, Stealer<T>) {
        let queue = deque::Worker::new_fifo();
        let stealer = Stealer { queue: queue.stealer() };
        (Local { queue }, stealer)
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether it is at least half full: with more waiting in the injector, what is not urgent should queue there.
    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        self.queue.len() >= CAPACITY / 2
    }

    /// How many pushes will not spill.
    pub(crate) fn room(&self) -> usize {
        CAPACITY.saturating_sub(self.len())
    }

    /// Puts `item` behind the others, or spills it into `injector`. Never what is here already: that would be passed by
    /// others, again and again (`docs/fairness.md`).
    #[inline]
    pub(crate) fn push(&self, item: T, injector: &Injector<T>) -> Placed<T> {
        if self.queue.len() < CAPACITY {
            self.queue.push(item);
            return Placed::Queued;
        }
        spill(item, injector)
    }

    /// Puts `item` behind the others, unless the queue is crowded.
    #[inline]
    pub(crate) fn push_unless_crowded(&self, item: T) -> Result<(), T> {
        if self.is_crowded() {
            return Err(item);
        }
        self.queue.push(item);
        Ok(())
    }

    /// Puts a batch from the injector behind the others. It may be larger than `room`: the next push spills then.
    pub(crate) fn extend(&self, batch: Batch<T>) {
        batch.for_each(|item| self.queue.push(item));
    }

    /// Takes the oldest item.
    #[inline]
    pub(crate) fn pop(&self) -> Option<T> {
        self.queue.pop()
    }

    /// Takes half of `victim`'s queue, at most 128, and puts it behind the own. How many these were. To be told of to
    /// others, like a batch from the injector.
    pub(crate) fn take_half_of(&self, victim: &Stealer<T>) -> usize {
        let before = self.len();
        loop {
            match victim.queue.steal_batch_with_limit(&self.queue, CAPACITY / 2) {
                // Others may have stolen it already.
                Steal::Success(()) => return self.len().saturating_sub(before).max(1),
                Steal::Empty => return 0,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    /// Takes half of `victim`'s queue. For a thread that is counted as searching, with an empty queue of its own.
    pub(crate) fn steal_from(&self, victim: &Stealer<T>) -> Option<Stolen<T>> {
        loop {
            // Retry means that another thread has taken something, or that the victim's buffer was exchanged.
            match victim.queue.steal_batch_with_limit_and_pop(&self.queue, CAPACITY / 2) {
                Steal::Success(item) => return Some(Stolen { item, more: self.len() }),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }
}

impl<T: Linked> Stealer<T> {
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// False while an item is here that was pushed before the caller's fence.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// Out of line, so that the common case is small where it is inlined.
#[cold]
fn spill<T: Linked>(item: T, injector: &Injector<T>) -> Placed<T> {
    Placed::Spilled(injector.push(item))
}
