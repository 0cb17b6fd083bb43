//! What the loom models see beside the public names: the parker without a frame, and threads that are refused.
use std::sync::Arc;
use std::time::Duration;

use crate::driver::{Driver, Turn};
use crate::frame::Blocker;
use crate::parker::Parker;

/// From now on, the threads that the calling thread wants to start are refused, or are not.
pub fn refuse_threads(refuse: bool) {
    crate::sync::thread::refuse(refuse);
}

/// Blocks the calling thread, which has made `parker`. A timeout of zero is over at once, and any other never.
pub fn park(parker: &Parker, driver: Option<&Arc<dyn Driver>>, timeout: Option<Duration>) -> Turn {
    parker.park(driver.map(|driver| Blocker::Shared(Arc::clone(driver))).as_ref(), timeout)
}

/// As a frame does when it gives up its driver.
pub fn forget_driver(parker: &Parker) {
    parker.forget_driver();
}
