//! A worker's own queue: crossbeam's deque, bounded, first in, first out.
use std::fmt;

use crossbeam_deque::{self as deque, Steal};

use super::{Batch, Injector, Linked, Pushed};

/// Items in a local queue at most. Tokio's figure: bounds what a thief must move and what a stuck worker can hold back.
pub(crate) const CAPACITY: usize = 256;

/// What became of a push.
#[derive(Debug)]
#[must_use = "a spilled batch must be notified; a refused one must be cancelled"]
pub(crate) enum Placed<T: Linked> {
    /// In the queue.
    Queued,
    /// The queue was full: its older half and the item went to the injector.
    Spilled(Pushed<Batch<T>>),
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

    /// Puts `item` behind the others, or spills into `injector`.
    #[inline]
    pub(crate) fn push(&self, item: T, injector: &Injector<T>) -> Placed<T> {
        if self.queue.len() < CAPACITY {
            self.queue.push(item);
            return Placed::Queued;
        }
        Placed::Spilled(self.spill(item, injector))
    }

    #[cold]
    fn spill(&self, item: T, injector: &Injector<T>) -> Pushed<Batch<T>> {
        let mut batch = Batch::new();
        // Thieves may have been here meanwhile: less than half is fine.
        std::iter::from_fn(|| self.queue.pop()).take(CAPACITY / 2).for_each(|item| batch.push(item));
        batch.push(item);
        injector.push_batch(batch)
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
