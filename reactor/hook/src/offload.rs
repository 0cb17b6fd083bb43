//! Closures that block, handed to whoever can spare a thread.
use std::io;

use crate::frame;

/// A job that was not taken, and why.
#[derive(Debug)]
pub struct RefusedJob {
    /// The operating system's or the pool's reason.
    pub error: io::Error,
}

/// Runs closures that block: a blocking pool.
pub trait Offload: Send + Sync {
    /// Runs `job` on a thread that may block. A job that is refused is dropped before this returns.
    ///
    /// # Errors
    ///
    /// No thread can be had, or the pool is shutting down.
    fn offload(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), RefusedJob>;
}

/// Runs `job` on the blocking pool of the frame entered here, or on a short-lived thread where there is none.
///
/// # Errors
///
/// No thread can be had, or the pool is shutting down; `job` has then been dropped.
pub fn offload(job: Box<dyn FnOnce() + Send>) -> Result<(), RefusedJob> {
    let pool = frame::with_frame(|frame| frame.and_then(|frame| frame.offload().cloned()));
    match pool {
        Some(pool) => pool.offload(job),
        None => match std::thread::Builder::new().name("reactor-hook/offload".into()).spawn(job) {
            Ok(_) => Ok(()),
            Err(error) => Err(RefusedJob { error }),
        },
    }
}
