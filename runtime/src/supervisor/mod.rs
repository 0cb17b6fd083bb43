//! The supervisor: one thread that sees to it that no task can stop the others. The README in this folder walks through it.
#[cfg(not(runtime_loom))]
pub(crate) mod births;
pub(crate) mod cover;
pub(crate) mod heartbeat;
pub(crate) mod members;
#[cfg(all(test, not(runtime_loom)))]
mod tests;
#[cfg(not(runtime_loom))]
mod thread;
#[cfg(not(runtime_loom))]
mod watch;

#[cfg(not(runtime_loom))]
pub(crate) use thread::{Supervised, Supervisor, run};

#[cfg(runtime_loom)]
pub mod model {
    //! Books and membership, for their models.
    pub use super::cover::{By, Cover, StandIn};
    pub use super::heartbeat::{Heartbeat, Poll};
    pub use super::members::{Left, Members};
}
