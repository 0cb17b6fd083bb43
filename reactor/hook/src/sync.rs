//! Atomics and fences: std's, or loom's under the private cfg.
#[cfg(not(runtime_loom))]
pub(crate) use std::sync::atomic;

#[cfg(runtime_loom)]
pub(crate) use loom::sync::atomic;
