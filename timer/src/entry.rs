//! The entry: what a `Sleep` carries to be put into a wheel. The README's *The entry* says who may touch what, when.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;

use crate::shard::Shard;
use crate::state::{Phase, State};
use crate::sync::UnsafeCell;
use crate::wheel::{Node, NodeRef};

/// All methods but `phase` take the pinned unique borrow: the caller is the owner.
// The node comes first so that its address is the entry's.
#[repr(C)]
pub(crate) struct Entry {
    node: Node,
    /// Initialised while armed. Written by the owner under the home's lock, moved out by reading under that lock.
    waker: UnsafeCell<MaybeUninit<Waker>>,
    /// The owner's.
    home: Option<Arc<Shard>>,
    state: State,
    _pinned: PhantomPinned,
}

// SAFETY: the node and the waker are used by whoever the state and the home's lock say, on whatever thread; a `Waker` is
// `Send` and `Sync`.
unsafe impl Send for Entry {}
// SAFETY: with a shared borrow only the state is read.
unsafe impl Sync for Entry {}

impl Entry {
    pub(crate) fn new() -> Self {
        Entry {
            node: Node::new(),
            waker: UnsafeCell::new(MaybeUninit::uninit()),
            home: None,
            state: State::new(),
            _pinned: PhantomPinned,
        }
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// Where it is, was, or will be armed.
    #[inline]
    pub(crate) fn home(self: Pin<&mut Self>) -> Option<&Arc<Shard>> {
        self.into_ref().get_ref().home.as_ref()
    }

    /// Chooses where it will be armed next. Gives back where it was, if that was elsewhere.
    #[inline]
    pub(crate) fn settle(self: Pin<&mut Self>, home: &Arc<Shard>) -> Option<Arc<Shard>> {
        debug_assert_ne!(self.phase(), Phase::Armed, "an armed entry moves by being disarmed first");
        if self.home.as_ref().is_some_and(|known| Arc::ptr_eq(known, home)) {
            return None;
        }
        // SAFETY: nothing is moved out of the entry but `home`, which is not structurally pinned.
        let this = unsafe { self.get_unchecked_mut() };
        this.home.replace(Arc::clone(home))
    }

    /// Whether `waker` is the one that is there. To be asked only if the state was seen `Armed`.
    #[inline]
    pub(crate) fn will_wake(self: Pin<&mut Self>, waker: &Waker) -> bool {
        self.waker.with(|mine| {
            // SAFETY: written before it was armed, by this thread or before the `Pin<&mut>` came to it; nobody writes
            // it while the owner is here.
            let mine = unsafe { &*mine };
            // SAFETY: the bits are those of a `Waker`. It may have been moved out: see the README, *Fire against poll*.
            unsafe { mine.assume_init_ref() }.will_wake(waker)
        })
    }

    /// Whether it is armed and will call `waker`. With `replace`, another waker gives way to it.
    #[inline]
    pub(crate) fn stays(mut self: Pin<&mut Self>, waker: &Waker, replace: bool) -> bool {
        self.phase() == Phase::Armed
            && (self.as_mut().will_wake(waker) || replace && self.replace_waker(waker.clone()).is_ok())
    }

    /// Puts it into its home's wheel. Tells the one who waits there.
    ///
    /// # Panics
    ///
    /// If it was never settled.
    #[inline]
    pub(crate) fn arm(self: Pin<&mut Self>, tick: u64, waker: Waker) {
        let node = self.node_ref();
        let this = self.into_ref().get_ref();
        let home = this.home.as_ref().expect("an entry settles before it is armed");
        let mut wheel = home.lock();
        // SAFETY: the owner writes it, under the lock; the state says that there is none to be dropped.
        this.waker.with_mut(|mine| unsafe { (*mine).write(waker) });
        this.state.arm();
        let is_earliest = wheel.insert(node, tick);
        home.publish_and_unlock(wheel, is_earliest);
    }

    /// Takes it out of the wheel if it is still there: then gives back the waker.
    #[inline]
    pub(crate) fn disarm(self: Pin<&mut Self>) -> Option<Waker> {
        let node = self.node_ref();
        let this = self.into_ref().get_ref();
        if this.phase() != Phase::Armed {
            return None;
        }
        let home = this.home.as_ref()?;
        let mut wheel = home.lock();
        if this.phase() != Phase::Armed {
            return None;
        }
        wheel.remove(node);
        this.state.disarm();
        let waker = this.take_waker();
        // `earliest` may be too low now, and stays: see the README, *Who waits*.
        drop(wheel);
        Some(waker)
    }

    /// Moves it within its home's wheel, with its waker. False if it has left the wheel.
    #[inline]
    pub(crate) fn rearm(self: Pin<&mut Self>, tick: u64) -> bool {
        let node = self.node_ref();
        let this = self.into_ref().get_ref();
        let Some(home) = this.home.as_ref().filter(|_| this.phase() == Phase::Armed) else { return false };
        let mut wheel = home.lock();
        if this.phase() != Phase::Armed {
            return false;
        }
        wheel.remove(node);
        let is_earliest = wheel.insert(node, tick);
        home.publish_and_unlock(wheel, is_earliest);
        true
    }

    /// Puts in another waker and gives back the old one; gives back the new one if it has left the wheel.
    #[inline]
    fn replace_waker(self: Pin<&mut Self>, waker: Waker) -> Result<Waker, Waker> {
        let this = self.into_ref().get_ref();
        let Some(home) = this.home.as_ref() else { return Err(waker) };
        let _wheel = home.lock();
        if this.phase() != Phase::Armed {
            return Err(waker);
        }
        let old = this.take_waker();
        // SAFETY: the owner writes it, under the lock; the former one was just taken out.
        this.waker.with_mut(|mine| unsafe { (*mine).write(waker) });
        Ok(old)
    }

    /// The owner saw by the clock that the deadline has passed.
    pub(crate) fn elapse(self: Pin<&mut Self>) {
        self.state.elapse();
    }

    /// The owner has set another deadline.
    pub(crate) fn rewind(self: Pin<&mut Self>) {
        self.state.rewind();
    }

    /// The firer's part. Takes the waker out of a popped entry, which must not be used afterwards.
    ///
    /// # Safety
    ///
    /// `node` was popped from a wheel whose lock is held, and was put in by `arm`.
    #[inline]
    pub(crate) unsafe fn fire(node: NodeRef) -> Waker {
        let entry: NonNull<Entry> = node.as_ptr().cast();
        // SAFETY: the node is the first field of an entry, and its pointer was made from one to the whole. It is alive:
        // the owner frees it only after it was removed, which takes the lock, or has read the state stored below.
        let entry = unsafe { entry.as_ref() };
        let waker = entry.take_waker();
        entry.state.fire();
        waker
    }

    /// As `fire`, for a wheel that nobody turns any more.
    ///
    /// # Safety
    ///
    /// As `fire`.
    pub(crate) unsafe fn orphan(node: NodeRef) -> Waker {
        let entry: NonNull<Entry> = node.as_ptr().cast();
        // SAFETY: as in `fire`.
        let entry = unsafe { entry.as_ref() };
        let waker = entry.take_waker();
        entry.state.orphan();
        waker
    }

    /// Moves the waker out. The caller holds the lock, the state says armed, and is changed or the waker put back before
    /// the lock is released.
    #[inline]
    fn take_waker(&self) -> Waker {
        self.waker.with(|waker| {
            // SAFETY: the pointer is to the cell's value, and only holders of the lock write to it.
            let waker = unsafe { &*waker };
            // SAFETY: initialised, for the state says armed; moved out once, for the state will not say so any more.
            unsafe { waker.assume_init_read() }
        })
    }

    #[inline]
    fn node_ref(&self) -> NodeRef {
        let node: NonNull<Node> = NonNull::from(self).cast();
        // SAFETY: the entry is pinned and its `Drop` takes it out of the wheel, so it stays; the node is used by holders
        // of the lock of the wheel it is in.
        unsafe { NodeRef::new(node) }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // SAFETY: an entry is only ever used pinned, and is not moved from here on.
        let this = unsafe { Pin::new_unchecked(self) };
        // The waker is dropped after the lock was released: it may be the last reference to somebody's task.
        drop(this.disarm());
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.state).finish()
    }
}
