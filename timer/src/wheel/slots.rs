//! The slots: rings of nodes, first in first out. Each has a head that is always there, so that nodes are put in and
//! taken out without asking who is beside them; and what is left alone in its ring is a head, whose address says which.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::node::{NodeRef, Ring, RingRef};

/// So many slots. Their heads stay where they are when the wheel is moved.
pub(super) struct Slots<const COUNT: usize>(NonNull<[Ring; COUNT]>);

impl<const COUNT: usize> Slots<COUNT> {
    pub(super) fn new() -> Self {
        let heads = Box::new(std::array::from_fn(|_| Ring::new()));
        let slots = Slots(NonNull::from(Box::leak(heads)));
        (0..COUNT).for_each(|index| slots.head(index).close());
        slots
    }

    #[inline]
    fn head(&self, index: usize) -> RingRef {
        // SAFETY: the heads live until the drop. They are cells: what others hold of them stays good.
        let heads = unsafe { self.0.as_ref() };
        // SAFETY: who has the wheel has its heads; they stay where they are.
        unsafe { RingRef::new(NonNull::from(&heads[index])) }
    }

    #[inline]
    pub(super) fn push(&mut self, index: usize, node: NodeRef) {
        self.head(index).push_before(node.ring());
    }

    /// Takes out `node`, which must be in a slot here: which one, if it is empty now.
    #[inline]
    pub(super) fn remove(&mut self, node: NodeRef) -> Option<usize> {
        let head = node.ring().unlink()?;
        Some((head.addr() - self.0.addr().get()) / size_of::<Ring>())
    }

    #[inline]
    pub(super) fn first(&self, index: usize) -> Option<NodeRef> {
        self.after(self.head(index), index)
    }

    pub(super) fn last(&self, index: usize) -> Option<NodeRef> {
        let (head, last) = (self.head(index), self.head(index).prev());
        // SAFETY: whatever is in a ring and not its head is a node's.
        (last != head).then(|| unsafe { NodeRef::of(last) })
    }

    #[inline]
    fn after(&self, link: RingRef, index: usize) -> Option<NodeRef> {
        let next = link.next();
        // SAFETY: as in `last`.
        (next != self.head(index)).then(|| unsafe { NodeRef::of(next) })
    }

    /// The least tick in a slot, `u64::MAX` if there is none.
    pub(super) fn least(&self, index: usize) -> u64 {
        self.least_of_few(index, usize::MAX).unwrap_or(u64::MAX)
    }

    /// The least tick in a slot, if there are at most `limit` nodes.
    #[inline]
    pub(super) fn least_of_few(&self, index: usize, limit: usize) -> Option<u64> {
        let mut least = u64::MAX;
        let mut node = self.first(index);
        for _ in 0..limit {
            let Some(here) = node else { return Some(least) };
            least = least.min(here.tick());
            node = self.after(here.ring(), index);
        }
        node.is_none().then_some(least)
    }
}

impl<const COUNT: usize> Drop for Slots<COUNT> {
    fn drop(&mut self) {
        // SAFETY: leaked in `new`; nobody uses a head any more, for whoever could has the wheel.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

// SAFETY: the heads are its own, and the nodes linked to them are used as the contract of `NodeRef::new` says, on whatever
// thread.
unsafe impl<const COUNT: usize> Send for Slots<COUNT> {}
