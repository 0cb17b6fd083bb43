//! The driver role: blocks until it may have woken somebody.
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::attendance::Attendance;
use crate::frame::{self, Offered};
use crate::host;

/// What a call of [`Driver::block`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// Somebody may still need this driver.
    Used,
    /// Nobody has anything registered: the place may be given to another driver, the thread may end.
    Unused,
}

/// A reactor as seen by the thread that drives it.
///
/// One thread at a time calls `block`; any thread may call `unblock`. Wakers that `block` triggers are called with
/// no lock held.
pub trait Driver: Any + Send + Sync {
    /// A name for reports and for the thread that may be started for it.
    fn name(&self) -> &'static str;

    /// Who drives it; embedded in the driver.
    fn attendance(&self) -> &Attendance;

    /// Blocks until it may have woken somebody, until `unblock` was called (before or during), or until `timeout`
    /// has passed: `None` is for ever, zero looks and returns. A driver whose last waiter goes unblocks itself, so that a
    /// thread that drives nothing else learns that it may end.
    fn block(&self, timeout: Option<Duration>) -> Turn;

    /// Makes the present or else the next `block` return at once. From any thread, any number of times.
    fn unblock(&self);

    /// Wakes every waiter: called after the one who drove it has vacated, so that they look for somebody else.
    fn abandoned(&self);
}

/// Where a driver came to be driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// By the frame entered on this thread.
    Here,
    /// By somebody else: the frame it is already in, or a thread of its own.
    Elsewhere,
}

/// Finds somebody to drive `driver`: the frame entered here if its place is free, else a thread of its own. Costs one
/// comparison when it is the frame's driver already.
///
/// # Errors
///
/// The operating system's, when a thread was needed and refused.
#[inline]
pub fn drive<D: Driver>(driver: &Arc<D>) -> std::io::Result<Placement> {
    let key = Arc::as_ptr(driver).cast();
    if !frame::is_driven_here(key) {
        find_place(driver)?;
        if !frame::is_driven_here(key) {
            return Ok(Placement::Elsewhere);
        }
    }
    Ok(Placement::Here)
}

/// Its result fits a register: the polls for which it is not called pay for no space on the stack.
#[cold]
#[inline(never)]
fn find_place<D: Driver>(driver: &Arc<D>) -> std::io::Result<()> {
    match frame::offer_driver(driver) {
        Offered::Taken | Offered::Attended => Ok(()),
        Offered::NoPlace => host::driver(Arc::clone(driver) as Arc<dyn Driver>),
    }
}

/// The driver of the frame entered here, if it is a `D`: how a reactor finds the instance it should register with.
pub fn driver_of<D: Driver>() -> Option<Arc<D>> {
    frame::current_driver().and_then(|driver| (driver as Arc<dyn Any + Send + Sync>).downcast().ok())
}
