//! The time, as the executor tells it.
use std::time::Instant;

use crate::frame::{self, Frame};

/// A source of time. A runtime owns one (real, paused or simulated) and nothing reads the time behind its back.
pub trait Clock: Send + Sync {
    /// The present instant; never earlier than one returned before.
    fn now(&self) -> Instant;
}

/// The present instant by the clock of the frame entered here, or by the system's monotonic clock.
#[inline]
pub fn now() -> Instant {
    if has_clock() { frame::with_frame(asked) } else { Instant::now() }
}

/// Whether the frame entered here has a clock: else the time here is the system's, which may be asked in any way.
#[inline]
pub fn has_clock() -> bool {
    frame::has_clock()
}

#[cold]
fn asked(frame: Option<&Frame>) -> Instant {
    frame.and_then(Frame::clock).map_or_else(Instant::now, |clock| clock.now())
}
