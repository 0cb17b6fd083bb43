//! The deadline-source role: passive, any number in a frame.
use std::any::Any;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Instant;

use crate::attendance::Attendance;
use crate::driver::Placement;
use crate::frame::{self, Offered};
use crate::host;
use crate::parker::Unpark;

/// Timers as seen by the thread that keeps their time.
pub trait DeadlineSource: Any + Send + Sync {
    /// A name for reports and for the thread that may be started for it.
    fn name(&self) -> &'static str;

    /// Who keeps its time; embedded in the source.
    fn attendance(&self) -> &Attendance;

    /// The earliest instant at which `fire` has something to do; it may be too early, never too late.
    fn next_deadline(&self) -> Option<Instant>;

    /// Wakes whatever is due at `now`, with no lock held.
    fn fire(&self, now: Instant);

    /// Who to unpark when a deadline earlier than all before is registered from another thread than the one that
    /// waits. Called when somebody attends, and with `None` when it is vacated.
    fn set_unpark(&self, unpark: Option<Arc<dyn Unpark>>);

    /// Wakes every waiter: called after the one who kept its time has vacated.
    fn abandoned(&self);
}

/// Finds somebody to keep `source`'s time: the frame entered here, else a thread of its own.
///
/// # Errors
///
/// The operating system's, when a thread was needed and refused.
pub fn time<S: DeadlineSource>(source: &Arc<S>) -> std::io::Result<Placement> {
    if is_timed_here(Arc::as_ptr(source).cast()) {
        return Ok(Placement::Here);
    }
    match frame::offer_source(source) {
        Offered::Taken => Ok(Placement::Here),
        Offered::Attended => Ok(Placement::Elsewhere),
        Offered::NoPlace => {
            host::source(Arc::clone(source) as Arc<dyn DeadlineSource>).map(|()| Placement::Elsewhere)
        }
    }
}

/// The first source in the frame entered here that is an `S`: how timers find the instance to register with.
pub fn source_of<S: DeadlineSource>() -> Option<Arc<S>> {
    frame::current_source(std::any::TypeId::of::<S>())
        .and_then(|source| (source as Arc<dyn Any + Send + Sync>).downcast().ok())
}

/// Runs `f` with the first source in the frame entered here that is an `S`, without touching its reference count. An
/// open frame that has none is given the one that `make` makes. `f` must not offer a source: the frame's list is borrowed.
#[inline]
pub fn with_source<S: DeadlineSource, R>(
    make: impl FnOnce() -> Arc<S>,
    f: impl FnOnce(Option<&S>) -> R,
) -> R {
    frame::with_source(make, f)
}

/// What [`source_here`] found.
#[derive(Debug)]
pub struct SourceHere<S> {
    /// There is such a source until the frame is left, which whatever code of others runs may do.
    pub source: NonNull<S>,
    /// The frame's lane, as [`lane`](crate::lane) says.
    pub lane: u32,
    /// Whether the frame keeps the source's time, as [`is_timed_here`] says; else it is a mere context.
    pub is_timed: bool,
}

/// The first source in the frame entered here, if it is an `S`: all that a timer has to know in one look. Where it is
/// `None`, there may be one further back, or place for one: [`with_source`].
#[inline]
pub fn source_here<S: DeadlineSource>() -> Option<SourceHere<S>> {
    frame::source_here()
}

/// Whether the source at this address is kept by the frame that executes here.
#[inline]
pub fn is_timed_here(source: *const ()) -> bool {
    frame::is_timed_here(source)
}
