//! The queue that any thread may push to: a list under a lock, and a stack for who does not get the lock at once.
#![allow(unsafe_code)]

use std::fmt;
use std::ptr::{self, NonNull};

use crossbeam_utils::CachePadded;

use super::batch::Chain;
use super::list::List;
use super::{Batch, Linked};
use crate::primitives::Mutex;
use crate::primitives::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Nodes of the stack that `len` counts at most.
const LEN_LIMIT: usize = 1 << 16;

/// What became of a push.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the first of a batch must be notified; a refused one must be cancelled"]
pub enum Pushed<R> {
    /// The injector was empty, or seems so from here: the caller notifies the idle set.
    First,
    /// Somebody else's item is before it, and its pusher has notified, or is about to.
    Behind,
    /// The injector is closed.
    Closed(R),
}

/// The injector. The README in this folder has the states and the proof.
pub struct Injector<T: Linked> {
    /// The newest of the items that were pushed while somebody had the lock, and are not yet drained.
    head: CachePadded<AtomicPtr<T::Node>>,
    /// Items in the list; 1 or more while they are being moved there.
    drained: CachePadded<AtomicUsize>,
    consumer: Mutex<List<T>>,
}

impl<T: Linked> fmt::Debug for Injector<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}

impl<T: Linked> Injector<T> {
    /// Empty and open.
    pub fn new() -> Self {
        Injector {
            head: CachePadded::new(AtomicPtr::new(ptr::null_mut())),
            drained: CachePadded::new(AtomicUsize::new(0)),
            consumer: Mutex::new(List::new()),
        }
    }

    /// The head of a closed injector: no node is at this address.
    fn closed() -> *mut T::Node {
        ptr::without_provenance_mut(1)
    }

    /// Puts `item` behind all others.
    pub fn push(&self, item: T) -> Pushed<T> {
        if let Some(mut list) = self.consumer.try_lock() {
            return match self.join(&mut list) {
                Pushed::Closed(()) => Pushed::Closed(item),
                joined => {
                    list.push(item);
                    self.joined(&list, joined)
                }
            };
        }
        self.push_to_stack(item)
    }

    /// As `push`, by who does not get the lock.
    pub fn push_to_stack(&self, item: T) -> Pushed<T> {
        let node = item.into_raw();
        match self.push_chain(&Chain { newest: node, oldest: node }) {
            Pushed::First => Pushed::First,
            Pushed::Behind => Pushed::Behind,
            // SAFETY: the push was refused, so that the node is still this function's.
            Pushed::Closed(()) => Pushed::Closed(unsafe { T::from_raw(node) }),
        }
    }

    /// Puts all of `batch` behind all others, in order, at the cost of one push. An empty batch is `Behind`.
    pub fn push_batch(&self, mut batch: Batch<T>) -> Pushed<Batch<T>> {
        if batch.is_empty() {
            return Pushed::Behind;
        }
        if let Some(mut list) = self.consumer.try_lock() {
            return match self.join(&mut list) {
                Pushed::Closed(()) => Pushed::Closed(batch),
                joined => {
                    batch.by_ref().for_each(|item| list.push(item));
                    self.joined(&list, joined)
                }
            };
        }
        let Some(chain) = batch.into_reversed() else { return Pushed::Behind };
        match self.push_chain(&chain) {
            Pushed::First => Pushed::First,
            Pushed::Behind => Pushed::Behind,
            Pushed::Closed(()) => {
                // SAFETY: the push was refused, so that the chain is still this function's.
                let link = unsafe { T::link(chain.oldest) };
                // Relaxed: nobody else has the chain.
                link.store(ptr::null_mut(), Ordering::Relaxed);
                // SAFETY: the chain is whole and this function's, and its oldest link is null.
                Pushed::Closed(unsafe { Self::in_order(chain.newest.as_ptr()) })
            }
        }
    }

    /// Before items are put behind the list's, under its lock: the stack's are older.
    fn join(&self, list: &mut List<T>) -> Pushed<()> {
        // Relaxed: closed under the lock.
        if self.head.load(Ordering::Relaxed) == Self::closed() {
            return Pushed::Closed(());
        }
        self.refill(list);
        if list.is_empty() { Pushed::First } else { Pushed::Behind }
    }

    /// Items were put behind the list's.
    fn joined<R>(&self, list: &List<T>, pushed: Pushed<()>) -> Pushed<R> {
        // Relaxed: whoever must see them is told of them, or of one before them, after a fence.
        self.drained.store(list.len(), Ordering::Relaxed);
        if pushed == Pushed::First { Pushed::First } else { Pushed::Behind }
    }

    /// Pushes a chain, which stays the caller's if refused.
    fn push_chain(&self, chain: &Chain<T>) -> Pushed<()> {
        // SAFETY: the chain is the caller's.
        let link = unsafe { T::link(chain.oldest) };
        let newest = chain.newest.as_ptr();
        // Relaxed: only compared, and published again by the exchange.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == Self::closed() {
                return Pushed::Closed(());
            }
            // Relaxed: published by the exchange.
            link.store(head, Ordering::Relaxed);
            // Ordering: Release publishes the items to the Acquire of `refill` and `close`. It is an RMW, so that the
            // publication of the older items goes on through it.
            match self.head.compare_exchange_weak(head, newest, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return if head.is_null() { Pushed::First } else { Pushed::Behind },
                Err(now) => head = now,
            }
        }
    }

    /// Takes the oldest items: at most `max`, and no more than a fair share of those seen for each of `sharers`.
    pub fn pop_batch(&self, max: usize, sharers: usize) -> Batch<T> {
        if self.is_empty() {
            return Batch::new();
        }
        self.cut(&mut self.consumer.lock(), max, sharers)
    }

    fn cut(&self, list: &mut List<T>, max: usize, sharers: usize) -> Batch<T> {
        if list.is_empty() {
            self.refill(list);
        }
        let share = |list: &List<T>| list.len().div_ceil(sharers.max(1));
        let mut taken = list.take(share(list).min(max));
        if taken.len() < max && list.is_empty() {
            self.refill(list);
            let more = share(list).min(max - taken.len());
            list.take(more).for_each(|item| taken.push(item));
        }
        // Relaxed: whoever sees 0 learns only that the items are in somebody's hands.
        self.drained.store(list.len(), Ordering::Relaxed);
        taken.set_left_some(!self.is_empty());
        taken
    }

    /// Moves the stack behind the list.
    fn refill(&self, list: &mut List<T>) {
        // Relaxed: a hint, or else the caller's fence orders it.
        let head = self.head.load(Ordering::Relaxed);
        if head.is_null() || head == Self::closed() {
            return;
        }
        // Relaxed: published by the swap, before which it must be: see `is_empty`.
        self.drained.store(1, Ordering::Relaxed);
        // Ordering: Acquire pairs with the Release of `push_chain`; Release publishes `drained` to `is_empty`.
        let newest = self.head.swap(ptr::null_mut(), Ordering::AcqRel);
        debug_assert!(
            !newest.is_null() && newest != Self::closed(),
            "only the lock's holder takes or closes"
        );
        // SAFETY: the swap made the chain this function's; its oldest item was pushed onto null.
        unsafe { Self::in_order(newest) }.for_each(|item| list.push(item));
    }

    /// False while an item is here that was pushed before, in the sense of the README.
    pub fn is_empty(&self) -> bool {
        // Ordering: Acquire pairs with the Release of the swap in `refill`: who sees its null sees `drained` set.
        let head = self.head.load(Ordering::Acquire);
        // Relaxed: ordered by the Acquire above.
        (head.is_null() || head == Self::closed()) && self.drained.load(Ordering::Relaxed) == 0
    }

    /// Refuses all further pushes, and takes out everything there is.
    pub fn close(&self) -> Batch<T> {
        let mut list = self.consumer.lock();
        // Ordering: Acquire pairs with the Release of `push_chain`; Release as in `refill`.
        let newest = self.head.swap(Self::closed(), Ordering::AcqRel);
        if newest != Self::closed() {
            // SAFETY: the swap made the chain this function's; its oldest item was pushed onto null.
            unsafe { Self::in_order(newest) }.for_each(|item| list.push(item));
        }
        // Relaxed: as in `cut`.
        self.drained.store(0, Ordering::Relaxed);
        list.take(usize::MAX)
    }

    /// A chain that leads from the newest item to the oldest, turned round.
    ///
    /// # Safety
    ///
    /// As [`Batch::fill_reversed`].
    unsafe fn in_order(newest: *mut T::Node) -> Batch<T> {
        let mut batch = Batch::new();
        // SAFETY: the same contract.
        unsafe { batch.fill_reversed(newest) };
        batch
    }

    /// Items here, counting no more than 65,536 of those not yet drained. For metrics: takes the lock.
    pub fn len(&self) -> usize {
        let list = self.consumer.lock();
        // Ordering: Acquire pairs with the Release of `push_chain`: the links are seen.
        let mut next = self.head.load(Ordering::Acquire);
        let mut count = 0;
        while let Some(node) = NonNull::new(next) {
            if next == Self::closed() || count == LEN_LIMIT {
                break;
            }
            // SAFETY: a node in the stack is taken back by nobody but the lock's holder.
            let link = unsafe { T::link(node) };
            // Relaxed: ordered by the Acquire above.
            next = link.load(Ordering::Relaxed);
            count += 1;
        }
        list.len() + count
    }
}

impl<T: Linked> Drop for Injector<T> {
    fn drop(&mut self) {
        drop(self.close());
    }
}
