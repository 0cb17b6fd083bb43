//! The place of the driver in a frame: who is in it, who comes, who gives it up.
//!
//! A local driver goes before all others. The README has the table.
use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::{Blocked, Frame, NOBODY, tls, with_executing_frame, with_frame, with_outer_frame};
use crate::driver::{Driver, Turn};
use crate::error::DriveError;
use crate::host;
use crate::local::LocalDriver;
use crate::parker::Unpark;
use crate::quiet::quietly;

const NO_EXECUTOR: &str = "no executor on it can be given a driver";

/// A local driver in its place.
#[derive(Clone)]
pub(super) struct Local {
    driver: Rc<dyn LocalDriver>,
    unblocker: Arc<dyn Unpark>,
}

impl Local {
    fn new(driver: Rc<dyn LocalDriver>) -> Local {
        Local { unblocker: driver.unblocker(), driver }
    }

    pub(super) fn name(&self) -> &'static str {
        self.driver.name()
    }
}

/// What the thread of a frame blocks in.
pub(crate) enum Blocker {
    Shared(Arc<dyn Driver>),
    Local(Rc<dyn LocalDriver>, Arc<dyn Unpark>),
}

/// How a block is ended, by any thread.
#[derive(Clone)]
pub(crate) enum Unblock {
    Shared(Arc<dyn Driver>),
    Local(Arc<dyn Unpark>),
}

impl Blocker {
    pub(crate) fn block(&self, timeout: Option<Duration>) -> Turn {
        match self {
            Blocker::Shared(driver) => driver.block(timeout),
            Blocker::Local(driver, _) => driver.block(timeout),
        }
    }

    pub(crate) fn unblock(&self) -> Unblock {
        match self {
            Blocker::Shared(driver) => Unblock::Shared(Arc::clone(driver)),
            Blocker::Local(_, unblocker) => Unblock::Local(Arc::clone(unblocker)),
        }
    }

    pub(crate) fn is_ended_by(&self, unblock: &Unblock) -> bool {
        match (self, unblock) {
            (Blocker::Shared(driver), Unblock::Shared(known)) => Arc::ptr_eq(driver, known),
            (Blocker::Local(_, unblocker), Unblock::Local(known)) => Arc::ptr_eq(unblocker, known),
            _ => false,
        }
    }
}

impl Unblock {
    pub(crate) fn unblock(&self) {
        match self {
            Unblock::Shared(driver) => driver.unblock(),
            Unblock::Local(unblocker) => unblocker.unpark(),
        }
    }
}

impl Frame {
    /// What its thread is to block in, if there is anything.
    pub(super) fn blocker(&self) -> Option<Blocker> {
        if let Some(Local { driver, unblocker }) = self.local.borrow().clone() {
            return Some(Blocker::Local(driver, unblocker));
        }
        if !self.drives || self.aside.get() {
            return None;
        }
        self.driver.borrow().clone().map(Blocker::Shared)
    }

    /// The frame's driver has said that nobody needs it.
    pub(super) fn give_up(&self, unused: Option<Blocker>) {
        match unused {
            Some(Blocker::Local(..)) => self.clear_local(),
            Some(Blocker::Shared(_)) if self.open => self.clear_driver(),
            _ => {}
        }
    }

    /// Notes what is driven here, after that has changed.
    pub(super) fn note_driven(&self) {
        let driven = match self.blocker() {
            Some(Blocker::Shared(driver)) => Arc::as_ptr(&driver).cast(),
            Some(Blocker::Local(driver, _)) => Rc::as_ptr(&driver).cast(),
            None => NOBODY,
        };
        self.driven.set(driven);
        tls(|tls| {
            if std::ptr::eq(tls.frame.get(), self) {
                tls.driven.set(driven);
            }
        });
    }

    fn forget_blocker(&self) {
        self.note_driven();
        if let Some(parker) = &self.parker {
            parker.forget_driver();
        }
    }

    /// Gives up what was a frame's around this one, once this one is left: those who wait there offer it again. Not from
    /// inside of its `block`, but after.
    pub(super) fn give_back(&self) {
        if self.taken_over.get() && !self.entered.get() && !self.blocked.get() {
            self.clear_driver();
        }
    }

    pub(super) fn clear_driver(&self) {
        self.taken_over.set(false);
        let driver = self.driver.borrow_mut().take();
        // One that has moved aside is driven by another.
        if let Some(driver) = driver
            && !self.aside.replace(false)
        {
            self.forget_blocker();
            host::leave_driver(&*driver);
            quietly(|| drop(driver));
        }
    }

    pub(super) fn clear_local(&self) {
        let local = self.local.borrow_mut().take();
        if let Some(local) = local {
            self.forget_blocker();
            // Somebody's waker may panic: whoever gives it up has more to do.
            quietly(|| local.driver.abandoned());
            quietly(|| drop(local));
        }
    }

    /// Whether a local driver is here, in which the thread has to block.
    pub fn has_local_driver(&self) -> bool {
        self.local.borrow().is_some()
    }

    /// How the block in the local driver is ended.
    pub fn local_unblocker(&self) -> Option<Arc<dyn Unpark>> {
        self.local.borrow().as_ref().map(|local| Arc::clone(&local.unblocker))
    }

    /// Blocks in the local driver; without one, or inside of such a block, it does nothing. One that is unused gives up
    /// its place.
    pub fn block_in_local_driver(&self, timeout: Option<Duration>) {
        let local = self.local.borrow().clone();
        let Some(local) = local.filter(|_| !self.blocked.get()) else {
            return;
        };
        let turn = {
            let _blocked = Blocked::begin(&self.blocked);
            local.driver.block(timeout)
        };
        if turn == Turn::Unused {
            self.clear_local();
        }
    }

    fn has_place(&self) -> bool {
        self.may_take()
            && (self.aside.get() || self.driver.borrow().is_none())
            && self.local.borrow().is_none()
    }

    /// The thread will not block in what was driven here: it is given to a thread, and its waiters need not know. If that
    /// is refused they are woken, look for somebody else, and are told of the refusal when they find nobody.
    fn move_aside(&self) {
        let driver = self.driver.borrow().clone();
        if let Some(driver) = driver
            && !self.aside.replace(true)
        {
            self.taken_over.set(false);
            self.forget_blocker();
            // What comes of a refusal is the waiters' concern, and not that of the one that came.
            let _ = host::take_over(driver);
        }
    }

    /// Whether it drives what is at this address, and can give it up: not while the thread is inside of its `block`.
    fn lends(&self, driver: *const ()) -> bool {
        self.open && self.driven.get() == driver && !self.blocked.get()
    }

    /// Gives up what was driven here, and the promise with it, to a frame inside of this one. When that one is left, those
    /// who wait here are woken, and offer it again.
    fn hand_over(&self) {
        self.taken_over.set(false);
        let driver = self.driver.borrow_mut().take();
        self.forget_blocker();
        drop(driver);
    }

    fn take_local(&self, driver: Rc<dyn LocalDriver>) -> Result<(), DriveError> {
        let refused = driver.name();
        let present = self.local.borrow().as_ref().map(|local| Rc::clone(&local.driver));
        if let Some(present) = present {
            if Rc::ptr_eq(&present, &driver) {
                return Ok(());
            }
            // Its last future may have gone since the thread waited in it.
            self.block_in_local_driver(Some(Duration::ZERO));
            if self.has_local_driver() {
                return Err(DriveError::taken(refused, present.name()));
            }
        }
        match &self.local_place {
            Some(place) => place.make_way(refused)?,
            None if !self.drives => return Err(DriveError::unable(refused, NO_EXECUTOR)),
            None if !self.open => {
                return Err(DriveError::unable(refused, "the executor on it has a way of its own to wait"));
            }
            None if self.blocked.get() => {
                return Err(DriveError::unable(refused, "it is being blocked at this moment"));
            }
            None => {}
        }
        let local = Local::new(driver);
        // That was user code, which may have offered another, or this one. Nobody comes between this look and the place.
        let present = self.local.borrow().as_ref().map(|local| Rc::clone(&local.driver));
        match present {
            Some(present) if Rc::ptr_eq(&present, &local.driver) => return Ok(()),
            Some(present) => return Err(DriveError::taken(refused, present.name())),
            None => {}
        }
        *self.local.borrow_mut() = Some(local);
        self.forget_blocker();
        if self.open {
            self.move_aside();
        }
        Ok(())
    }
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
        let is_outer = |outer: &Frame| outer.lends(Arc::as_ptr(driver).cast());
        let Some(frame) = frame.filter(|frame| frame.has_place()) else {
            let moved = with_outer_frame(is_outer, Frame::move_aside);
            return if moved.is_some() { Offered::Attended } else { Offered::NoPlace };
        };
        // Without a moment in which nobody attends: the thread is the same.
        let is_free = driver.attendance().try_attend();
        if !is_free && with_outer_frame(is_outer, Frame::hand_over).is_none() {
            return Offered::Attended;
        }
        let former = frame.driver.borrow_mut().replace(Arc::clone(driver) as Arc<dyn Driver>);
        frame.aside.set(false);
        frame.taken_over.set(!is_free);
        frame.note_driven();
        drop(former);
        Offered::Taken
    })
}

pub(crate) fn offer_local(driver: Rc<dyn LocalDriver>) -> Result<(), DriveError> {
    with_executing_frame(|frame| match frame {
        Some(frame) => frame.take_local(driver),
        None => Err(DriveError::unable(driver.name(), NO_EXECUTOR)),
    })
}

/// Whether the driver at this address is the one that the frame entered here drives: then no more needs to be done for
/// it to be driven. Null is nobody's address.
#[inline]
pub fn is_driven_here(driver: *const ()) -> bool {
    tls(|tls| tls.driven.get() == driver)
}

/// The driver of the innermost frame, wherever it is driven.
pub fn current_driver() -> Option<Arc<dyn Driver>> {
    with_frame(|frame| frame.and_then(|frame| frame.driver.borrow().clone()))
}

pub(crate) fn current_local() -> Option<Rc<dyn Any>> {
    with_executing_frame(|frame| {
        let local = frame?.local.borrow().as_ref().map(|local| Rc::clone(&local.driver));
        local.map(|driver| driver as Rc<dyn Any>)
    })
}

/// Whether the frame entered here would take a driver: it executes, is open, and has none.
pub fn has_place() -> bool {
    with_frame(|frame| frame.is_some_and(Frame::has_place))
}
