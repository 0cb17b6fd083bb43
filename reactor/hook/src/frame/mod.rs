//! The frame: what a thread that executes futures offers them, and the workspace's only thread-local.
#![allow(unsafe_code)]

mod builder;
mod place;
mod sources;

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

pub use builder::{Blocking, FrameBuilder};
pub(crate) use place::{Blocker, Offered, Unblock, current_local, offer_driver, offer_local};
pub use place::{current_driver, has_place, is_driven_here};
pub(crate) use sources::{current_source, is_timed_here, offer_source, source_here, with_source};

use crate::clock::Clock;
use crate::driver::{Driver, Turn};
use crate::host;
use crate::local::LocalPlace;
use crate::offload::Offload;
use crate::parker::Parker;
use crate::quiet::quietly;
use crate::source::DeadlineSource;
use place::Local;
use sources::Around;

/// What is driven where nothing is: the address of no value.
const NOBODY: *const () = std::ptr::dangling();

/// The type of the owner, or of the first source, of a frame that has none: there is no such value.
enum Nobody {}

pub(crate) struct Tls {
    /// The innermost frame entered on this thread; kept alive by the `Entered` that set it.
    frame: Cell<*const Frame>,
    /// A copy of that frame's `driven`, so that the question of every poll is answered by one comparison.
    driven: Cell<*const ()>,
    /// See `locals`.
    pub(crate) locals: Cell<*const ()>,
    /// See `thread_number`; zero before the first call.
    pub(crate) thread: Cell<u64>,
}

crate::sync::thread_local! {
    static TLS: Tls = const {
        Tls {
            frame: Cell::new(std::ptr::null()),
            driven: Cell::new(NOBODY),
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
    /// Driven here, unless it has moved aside, or the thread merely entered somebody's context.
    driver: RefCell<Option<Arc<dyn Driver>>>,
    /// Whether `driver` was given a thread of its own, because a local driver came.
    aside: Cell<bool>,
    /// Whether `driver` was a frame's around this one, which cannot do without it for longer than it is inside.
    taken_over: Cell<bool>,
    /// Driven here, before all others.
    local: RefCell<Option<Local>>,
    /// Asked to make way for a local driver, where the owner waits by means of its own.
    local_place: Option<Rc<dyn LocalPlace>>,
    /// Address of what is driven here, or `NOBODY`.
    driven: Cell<*const ()>,
    /// While the thread is inside `wait`.
    blocked: Cell<bool>,
    sources: RefCell<Vec<Arc<dyn DeadlineSource>>>,
    /// Address of the first source, for the one comparison of `is_timed_here`.
    source_key: Cell<*const ()>,
    /// The type of the first source: its address is one of such a value, which lives as long as the frame. Without one, that
    /// of no value.
    source_type: Cell<TypeId>,
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
    owner_type: TypeId,
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
            .field("aside", &self.aside.get())
            .field("local", &self.local.borrow().as_ref().map(|local| local.name()))
            .field("sources", &self.sources.borrow().len())
            .field("drives", &self.drives)
            .field("lane", &self.lane)
            .field("budget", &self.budget.get())
            .finish_non_exhaustive()
    }
}

impl Frame {
    /// Enters the frame on this thread until the guard is dropped.
    ///
    /// # Panics
    ///
    /// When it is entered already.
    pub fn enter(self: &Rc<Self>) -> Entered {
        assert!(!self.entered.replace(true), "a frame is entered once at a time");
        self.outer.set(tls(|tls| tls.frame.replace(Rc::as_ptr(self))));
        tls(|tls| tls.driven.set(self.driven.get()));
        Entered { frame: Rc::clone(self), _not_send: PhantomData }
    }

    /// What wakes this frame's [`wait`](Frame::wait); usable as the waker of a root future.
    ///
    /// # Panics
    ///
    /// When the frame was made neither by [`Frame::open`] nor with [`FrameBuilder::waits_by`].
    #[track_caller]
    pub fn parker(&self) -> &Arc<Parker> {
        self.parker.as_ref().expect("only a frame that waits by itself has a parker")
    }

    /// Blocks the calling thread, in the driver if there is one, until the parker is unparked, a waker may have been
    /// triggered, or a deadline has passed; then fires the sources, also those of the frames around it, in which the thread
    /// does not wait meanwhile. To be called when everything is pending.
    ///
    /// # Panics
    ///
    /// When the frame was made neither by [`Frame::open`] nor with [`FrameBuilder::waits_by`].
    #[track_caller]
    pub fn wait(&self) {
        let parker = self.parker();
        let blocker = self.blocker();
        let around = Around::begin(self, parker);
        let timeout = [self.time_left(), around.time_left()].into_iter().flatten().min();
        let turn = {
            let _blocked = Blocked::begin(&self.blocked);
            parker.park(blocker.as_ref(), timeout)
        };
        let around = around.end();
        if turn == Turn::Unused {
            self.give_up(blocker);
        }
        self.give_back();
        if self.drives {
            self.fire();
        }
        around.iter().for_each(|frame| frame.fire());
    }

    fn now(&self) -> std::time::Instant {
        match &self.clock {
            Some(clock) => clock.now(),
            None => std::time::Instant::now(),
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

    /// Whether the thread does here whatever it does in the frame around this one.
    fn is_mere_context(&self) -> bool {
        !self.drives && self.parker.is_none() && self.blocking == Blocking::Inherited
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.clear_local();
        if self.open {
            self.clear_driver();
            for source in std::mem::take(self.sources.get_mut()) {
                host::leave_source(&*source);
                quietly(|| drop(source));
            }
        }
    }
}

/// While the thread is inside `wait`, also when that unwinds.
struct Blocked<'a>(&'a Cell<bool>);

impl<'a> Blocked<'a> {
    fn begin(blocked: &'a Cell<bool>) -> Self {
        blocked.set(true);
        Blocked(blocked)
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        self.0.set(false);
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
        self.leave();
        // It may be kept, and those around it would wait for one who does not.
        self.frame.give_back();
    }
}

impl Entered {
    fn leave(&self) {
        let own = Rc::as_ptr(&self.frame);
        let outer = self.frame.outer.get();
        self.frame.entered.set(false);
        let mut inner = tls(|tls| tls.frame.get());
        if inner == own {
            // SAFETY: entered before, and its `Entered` keeps it as long as it is: those that are left are taken out.
            let driven = unsafe { outer.as_ref() }.map_or(NOBODY, |outer| outer.driven.get());
            tls(|tls| {
                tls.frame.set(outer);
                tls.driven.set(driven);
            });
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
    let frame = unsafe { kept(frame) };
    f(Some(&frame))
}

/// # Safety
///
/// The frame is entered on this thread.
#[inline]
unsafe fn kept(frame: *const Frame) -> Rc<Frame> {
    // SAFETY: the `Entered` has a count, so there is one at least.
    unsafe { Rc::increment_strong_count(frame) };
    // SAFETY: takes over the count added above.
    unsafe { Rc::from_raw(frame) }
}

/// Looks at the budget of the innermost frame entered on this thread. `look` is of this crate, and leaves no frame: that one
/// need not be kept.
#[inline]
pub(crate) fn with_budget_of_frame<R>(look: impl FnOnce(Option<&Cell<u16>>) -> R) -> R {
    let frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `with_frame`; nothing leaves the frame during the call.
    look(unsafe { frame.as_ref() }.map(Frame::budget))
}

/// Runs `f` with the innermost frame entered on this thread whose thread executes futures there, or which is there to
/// be blocked: a mere context around them is passed over.
fn with_executing_frame<R>(f: impl FnOnce(Option<&Frame>) -> R) -> R {
    let mut frame = tls(|tls| tls.frame.get());
    // SAFETY: frames of the chain are entered: their `Entered`s keep them.
    while let Some(context) = unsafe { frame.as_ref() }
        && context.is_mere_context()
    {
        frame = context.outer.get();
    }
    if frame.is_null() {
        return f(None);
    }
    // SAFETY: as above.
    let frame = unsafe { kept(frame) };
    f(Some(&frame))
}

/// Runs `f` with the first frame that `is_it`, of those around the innermost one that executes. The thread waits in
/// none of them before it has left that one, which may be waiting for what they drive.
fn with_outer_frame<R>(is_it: impl Fn(&Frame) -> bool, f: impl FnOnce(&Frame) -> R) -> Option<R> {
    let mut frame = with_executing_frame(|frame| frame.map_or(std::ptr::null(), |frame| frame.outer.get()));
    // SAFETY: frames of the chain are entered: their `Entered`s keep them.
    while let Some(outer) = unsafe { frame.as_ref() } {
        if is_it(outer) {
            // SAFETY: as above.
            let outer = unsafe { kept(frame) };
            return Some(f(&outer));
        }
        frame = outer.outer.get();
    }
    None
}

/// The frames entered on this thread that `are` so.
fn entered_frames(are: impl Fn(&Frame) -> bool) -> Vec<Rc<Frame>> {
    let mut found = Vec::new();
    let mut frame = tls(|tls| tls.frame.get());
    // SAFETY: frames of the chain are entered: their `Entered`s keep them.
    while let Some(entered) = unsafe { frame.as_ref() } {
        if are(entered) {
            // SAFETY: as above.
            found.push(unsafe { kept(frame) });
        }
        frame = entered.outer.get();
    }
    found
}

/// Runs `f` with the owner of the innermost frame, if it is a `T`.
#[inline]
pub fn with_owner<T: Any, R>(f: impl FnOnce(Option<&T>) -> R) -> R {
    with_frame(|frame| match frame {
        Some(frame) if frame.owner_type == TypeId::of::<T>() => {
            // SAFETY: `owner_key` points into `owner`, an `Rc<T>` by `owner_type`, which lives as long as the frame.
            f(Some(unsafe { &*frame.owner_key.cast::<T>() }))
        }
        _ => f(None),
    })
}

/// The address of the owner of the innermost frame, if it is a `T`. There is such a value until that frame is left, which
/// whatever code of others runs may do.
#[inline]
pub fn owner<T: Any>() -> Option<NonNull<T>> {
    let frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `with_frame`; nothing can leave the frame during these loads.
    let frame = unsafe { frame.as_ref() }?;
    if frame.owner_type != TypeId::of::<T>() {
        return None;
    }
    // SAFETY: a frame with an owner of this type has the address of one.
    Some(unsafe { NonNull::new_unchecked(frame.owner_key.cast_mut().cast()) })
}

/// Runs `f` with the owner of each frame entered on this thread that is a `T`, the innermost first. It ends with a frame
/// that `f` leaves. Allocates nothing.
pub fn with_owners<T: Any>(mut f: impl FnMut(&T)) {
    let mut frame = tls(|tls| tls.frame.get());
    while !frame.is_null() {
        // SAFETY: frames of the chain are entered, the next of one that still is as well: their `Entered`s keep them.
        let entered = unsafe { kept(frame) };
        if entered.owner_type == TypeId::of::<T>() {
            // SAFETY: as in `with_owner`.
            f(unsafe { &*entered.owner_key.cast::<T>() });
            if !entered.entered.get() {
                // What was around it may have gone.
                return;
            }
        }
        frame = entered.outer.get();
    }
}

/// This thread is the only one of a child that was just forked: what drove for its frames is the parent's. Neither
/// allocates nor drops anything.
pub(crate) fn inherited() {
    tls(|tls| tls.driven.set(NOBODY));
    let mut frame = tls(|tls| tls.frame.get());
    // SAFETY: frames of the chain are entered: their `Entered`s keep them.
    while let Some(entered) = unsafe { frame.as_ref() } {
        entered.driven.set(NOBODY);
        if entered.open {
            // The thread goes on here, and finds itself another driver. Its sources it has with it.
            if let Ok(mut driver) = entered.driver.try_borrow_mut() {
                std::mem::forget(driver.take());
            }
            entered.aside.set(false);
        } else {
            entered.source_key.set(std::ptr::null());
            entered.source_type.set(TypeId::of::<Nobody>());
        }
        frame = entered.outer.get();
    }
}

/// Whether the calling thread may be blocked: not while it executes futures.
pub fn may_block() -> bool {
    let mut frame = tls(|tls| tls.frame.get());
    // SAFETY: frames of the chain are entered: their `Entered`s keep them.
    while let Some(entered) = unsafe { frame.as_ref() } {
        match entered.blocking {
            Blocking::Refused => return false,
            Blocking::Allowed => return true,
            Blocking::Inherited => frame = entered.outer.get(),
        }
    }
    true
}

#[inline]
pub(crate) fn has_clock() -> bool {
    let frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `with_frame`; nothing can leave the frame during these two loads.
    unsafe { frame.as_ref() }.is_some_and(|frame| frame.clock.is_some())
}

/// Which lane of its owner the innermost frame is; zero without one.
#[inline]
pub fn lane() -> u32 {
    let frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `with_frame`; nothing can leave the frame during these two loads.
    unsafe { frame.as_ref() }.map_or(0, |frame| frame.lane)
}
