//! The local driver role: as a driver, and bound to the thread that polls its futures.
use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::driver::Turn;
use crate::error::DriveError;
use crate::frame;
use crate::parker::Unpark;

/// A reactor that only one thread may touch: it blocks where its futures are polled, or nowhere.
///
/// All is called on that thread, but for what [`unblocker`](LocalDriver::unblocker) returns.
pub trait LocalDriver: Any {
    /// A name for errors.
    fn name(&self) -> &'static str;

    /// Blocks until it may have woken somebody, until it was unblocked (before or during), or until `timeout` has
    /// passed: `None` is for ever, zero looks and returns. An executor that is busy looks now and then; and one that is
    /// offered another local driver looks during that poll, in case this one is unused by now.
    fn block(&self, timeout: Option<Duration>) -> Turn;

    /// What makes the present or else the next `block` return at once: wakers are triggered by any thread. Asked for
    /// once, when a frame takes the driver.
    fn unblocker(&self) -> Arc<dyn Unpark>;

    /// Wakes every waiter: the executor that drove it has left, and they are to look for another on this thread.
    fn abandoned(&self);
}

/// An executor that waits by means of its own, and can block in a [`LocalDriver`] all the same.
///
/// See [`FrameBuilder::local_place`](crate::FrameBuilder::local_place).
pub trait LocalPlace {
    /// Sees to what the thread will not do any more while it blocks in the local driver `name`. After `Ok` the frame has
    /// the driver: the owner finds it by [`Frame::has_local_driver`](crate::Frame::has_local_driver) when the poll has
    /// ended, and has to block in it.
    ///
    /// # Errors
    ///
    /// The thread cannot be blocked in it: the future that offered it is told so.
    fn make_way(&self, name: &'static str) -> Result<(), DriveError>;
}

/// Gives `driver` to the executor on this thread, which will block in it. Costs one comparison when it has it already.
///
/// A [`Driver`](crate::Driver) that was in its place moves to a thread of its own. Nobody waiting for it notices.
///
/// ```
/// use reactor_hook::{DriveError, LocalDriver, drive_local};
/// use std::{rc::Rc, task::Poll};
///
/// /// The end of a poll that left its waker with `reactor` and is about to be pending.
/// fn pending<R: LocalDriver>(reactor: &Rc<R>) -> Poll<Result<(), DriveError>> {
///     match drive_local(reactor) {
///         Ok(()) => Poll::Pending,
///         Err(error) => Poll::Ready(Err(error)),
///     }
/// }
/// ```
///
/// # Errors
///
/// Another local driver is there already, or the executor cannot be blocked in one, or there is none. The future is to
/// resolve with the error, which converts into a [`std::io::Error`].
#[inline]
pub fn drive_local<D: LocalDriver>(driver: &Rc<D>) -> Result<(), DriveError> {
    if frame::is_driven_here(Rc::as_ptr(driver).cast()) { Ok(()) } else { find_place(driver) }
}

#[cold]
#[inline(never)]
fn find_place<D: LocalDriver>(driver: &Rc<D>) -> Result<(), DriveError> {
    frame::offer_local(Rc::clone(driver) as Rc<dyn LocalDriver>)
}

/// The local driver of the executor on this thread, if it is a `D`: how a future finds the instance to register with.
pub fn local_driver_of<D: LocalDriver>() -> Option<Rc<D>> {
    frame::current_local().and_then(|driver| driver.downcast().ok())
}
