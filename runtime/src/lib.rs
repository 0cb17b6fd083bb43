//! A multi-threaded work-stealing async runtime that runs any future.
#![deny(unsafe_code)]

#[allow(dead_code, unused_imports, reason = "the scheduler is built on it")]
mod blocking;
#[allow(dead_code, unused_imports, reason = "the scheduler is built on it")]
mod idle;
#[allow(dead_code, unused_imports, reason = "the scheduler is built on it")]
mod queue;
mod sync;
pub mod task;

#[cfg(runtime_loom)]
#[doc(hidden)]
pub mod model {
    //! The protocols, for their models.
    pub use crate::blocking::model as blocking;
}

#[cfg(all(test, not(runtime_loom)))]
mod watchdog;
