//! What the loom models see: tasks on the least scheduler there is.
pub use super::queue::Executor;
