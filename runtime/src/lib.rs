//! Placeholder until the crate's first commit.
#![deny(unsafe_code)]

#[allow(dead_code, unused_imports, reason = "the scheduler is built on it")]
mod idle;
#[allow(dead_code, unused_imports, reason = "the scheduler is built on it")]
mod queue;
mod sync;
pub mod task;
