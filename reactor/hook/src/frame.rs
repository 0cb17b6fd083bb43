//! The frame: what a thread that executes futures offers them, and the workspace's only thread-local.
#![allow(unsafe_code)]

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use crate::budget;
use crate::clock::Clock;
use crate::driver::{Driver, Turn};
use crate::host;
use crate::offload::Offload;
use crate::parker::{Parker, Unpark};
use crate::source::DeadlineSource;

pub(crate) struct Tls {
    /// The innermost frame entered on this thread; kept alive by the `Entered` that set it.
    frame: Cell<*const Frame>,
    /// See `locals`.
    pub(crate) locals: Cell<*const ()>,
    /// See `thread_number`; zero before the first call.
    pub(crate) thread: Cell<u64>,
}

crate::sync::thread_local! {
    static TLS: Tls = const {
        Tls {
            frame: Cell::new(std::ptr::null()),
            locals: Cell::new(std::ptr::null()),
            thread: Cell::new(0),
        }
    };
}

/// Never fails: the thread-local is constant and has no destructor, so it works inside other thread-locals' too.
#[inline]
pub(crate) fn tls<R>(f: impl FnOnce(&Tls) -> R) -> R {
    TLS.with(f)
}

/// What a thread offers the futures it polls. Built once, entered for each stretch of polling.
pub struct Frame {
    driver: RefCell<Option<Arc<dyn Driver>>>,
    /// Address of `driver`, for the one comparison of `is_driven_here`.
    driver_key: Cell<*const ()>,
    sources: RefCell<Vec<Arc<dyn DeadlineSource>>>,
    /// Address of the first source, for the one comparison of `is_timed_here`.
    source_key: Cell<*const ()>,
    /// The type of the first source: its address is one of such a value, which lives as long as the frame.
    source_type: Cell<Option<TypeId>>,
    /// Blocks and is unblocked for a frame that waits by itself; a pool's workers have their own way to wait.
    parker: Option<Arc<Parker>>,
    /// Whether a driver and sources may still be put in. A pool puts its own in when it builds the frame.
    open: bool,
    /// Whether the thread executes futures here, or has merely entered somebody's context.
    drives: bool,
    blocking: Blocking,
    clock: Option<Arc<dyn Clock>>,
    offload: Option<Arc<dyn Offload>>,
    owner: Option<Rc<dyn Any>>,
    owner_type: Option<TypeId>,
    owner_key: *const (),
    lane: u32,
    budget: Cell<u16>,
    entered: Cell<bool>,
    /// While entered: the frame that was innermost before, which its own `Entered` keeps.
    outer: Cell<*const Frame>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("driver", &self.driver.borrow().as_ref().map(|driver| driver.name()))
            .field("sources", &self.sources.borrow().len())
            .field("drives", &self.drives)
            .field("lane", &self.lane)
            .field("budget", &self.budget.get())
            .finish_non_exhaustive()
    }
}

/// Whether a thread may be blocked inside a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// It executes futures, and blocking it would stop them.
    Refused,
    /// It is there to be blocked.
    Allowed,
    /// As in the frame around this one; allowed if there is none.
    Inherited,
}

/// Makes a [`Frame`].
pub struct FrameBuilder(Frame);

impl fmt::Debug for FrameBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FrameBuilder").field(&self.0).finish()
    }
}

impl FrameBuilder {
    /// A driver that the frame's owner drives by its own means: it is attended already and leaves with its owner.
    #[must_use]
    pub fn driver(mut self, driver: Arc<dyn Driver>) -> Self {
        self.0.driver_key.set(Arc::as_ptr(&driver).cast());
        self.0.driver = RefCell::new(Some(driver));
        self
    }

    /// A source whose time the frame's owner keeps by its own means.
    #[must_use]
    pub fn source(self, source: Arc<dyn DeadlineSource>) -> Self {
        self.0.push_source(source);
        self
    }

    /// The clock that `now` reads here.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.0.clock = Some(clock);
        self
    }

    /// Where closures that block are run.
    #[must_use]
    pub fn offload(mut self, offload: Arc<dyn Offload>) -> Self {
        self.0.offload = Some(offload);
        self
    }

    /// A value of the frame's owner, found again by its type with [`with_owner`].
    #[must_use]
    pub fn owner<T: Any>(mut self, owner: Rc<T>) -> Self {
        self.0.owner_type = Some(TypeId::of::<T>());
        self.0.owner_key = Rc::as_ptr(&owner).cast();
        self.0.owner = Some(owner);
        self
    }

    /// Which of several parallel lanes of its owner this frame is (a worker's index): a hint for sharding.
    #[must_use]
    pub fn lane(mut self, lane: u32) -> Self {
        self.0.lane = lane;
        self
    }

    /// The thread only enters a context and executes nothing: what is registered here is driven elsewhere.
    #[must_use]
    pub fn context_only(mut self) -> Self {
        self.0.drives = false;
        self
    }

    /// Whether the thread may be blocked while this frame is the innermost. Not, unless this says so.
    #[must_use]
    pub fn blocking(mut self, blocking: Blocking) -> Self {
        self.0.blocking = blocking;
        self
    }

    /// A frame to be entered with [`Frame::enter`].
    pub fn build(self) -> Rc<Frame> {
        Rc::new(self.0)
    }
}

impl Frame {
    /// A frame of somebody who waits by his own means (a pool): nothing can be put into it later.
    pub fn builder() -> FrameBuilder {
        FrameBuilder(Frame {
            driver: RefCell::new(None),
            driver_key: Cell::new(std::ptr::null()),
            sources: RefCell::new(Vec::new()),
            source_key: Cell::new(std::ptr::null()),
            source_type: Cell::new(None),
            parker: None,
            open: false,
            drives: true,
            blocking: Blocking::Refused,
            clock: None,
            offload: None,
            owner: None,
            owner_type: None,
            owner_key: std::ptr::null(),
            lane: 0,
            budget: Cell::new(budget::UNLIMITED),
            entered: Cell::new(false),
            outer: Cell::new(std::ptr::null()),
        })
    }

    /// A frame for an executor on one thread: a driver and sources may be put in, and [`wait`](Frame::wait) blocks in
    /// them. Its parker blocks the calling thread.
    pub fn open() -> FrameBuilder {
        let mut builder = Frame::builder();
        builder.0.open = true;
        builder.0.parker = Some(Parker::new());
        builder
    }

    /// Enters the frame on this thread until the guard is dropped.
    ///
    /// # Panics
    ///
    /// When it is entered already.
    pub fn enter(self: &Rc<Self>) -> Entered {
        assert!(!self.entered.replace(true), "a frame is entered once at a time");
        self.outer.set(tls(|tls| tls.frame.replace(Rc::as_ptr(self))));
        Entered { frame: Rc::clone(self), _not_send: PhantomData }
    }

    /// What wakes this frame's [`wait`](Frame::wait); usable as the waker of a root future.
    ///
    /// # Panics
    ///
    /// When the frame was not made by [`Frame::open`].
    #[track_caller]
    pub fn parker(&self) -> &Arc<Parker> {
        self.parker.as_ref().expect("only a frame made by Frame::open has a parker")
    }

    /// Blocks the calling thread, in the driver if there is one, until the parker is unparked, a waker may have been
    /// triggered, or a deadline has passed; then fires the sources. To be called when everything is pending.
    ///
    /// # Panics
    ///
    /// When the frame was not made by [`Frame::open`].
    #[track_caller]
    pub fn wait(&self) {
        let parker = self.parker();
        let driver = self.driver.borrow().clone();
        let deadline =
            self.with_sources(|sources| sources.iter().filter_map(|source| source.next_deadline()).min());
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(self.now()));
        let turn = parker.park(driver.as_ref(), timeout);
        if turn == Turn::Unused {
            self.clear_driver();
        }
        self.fire();
    }

    /// Lets due sources fire, without blocking.
    pub fn fire(&self) {
        let sources = self.with_sources(<[_]>::to_vec);
        if !sources.is_empty() {
            let now = self.now();
            for source in sources {
                source.fire(now);
            }
        }
    }

    /// Sources are never taken out before the frame is dropped.
    fn push_source(&self, source: Arc<dyn DeadlineSource>) {
        let key = Arc::as_ptr(&source).cast();
        let kind = (&*source as &dyn Any).type_id();
        self.sources.borrow_mut().push(source);
        // Only now that the list keeps it: a panic above would leave a key that nothing stands behind.
        if self.source_key.get().is_null() {
            self.source_key.set(key);
            self.source_type.set(Some(kind));
        }
    }

    fn with_sources<R>(&self, f: impl FnOnce(&[Arc<dyn DeadlineSource>]) -> R) -> R {
        f(&self.sources.borrow())
    }

    fn now(&self) -> std::time::Instant {
        match &self.clock {
            Some(clock) => clock.now(),
            None => std::time::Instant::now(),
        }
    }

    fn clear_driver(&self) {
        let driver = self.driver.borrow_mut().take();
        self.driver_key.set(std::ptr::null());
        if let Some(driver) = driver {
            if let Some(parker) = &self.parker {
                parker.forget_driver();
            }
            host::leave_driver(&*driver);
        }
    }

    pub(crate) fn clock(&self) -> Option<&Arc<dyn Clock>> {
        self.clock.as_ref()
    }

    pub(crate) fn offload(&self) -> Option<&Arc<dyn Offload>> {
        self.offload.as_ref()
    }

    /// Operations left to the present poll.
    pub fn budget(&self) -> &Cell<u16> {
        &self.budget
    }

    fn may_take(&self) -> bool {
        self.open && self.drives
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if self.open {
            self.clear_driver();
            for source in std::mem::take(self.sources.get_mut()) {
                host::leave_source(&*source);
            }
        }
    }
}

/// Leaves the frame when dropped, whatever was entered meanwhile.
#[must_use = "the frame is left when the guard is dropped"]
pub struct Entered {
    frame: Rc<Frame>,
    _not_send: PhantomData<*const ()>,
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entered").field(&self.frame).finish()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let own = Rc::as_ptr(&self.frame);
        let outer = self.frame.outer.get();
        self.frame.entered.set(false);
        let mut inner = tls(|tls| tls.frame.get());
        if inner == own {
            tls(|tls| tls.frame.set(outer));
            return;
        }
        // Left before one that was entered later: it is taken out of the middle.
        // SAFETY: the chain from the thread-local holds frames that are entered, which their `Entered`s keep.
        while let Some(frame) = unsafe { inner.as_ref() } {
            if frame.outer.get() == own {
                frame.outer.set(outer);
                return;
            }
            inner = frame.outer.get();
        }
    }
}

/// Runs `f` with the innermost frame entered on this thread. The frame stays alive meanwhile, even if `f` leaves it.
#[inline]
pub fn with_frame<R>(f: impl FnOnce(Option<&Frame>) -> R) -> R {
    let frame = tls(|tls| tls.frame.get());
    if frame.is_null() {
        return f(None);
    }
    // SAFETY: a non-null pointer was set by `enter` from an `Rc` that its `Entered` still holds (or has leaked), on
    // this thread: the strong count is at least one.
    unsafe { Rc::increment_strong_count(frame) };
    // SAFETY: takes over the count added above.
    let frame = unsafe { Rc::from_raw(frame) };
    f(Some(&frame))
}

/// Runs `f` with the owner of the innermost frame, if it is a `T`.
#[inline]
pub fn with_owner<T: Any, R>(f: impl FnOnce(Option<&T>) -> R) -> R {
    with_frame(|frame| match frame {
        Some(frame) if frame.owner_type == Some(TypeId::of::<T>()) => {
            // SAFETY: `owner_key` points into `owner`, an `Rc<T>` by `owner_type`, which lives as long as the frame.
            f(Some(unsafe { &*frame.owner_key.cast::<T>() }))
        }
        _ => f(None),
    })
}

/// Whether the driver at this address is the one of the frame that executes here: then no more needs to be done for
/// it to be driven.
#[inline]
pub fn is_driven_here(driver: *const ()) -> bool {
    let frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `with_frame`; nothing can leave the frame during these two loads.
    unsafe { frame.as_ref() }.is_some_and(|frame| frame.drives && frame.driver_key.get() == driver)
}

#[inline]
pub(crate) fn is_timed_here(source: *const ()) -> bool {
    let frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `is_driven_here`.
    unsafe { frame.as_ref() }.is_some_and(|frame| frame.drives && frame.source_key.get() == source)
}

/// Whether the calling thread may be blocked: not while it executes futures.
pub fn may_block() -> bool {
    let mut frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `is_driven_here`, for the whole chain: frames that are entered are kept by their `Entered`s.
    while let Some(entered) = unsafe { frame.as_ref() } {
        match entered.blocking {
            Blocking::Refused => return false,
            Blocking::Allowed => return true,
            Blocking::Inherited => frame = entered.outer.get(),
        }
    }
    true
}

/// Which lane of its owner the innermost frame is; zero without one.
#[inline]
pub fn lane() -> u32 {
    let frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `is_driven_here`.
    unsafe { frame.as_ref() }.map_or(0, |frame| frame.lane)
}

/// The driver of the innermost frame.
pub fn current_driver() -> Option<Arc<dyn Driver>> {
    with_frame(|frame| frame.and_then(|frame| frame.driver.borrow().clone()))
}

pub(crate) fn current_source(kind: TypeId) -> Option<Arc<dyn DeadlineSource>> {
    with_frame(|frame| {
        frame.and_then(|frame| {
            frame.with_sources(|sources| sources.iter().find(|source| (***source).type_id() == kind).cloned())
        })
    })
}

/// Whether the frame entered here would take a driver: it executes, is open, and has none.
pub fn has_place() -> bool {
    with_frame(|frame| frame.is_some_and(|frame| frame.may_take() && frame.driver.borrow().is_none()))
}

#[inline]
pub(crate) fn with_source<S: DeadlineSource, R>(
    make: impl FnOnce() -> Arc<S>,
    f: impl FnOnce(Option<&S>) -> R,
) -> R {
    fn first<S: DeadlineSource>(sources: &[Arc<dyn DeadlineSource>]) -> Option<Arc<S>> {
        let found = sources.iter().find(|source| (&***source as &dyn Any).is::<S>())?;
        (Arc::clone(found) as Arc<dyn Any + Send + Sync>).downcast().ok()
    }
    with_frame(|frame| {
        let Some(frame) = frame else {
            return f(None);
        };
        if frame.source_type.get() == Some(TypeId::of::<S>()) {
            // SAFETY: `source_key` points to an `S`, by `source_type`, in an `Arc` that lives as long as the frame.
            return f(Some(unsafe { &*frame.source_key.get().cast::<S>() }));
        }
        if frame.may_take() && frame.with_sources(|sources| first::<S>(sources).is_none()) {
            // Nobody else knows what `make` made: it is taken.
            offer_source(&make());
        }
        // Not under the borrow: `f` is the caller's.
        let found = frame.with_sources(first::<S>);
        f(found.as_deref())
    })
}

/// What came of an offer.
pub(crate) enum Offered {
    /// The frame entered here took it.
    Taken,
    /// Somebody attends it already.
    Attended,
    /// There is no frame, or its place is not free.
    NoPlace,
}

pub(crate) fn offer_driver<D: Driver>(driver: &Arc<D>) -> Offered {
    with_frame(|frame| {
        let Some(frame) = frame.filter(|frame| frame.may_take() && frame.driver.borrow().is_none()) else {
            return Offered::NoPlace;
        };
        if !driver.attendance().try_attend() {
            return Offered::Attended;
        }
        *frame.driver.borrow_mut() = Some(Arc::clone(driver) as Arc<dyn Driver>);
        frame.driver_key.set(Arc::as_ptr(driver).cast());
        Offered::Taken
    })
}

pub(crate) fn offer_source<S: DeadlineSource>(source: &Arc<S>) -> Offered {
    with_frame(|frame| {
        let Some(frame) = frame.filter(|frame| frame.may_take()) else {
            return Offered::NoPlace;
        };
        if !source.attendance().try_attend() {
            return Offered::Attended;
        }
        let unpark: Arc<dyn Unpark> = frame.parker().clone();
        source.set_unpark(Some(unpark));
        frame.push_source(Arc::clone(source) as Arc<dyn DeadlineSource>);
        Offered::Taken
    })
}
