//! The unique right to queue a task and to poll it once.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::header::{Header, RawTask};
use super::id::Id;
use super::schedule::Schedule;

/// A task that is to be polled. Whoever has it must queue it or run it; dropping it would leak the task.
#[must_use = "a Notified that is dropped is a task that never runs again"]
#[repr(transparent)]
pub(crate) struct Notified<S> {
    task: RawTask,
    scheduler: PhantomData<fn(S)>,
}

// SAFETY: a Notified is a right that is passed on, not shared. The future inside is `Send` (bound of `spawn`), or its
// scheduler runs and cancels tasks on the thread alone that may have it (contract of `spawn_unchecked`).
unsafe impl<S> Send for Notified<S> {}

/// What became of a task that was run.
#[derive(Debug)]
#[must_use]
pub(crate) enum Ran<S> {
    /// It waits to be woken.
    Idle,
    /// It was woken during its poll, or yielded: to be queued again.
    Again(Notified<S>),
    /// It is complete; the cell may be gone.
    Done,
}

/// `Ran`, as the vtable says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Idle,
    Again,
    Done,
}

/// Which task a thread polls, until that has yielded.
#[derive(Debug)]
pub(crate) struct Polled(Cell<*const Header>);

impl Polled {
    /// No cell's address, and not null, which is a task that has yielded.
    const NOBODY: *const Header = std::ptr::dangling();

    pub(crate) fn new() -> Self {
        Polled(Cell::new(Self::NOBODY))
    }

    /// A poll of the task in this cell begins.
    #[inline]
    pub(crate) fn begin(&self, task: *const Header) {
        self.0.set(task);
    }

    /// The poll has ended.
    #[inline]
    pub(crate) fn end(&self) {
        self.0.set(Self::NOBODY);
    }

    /// Whether the task in this cell is being polled, and has not yielded.
    #[inline]
    pub(crate) fn is(&self, task: *const Header) -> bool {
        std::ptr::eq(self.0.get(), task)
    }

    /// The task wants its neighbours to run first, and has left its waker nowhere.
    #[inline]
    pub(crate) fn set_yielded(&self) {
        self.0.set(std::ptr::null());
    }

    #[inline]
    pub(super) fn has_yielded(&self) -> bool {
        self.0.get().is_null()
    }
}

/// An `Option<&S::Here>`, as the vtable takes it.
#[derive(Clone, Copy)]
pub(super) struct Here<'a>(Option<NonNull<()>>, PhantomData<&'a ()>);

impl<'a> Here<'a> {
    #[inline]
    fn from<T>(here: Option<&'a T>) -> Self {
        Here(here.map(|here| NonNull::from(here).cast()), PhantomData)
    }

    /// # Safety
    ///
    /// It was made from a `T`.
    #[inline]
    pub(super) unsafe fn get<T>(self) -> Option<&'a T> {
        // SAFETY: promise of the caller; the lifetime is that of the reference it was made from.
        self.0.map(|here| unsafe { here.cast().as_ref() })
    }
}

impl<S: Schedule> Notified<S> {
    /// # Safety
    ///
    /// The caller has the Notified of `task`, a task of an `S`, and passes it on.
    #[inline]
    pub(super) unsafe fn new(task: RawTask) -> Self {
        Notified { task, scheduler: PhantomData }
    }

    /// Polls the task once, or drops its future if it was cancelled.
    ///
    /// `polled` says that this task is, and a future that wants its neighbours to run first says so there (`yield_now`).
    /// A panic of the task ends in its `JoinError`, never here.
    ///
    /// `here` must be what the calling thread has of the task's scheduler. With it the cell of a task that ends goes back, and the
    /// task that awaits it is queued, without a look at where this is.
    #[inline]
    pub(crate) fn run(self, polled: &Polled, here: Option<&S::Here>) -> Ran<S> {
        let here = Here::from(here);
        // SAFETY: we have the Notified, and do not use it again unless it is given back; `here` is an `S`'s.
        match unsafe { (self.task.vtable().run)(self.task, polled, here) } {
            Step::Idle => Ran::Idle,
            Step::Again => Ran::Again(self),
            Step::Done => Ran::Done,
        }
    }

    /// Drops the future; the handle resolves cancelled.
    pub(crate) fn cancel(self) {
        self.task.state().cancel_owned();
        let ran = self.run(&Polled::new(), None);
        debug_assert!(matches!(ran, Ran::Done), "a cancelled task is not polled");
    }

    /// The address of the cell: what its wakers' data is.
    #[inline]
    pub(crate) fn address(&self) -> *const Header {
        self.task.as_ptr().as_ptr()
    }

    /// Which task it is.
    #[inline]
    pub(crate) fn id(&self) -> Id {
        self.task.id()
    }

    /// As `id`, for a heartbeat.
    #[inline]
    pub(crate) fn id_number(&self) -> u64 {
        self.task.face().id_number()
    }

    /// As a pointer, for queues that are linked through [`queue_next`](super::queue_next).
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<Header> {
        self.task.as_ptr()
    }

    /// # Safety
    ///
    /// `header` came from `into_raw` of a `Notified<S>`, and becomes one again only this once.
    #[inline]
    pub(crate) unsafe fn from_raw(header: NonNull<Header>) -> Self {
        // SAFETY: the Notified behind `header` is ours (promise of the caller).
        let task = unsafe { RawTask::new(header) };
        // SAFETY: as above.
        unsafe { Notified::new(task) }
    }
}

impl<S> fmt::Debug for Notified<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Notified").field(&self.task.id()).finish()
    }
}
