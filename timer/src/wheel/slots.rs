//! The slots: rings of nodes, first in first out. Each has a head that is always there, so that nodes are put in and
//! taken out without asking who is beside them; and what is left alone in its ring is a head, whose address says which.
//!
//! A slot of the lowest levels is several rings in turn: see the README, *The wheel*.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::NonNull;

use super::node::{NodeRef, Ring, RingRef};
use super::{FAR, SLOTS};

/// Slots of several rings: those of the two lowest levels, 4 s. Crowds that wait for longer get there.
const STRIPED: usize = 2 * SLOTS;
/// Rings in each. PERFORMANCE: of 100,000 sleeps, CPU time an operation with one, two and four: 805, 640 and 550 ns.
const STRIPES: usize = 4;

/// The heads are one after the other, slot by slot.
const HEADS: usize = FAR + 1 + STRIPED * (STRIPES - 1);

/// Whose turn it is in a slot, modulo the number of its rings.
#[derive(Default)]
struct Turn {
    push: Cell<u8>,
    pop: Cell<u8>,
}

/// 13 KB, and most workers of most programs keep no timers. In this order, so that a ring's address says which it is.
#[repr(C)]
struct Heads {
    rings: [Ring; HEADS],
    turns: [Turn; STRIPED],
}

/// All slots of a wheel. Their heads stay where they are when the wheel is moved.
pub(super) struct Slots {
    /// Dangling until they are [`made`](Slots::make).
    heads: NonNull<Heads>,
    made: bool,
}

/// Which slot a head is of.
#[inline]
fn slot_of(head: usize) -> usize {
    if head < STRIPED * STRIPES { head / STRIPES } else { head - STRIPED * (STRIPES - 1) }
}

impl Slots {
    /// Without heads: nothing but [`make`](Slots::make) and the drop may be called.
    pub(super) fn new() -> Self {
        Slots { heads: NonNull::dangling(), made: false }
    }

    /// Makes the heads, if there are none yet: before the first node is put in.
    #[cold]
    #[inline(never)]
    pub(super) fn make(&mut self) {
        if self.made {
            return;
        }
        // In place: a stack may be smaller.
        let mut heads = Box::<Heads>::new_uninit();
        let place = heads.as_mut_ptr();
        for index in 0..HEADS {
            // SAFETY: the place of a ring, in what was allocated.
            let ring = unsafe { &raw mut (*place).rings[index] };
            // SAFETY: it is as large, aligned, and there is nothing in it yet.
            unsafe { ring.write(Ring::new()) };
        }
        for index in 0..STRIPED {
            // SAFETY: the place of a turn, in what was allocated.
            let turn = unsafe { &raw mut (*place).turns[index] };
            // SAFETY: it is as large, aligned, and there is nothing in it yet.
            unsafe { turn.write(Turn::default()) };
        }
        // SAFETY: all rings and all turns were written.
        let heads = unsafe { heads.assume_init() };
        self.heads = NonNull::from(Box::leak(heads));
        self.made = true;
        (0..HEADS).for_each(|index| self.head(index).close());
    }

    #[inline]
    fn heads(&self) -> &Heads {
        debug_assert!(self.made, "what is asked of slots is put in before");
        // SAFETY: made (contract of `new`), they live until the drop. They are cells: what others hold of them stays good.
        unsafe { self.heads.as_ref() }
    }

    #[inline]
    fn head(&self, index: usize) -> RingRef {
        // SAFETY: who has the wheel has its heads; they stay where they are.
        unsafe { RingRef::new(NonNull::from(&self.heads().rings[index])) }
    }

    /// The heads of a slot of one ring.
    #[inline]
    fn only_head(&self, slot: usize) -> RingRef {
        self.head(slot + STRIPED * (STRIPES - 1))
    }

    #[inline]
    fn stripe(&self, slot: usize, turn: u8) -> RingRef {
        self.head(slot * STRIPES + usize::from(turn) % STRIPES)
    }

    /// Every ring of a slot.
    fn rings(&self, slot: usize) -> impl Iterator<Item = RingRef> {
        let (first, count) =
            if slot < STRIPED { (slot * STRIPES, STRIPES) } else { (slot + STRIPED * (STRIPES - 1), 1) };
        (first..first + count).map(|index| self.head(index))
    }

    #[inline]
    pub(super) fn push(&mut self, slot: usize, node: NodeRef) {
        let head = match self.heads().turns.get(slot) {
            Some(turn) => {
                let push = turn.push.get();
                turn.push.set(push.wrapping_add(1));
                self.stripe(slot, push)
            }
            None => self.only_head(slot),
        };
        head.push_before(node.ring());
    }

    /// Takes out `node`, which must be in a slot here: which one, if it is empty now.
    #[inline]
    pub(super) fn remove(&mut self, node: NodeRef) -> Option<usize> {
        let head = node.ring().unlink()?;
        let slot = slot_of((head.addr() - self.heads.addr().get()) / size_of::<Ring>());
        if slot < STRIPED {
            let rings = slot * STRIPES;
            if !(rings..rings + STRIPES).all(|index| self.head(index).is_alone()) {
                return None;
            }
            // As many were put in as were taken out: what comes next is first again.
            let turn = &self.heads().turns[slot];
            turn.pop.set(turn.push.get());
        }
        Some(slot)
    }

    /// The node that comes out next, if there is one: to be taken out now.
    #[inline]
    pub(super) fn next(&mut self, slot: usize) -> Option<NodeRef> {
        let Some(Turn { pop, .. }) = self.heads().turns.get(slot) else {
            return self.first(self.only_head(slot));
        };
        let next = pop.get();
        for turn in (0..STRIPES as u8).map(|skipped| next.wrapping_add(skipped)) {
            let head = self.stripe(slot, turn);
            if let Some(node) = self.first(head) {
                pop.set(turn.wrapping_add(1));
                return Some(node);
            }
        }
        None
    }

    /// The first node of a ring. The one behind it is brought here.
    #[inline]
    fn first(&self, head: RingRef) -> Option<NodeRef> {
        let node = self.after(head, head)?;
        node.ring().next().prefetch();
        Some(node)
    }

    /// The last node of a slot of one ring.
    pub(super) fn last(&self, slot: usize) -> Option<NodeRef> {
        let head = (slot >= STRIPED).then(|| self.only_head(slot))?;
        let last = head.prev();
        // SAFETY: whatever is in a ring and not its head is a node's.
        (last != head).then(|| unsafe { NodeRef::of(last) })
    }

    #[inline]
    fn after(&self, link: RingRef, head: RingRef) -> Option<NodeRef> {
        let next = link.next();
        // SAFETY: as in `last`.
        (next != head).then(|| unsafe { NodeRef::of(next) })
    }

    /// The least tick in a slot, `u64::MAX` if there is none.
    pub(super) fn least(&self, slot: usize) -> u64 {
        self.least_of_few(slot, usize::MAX).unwrap_or(u64::MAX)
    }

    /// The least tick in a slot, if there are at most `limit` nodes.
    #[inline]
    pub(super) fn least_of_few(&self, slot: usize, limit: usize) -> Option<u64> {
        let (mut least, mut left) = (u64::MAX, limit);
        for head in self.rings(slot) {
            let mut node = self.after(head, head);
            while let Some(here) = node {
                left = left.checked_sub(1)?;
                least = least.min(here.tick());
                node = self.after(here.ring(), head);
            }
        }
        Some(least)
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        if self.made {
            // SAFETY: leaked in `make`; nobody uses a head any more, for whoever could has the wheel.
            drop(unsafe { Box::from_raw(self.heads.as_ptr()) });
        }
    }
}

// SAFETY: the heads are its own, and the nodes linked to them are used as the contract of `NodeRef::new` says, on whatever
// thread.
unsafe impl Send for Slots {}
