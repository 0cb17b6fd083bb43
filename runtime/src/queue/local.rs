//! A worker's own queue: a ring, first in, first out, that others steal from. The README in this folder has the proof.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crossbeam_utils::CachePadded;

use super::{Batch, Injector, Linked, Pushed};
use crate::primitives::Arc;
use crate::primitives::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Items in a local queue at most. Tokio's figure: bounds what a thief must move and what a stuck worker can hold back.
pub const CAPACITY: usize = 256;

/// Places of the ring: as many again for batches from the injector, which may come on top.
const PLACES: usize = 2 * CAPACITY;

/// What became of a push.
#[derive(Debug)]
#[must_use = "what was spilled must be notified; what was refused must be cancelled"]
pub enum Placed<T: Linked> {
    /// In the queue.
    Queued,
    /// The queue was full: the item went to the injector.
    Spilled(Pushed<T>),
}

/// What a thief got.
#[derive(Debug)]
pub struct Stolen<T> {
    /// To be run now.
    pub item: T,
    /// How many more were put into the thief's queue.
    pub more: usize,
}

/// The owner's end. Half of the places of the ring are for pushes; models have smaller ones.
pub struct Local<T: Linked, const RING: usize = PLACES> {
    ring: Arc<Ring<T, RING>>,
    /// It goes from thread to thread, and two never share it.
    _one_owner: PhantomData<Cell<()>>,
}

/// The others' end.
pub struct Stealer<T: Linked, const RING: usize = PLACES> {
    ring: Arc<Ring<T, RING>>,
}

/// Items `head..tail` are here, item *n* in the place *n* modulo `RING`.
struct Ring<T: Linked, const RING: usize> {
    /// Items taken so far, by anybody: moved by RMWs alone.
    head: CachePadded<AtomicUsize>,
    /// Items put in so far: the owner's to write.
    tail: CachePadded<AtomicUsize>,
    places: [AtomicPtr<T::Node>; RING],
    _owned: PhantomData<fn(T) -> T>,
}

impl<T: Linked, const RING: usize> Ring<T, RING> {
    const IS_POWER_OF_TWO: () = assert!(RING.is_power_of_two(), "places are found by a mask");

    #[inline]
    fn place(&self, item: usize) -> &AtomicPtr<T::Node> {
        &self.places[item % RING]
    }

    fn len(&self) -> usize {
        // Ordering: Acquire pairs with the Release of who moves the head: the tail seen is not before it.
        let head = self.head.load(Ordering::Acquire);
        // Relaxed: ordered by the Acquire above, and by the caller's fence.
        self.tail.load(Ordering::Relaxed).wrapping_sub(head).min(RING)
    }
}

impl<T: Linked, const RING: usize> Local<T, RING> {
    /// Items that pushes fill it with.
    const CAPACITY: usize = RING / 2;

    /// Items that one step steals at most.
    const MOST: usize = RING / 4;

    /// An empty queue, and the end for thieves.
    pub fn new() -> (Self, Stealer<T, RING>) {
        let () = Ring::<T, RING>::IS_POWER_OF_TWO;
        let ring = Arc::new(Ring {
            head: CachePadded::new(AtomicUsize::new(0)),
            tail: CachePadded::new(AtomicUsize::new(0)),
            places: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            _owned: PhantomData,
        });
        (Local { ring: Arc::clone(&ring), _one_owner: PhantomData }, Stealer { ring })
    }

    /// Items here: exact for the owner, but for thefts that he has not seen.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether nothing is here, as `len` tells it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is at least half full: what is taken from elsewhere, and is not urgent, should stay there.
    #[inline]
    pub fn is_crowded(&self) -> bool {
        self.len() >= Self::CAPACITY / 2
    }

    /// How many pushes will not spill.
    pub fn room(&self) -> usize {
        Self::CAPACITY.saturating_sub(self.len())
    }

    /// How many items a batch may have.
    pub fn space(&self) -> usize {
        RING - self.len()
    }

    /// The place of the next item: `has_passed` it once all that is here now has left, and what comes next.
    pub fn next_place(&self) -> usize {
        // Relaxed: its own writes.
        self.ring.tail.load(Ordering::Relaxed)
    }

    /// Whether all items before `place` have left.
    pub fn has_passed(&self, place: usize) -> bool {
        // Relaxed: who sees an earlier head waits longer. Both count on, and wrap.
        self.ring.head.load(Ordering::Relaxed).wrapping_sub(place).cast_signed() >= 0
    }

    /// Puts `item` behind the others, or spills it into `injector`. Never what is here already: that would be passed by
    /// others, again and again (`docs/fairness.md`).
    #[inline]
    pub fn push(&self, item: T, injector: &Injector<T>) -> Placed<T> {
        match self.put(item, Self::CAPACITY) {
            Ok(()) => Placed::Queued,
            Err(item) => spill(item, injector),
        }
    }

    /// Puts `item` behind the others, unless the queue is crowded.
    #[inline]
    pub fn push_unless_crowded(&self, item: T) -> Result<(), T> {
        self.put(item, Self::CAPACITY / 2)
    }

    /// Puts a batch from the injector, no larger than `space`, behind the others. It may be larger than `room`: the next
    /// push spills then.
    pub fn extend(&self, batch: Batch<T>) {
        for item in batch {
            assert!(self.put(item, RING).is_ok(), "a batch is no larger than the space");
        }
    }

    /// Puts `item` behind the others if these are less than `limit`.
    #[inline]
    fn put(&self, item: T, limit: usize) -> Result<(), T> {
        let ring = &*self.ring;
        // Relaxed: its own writes.
        let tail = ring.tail.load(Ordering::Relaxed);
        // Ordering: Acquire pairs with the Release of who moves the head: he has read the place that is written next.
        if tail.wrapping_sub(ring.head.load(Ordering::Acquire)) >= limit {
            return Err(item);
        }
        // Relaxed: published by the tail.
        ring.place(tail).store(item.into_raw().as_ptr(), Ordering::Relaxed);
        // Ordering: Release pairs with the Acquire in `grab`: the item is seen, and the place.
        ring.tail.store(tail.wrapping_add(1), Ordering::Release);
        Ok(())
    }

    /// Takes the oldest item.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        let ring = &*self.ring;
        // Relaxed: a head that is not the latest is found out by the exchange. The tail is its own to write.
        let mut head = ring.head.load(Ordering::Relaxed);
        let tail = ring.tail.load(Ordering::Relaxed);
        loop {
            if head == tail {
                return None;
            }
            // Relaxed: its own write.
            let node = ring.place(head).load(Ordering::Relaxed);
            let next = head.wrapping_add(1);
            // Ordering: Release pairs with the Acquire in `grab`: who sees this head sees the tail that let it come here.
            match ring.head.compare_exchange_weak(head, next, Ordering::Release, Ordering::Relaxed) {
                // SAFETY: places between head and tail hold nodes.
                Ok(_) => return Some(unsafe { given_out(node) }),
                Err(now) => head = now,
            }
        }
    }

    /// Takes half of `victim`'s queue, and puts it behind the own. How many these were. To be told of to others, like a
    /// batch from the injector.
    pub fn take_half_of(&self, victim: &Stealer<T, RING>) -> usize {
        self.grab(victim, 0).map_or(0, |(_, count)| count)
    }

    /// Takes half of `victim`'s queue, the oldest item to run now.
    pub fn steal_from(&self, victim: &Stealer<T, RING>) -> Option<Stolen<T>> {
        let (node, count) = self.grab(victim, 1)?;
        // SAFETY: it is the first of those that were taken, and not in the own queue.
        Some(Stolen { item: unsafe { given_out(node) }, more: count - 1 })
    }

    /// Takes half of `victim`'s queue and puts all but the first `kept` behind the own. The first and how many.
    fn grab(&self, victim: &Stealer<T, RING>, kept: usize) -> Option<(*mut T::Node, usize)> {
        let (own, other) = (&*self.ring, &*victim.ring);
        // Relaxed: its own writes.
        let tail = own.tail.load(Ordering::Relaxed);
        // Ordering: Acquire as in `put`.
        let space = RING - tail.wrapping_sub(own.head.load(Ordering::Acquire));
        // Ordering: Acquire pairs with the Release of who moves the head: the tail that is read next is not before it.
        let mut head = other.head.load(Ordering::Acquire);
        loop {
            // Ordering: Acquire pairs with the Release of the tail's stores: the items are seen, and their places.
            let len = other.tail.load(Ordering::Acquire).wrapping_sub(head);
            let count = len.div_ceil(2).min(Self::MOST).min(space);
            if count == 0 {
                return None;
            }
            // Relaxed, all: published by the own tail, if the items are the thief's by then.
            let first = other.place(head).load(Ordering::Relaxed);
            for item in kept..count {
                let node = other.place(head.wrapping_add(item)).load(Ordering::Relaxed);
                own.place(tail.wrapping_add(item - kept)).store(node, Ordering::Relaxed);
            }
            let next = head.wrapping_add(count);
            // Ordering: Release pairs with the Acquire of `put`: the places have been read. Acquire as above.
            match other.head.compare_exchange(head, next, Ordering::Release, Ordering::Acquire) {
                Ok(_) => {
                    // Ordering: Release as in `put`.
                    own.tail.store(tail.wrapping_add(count - kept), Ordering::Release);
                    return Some((first, count));
                }
                // Somebody has taken something: what was copied may be anything, and is where nobody looks.
                Err(now) => head = now,
            }
        }
    }
}

impl<T: Linked, const RING: usize> Clone for Stealer<T, RING> {
    fn clone(&self) -> Self {
        Stealer { ring: Arc::clone(&self.ring) }
    }
}

impl<T: Linked, const RING: usize> Stealer<T, RING> {
    /// Items that were here a moment ago.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// False while an item is here that was pushed before the caller's fence.
    pub fn is_empty(&self) -> bool {
        self.ring.len() == 0
    }
}

impl<T: Linked, const RING: usize> Drop for Ring<T, RING> {
    fn drop(&mut self) {
        let mut rest = Batch::<T>::new();
        // Relaxed: nobody else is left.
        let (head, tail) = (self.head.load(Ordering::Relaxed), self.tail.load(Ordering::Relaxed));
        for item in 0..tail.wrapping_sub(head) {
            let node = self.place(head.wrapping_add(item)).load(Ordering::Relaxed);
            // SAFETY: places between head and tail hold nodes, and each is looked at once.
            rest.push(unsafe { given_out(node) });
        }
    }
}

impl<T: Linked, const RING: usize> fmt::Debug for Local<T, RING> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("len", &self.len()).finish()
    }
}

impl<T: Linked, const RING: usize> fmt::Debug for Stealer<T, RING> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stealer").field("len", &self.len()).finish()
    }
}

/// The handle of an item that has left the ring.
///
/// # Safety
///
/// `node` was put into a place by `put` or `grab`, and its item taken out this once.
#[inline]
unsafe fn given_out<T: Linked>(node: *mut T::Node) -> T {
    // SAFETY: what is put in comes from `into_raw`.
    let node = unsafe { NonNull::new_unchecked(node) };
    // SAFETY: as above; taken out once (the caller's promise).
    unsafe { T::from_raw(node) }
}

/// Out of line, so that the common case is small where it is inlined.
#[cold]
fn spill<T: Linked>(item: T, injector: &Injector<T>) -> Placed<T> {
    Placed::Spilled(injector.push(item))
}
