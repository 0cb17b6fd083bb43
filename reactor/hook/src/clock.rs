//! The time, as the executor tells it.
use std::time::Instant;

use crate::frame;

/// A source of time. A runtime owns one (real, paused or simulated) and nothing reads the time behind its back.
pub trait Clock: Send + Sync {
    /// The present instant; never earlier than one returned before.
    fn now(&self) -> Instant;
}

/// The present instant by the clock of the frame entered here, or by the system's monotonic clock.
#[inline]
pub fn now() -> Instant {
    frame::with_frame(|frame| match frame.and_then(|frame| frame.clock()) {
        Some(clock) => clock.now(),
        None => Instant::now(),
    })
}
