//! Making a frame.
use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::{Frame, NOBODY, Nobody};
use crate::budget;
use crate::clock::Clock;
use crate::driver::Driver;
use crate::local::LocalPlace;
use crate::offload::Offload;
use crate::parker::Parker;
use crate::source::DeadlineSource;

/// Whether a thread may be blocked inside a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
        self.0.driver = RefCell::new(Some(driver));
        self
    }

    /// The frame's owner, who waits by means of its own, makes way for a local driver when one is offered, and then
    /// blocks in it.
    #[must_use]
    pub fn local_place(mut self, place: Rc<dyn LocalPlace>) -> Self {
        self.0.local_place = Some(place);
        self
    }

    /// [`Frame::wait`] blocks the thread that made `parker`. [`Frame::open`] implies it, with a parker of its own.
    #[must_use]
    pub fn waits_by(mut self, parker: Arc<Parker>) -> Self {
        self.0.parker = Some(parker);
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

    /// A value of the frame's owner, found again by its type with [`with_owner`](crate::with_owner).
    #[must_use]
    pub fn owner<T: Any>(mut self, owner: Rc<T>) -> Self {
        self.0.owner_type = TypeId::of::<T>();
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
        self.0.note_driven();
        Rc::new(self.0)
    }
}

impl Frame {
    /// A frame of somebody who waits by his own means (a pool): nothing can be put into it later.
    pub fn builder() -> FrameBuilder {
        FrameBuilder(Frame {
            driver: RefCell::new(None),
            aside: Cell::new(false),
            taken_over: Cell::new(false),
            local: RefCell::new(None),
            local_place: None,
            driven: Cell::new(NOBODY),
            blocked: Cell::new(false),
            sources: RefCell::new(Vec::new()),
            source_key: Cell::new(std::ptr::null()),
            source_type: Cell::new(TypeId::of::<Nobody>()),
            parker: None,
            open: false,
            drives: true,
            blocking: Blocking::Refused,
            clock: None,
            offload: None,
            owner: None,
            owner_type: TypeId::of::<Nobody>(),
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
        let mut builder = Frame::builder().waits_by(Parker::new());
        builder.0.open = true;
        builder
    }
}
