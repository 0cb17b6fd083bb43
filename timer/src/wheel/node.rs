//! The part of an entry that the wheel uses: links and tick.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr::NonNull;

use crate::sync::UnsafeCell;

/// Embedded in whatever is put into a wheel.
// The ring comes first so that its address is the node's.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Node {
    ring: Ring,
    /// Written when it is put in.
    tick: UnsafeCell<MaybeUninit<u64>>,
}

impl Node {
    #[inline]
    pub(crate) fn new() -> Self {
        Node { ring: Ring::new(), tick: UnsafeCell::new(MaybeUninit::uninit()) }
    }
}

/// A link of a ring: a node's, or the head of a slot.
#[derive(Debug)]
pub(super) struct Ring(UnsafeCell<MaybeUninit<Links>>);

#[derive(Clone, Copy, Debug)]
struct Links {
    next: RingRef,
    prev: RingRef,
}

impl Ring {
    /// In no ring, not even one of its own.
    #[inline]
    pub(super) fn new() -> Self {
        Ring(UnsafeCell::new(MaybeUninit::uninit()))
    }
}

/// A link that is in a ring, or may be put into one. Whoever has it may use the link's cell, and nobody else may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RingRef(NonNull<Ring>);

impl RingRef {
    /// # Safety
    ///
    /// As [`NodeRef::new`].
    pub(super) unsafe fn new(ring: NonNull<Ring>) -> Self {
        RingRef(ring)
    }

    pub(super) fn addr(self) -> usize {
        self.0.addr().get()
    }

    #[inline]
    fn with<R>(self, f: impl FnOnce(*const Links) -> R) -> R {
        // SAFETY: the link is alive by the contract of `new`.
        unsafe { self.0.as_ref() }.0.with(|links| f(links.cast()))
    }

    #[inline]
    fn with_mut<R>(self, f: impl FnOnce(*mut Links) -> R) -> R {
        // SAFETY: the link is alive by the contract of `new`.
        unsafe { self.0.as_ref() }.0.with_mut(|links| f(links.cast()))
    }

    /// To be asked of what is in a ring, as the following.
    #[inline]
    pub(super) fn next(self) -> RingRef {
        // SAFETY: access is exclusive by the contract of `new`; it was written when this came into its ring.
        self.with(|links| unsafe { (*links).next })
    }

    #[inline]
    pub(super) fn prev(self) -> RingRef {
        // SAFETY: as in `next`.
        self.with(|links| unsafe { (*links).prev })
    }

    #[inline]
    fn set_next(self, next: RingRef) {
        // SAFETY: access is exclusive by the contract of `new`.
        self.with_mut(|links| unsafe { (*links).next = next });
    }

    #[inline]
    fn set_prev(self, prev: RingRef) {
        // SAFETY: as in `set_next`.
        self.with_mut(|links| unsafe { (*links).prev = prev });
    }

    /// Whether nothing else is in its ring.
    #[inline]
    pub(super) fn is_alone(self) -> bool {
        self.next() == self
    }

    /// Has an entry brought to this core, to be written soon: a hint.
    #[inline(always)]
    pub(super) fn prefetch(self) {
        prefetch_to_write(self.0.as_ptr());
        // It may go on in the next line.
        prefetch_to_write(self.0.as_ptr().wrapping_byte_add(48));
    }

    /// Makes it a ring by itself.
    pub(super) fn close(self) {
        self.set_next(self);
        self.set_prev(self);
    }

    /// Puts `link`, which is in no ring, before this one.
    #[inline]
    pub(super) fn push_before(self, link: RingRef) {
        let last = self.prev();
        link.set_next(self);
        link.set_prev(last);
        last.set_next(link);
        self.set_prev(link);
    }

    /// Takes it out of its ring. The one that it leaves alone there, if any.
    #[inline]
    pub(super) fn unlink(self) -> Option<RingRef> {
        let (next, prev) = (self.next(), self.prev());
        prev.set_next(next);
        next.set_prev(prev);
        (next == prev).then_some(next)
    }
}

/// Has a line of memory brought to this core, to be written soon: a hint.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(_address: *const T) {
    // Not the intrinsic: where the target is any x86-64 that is a `prefetcht0`, which brings a line only to be read if others
    // have it. A processor that does not know `prefetchw` takes it for a no-op.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a hint: it neither reads nor faults, whatever the address.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) _address, options(nostack, preserves_flags, readonly));
    }
}

/// A node that may be put into a wheel, or is in one. Whoever has it may use the node's cells, and nobody else may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeRef(NonNull<Node>);

impl NodeRef {
    /// # Safety
    ///
    /// From the moment it is inserted until it has been removed or popped, the node stays where it is, and only who has
    /// exclusive access to the wheel uses this or another `NodeRef` of it. One that is in no wheel is not used by two
    /// threads at a time. It is inserted only if it is in no wheel, and removed only from the one it is in.
    pub(crate) unsafe fn new(node: NonNull<Node>) -> Self {
        NodeRef(node)
    }

    pub(crate) fn as_ptr(self) -> NonNull<Node> {
        self.0
    }

    /// Its link.
    #[inline]
    pub(super) fn ring(self) -> RingRef {
        RingRef(self.0.cast())
    }

    /// # Safety
    ///
    /// The link is a node's: it came from [`ring`](NodeRef::ring).
    #[inline]
    pub(super) unsafe fn of(ring: RingRef) -> Self {
        NodeRef(ring.0.cast())
    }

    /// To be asked of what is in a wheel.
    #[inline]
    pub(super) fn tick(self) -> u64 {
        // SAFETY: the node is alive by the contract of `new`.
        let node = unsafe { self.0.as_ref() };
        // SAFETY: access is exclusive by the contract of `new`; it was written when this came into the wheel.
        node.tick.with(|tick| unsafe { *tick.cast() })
    }

    #[inline]
    pub(super) fn set_tick(self, tick: u64) {
        // SAFETY: the node is alive by the contract of `new`.
        let node = unsafe { self.0.as_ref() };
        // SAFETY: access is exclusive by the contract of `new`.
        node.tick.with_mut(|mine| unsafe { *mine = MaybeUninit::new(tick) });
    }
}

// SAFETY: a `NodeRef` is an address; the contract of `new` says who may use it, on whatever thread.
unsafe impl Send for NodeRef {}
