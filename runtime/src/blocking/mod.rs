//! The blocking pool: threads for closures that block. The README beside this file states the protocol.
#[cfg(not(runtime_loom))]
mod config;
mod core;
#[cfg(not(runtime_loom))]
mod job;
#[cfg(not(runtime_loom))]
mod pool;
#[cfg(not(runtime_loom))]
mod presence;
mod seat;
#[cfg(all(test, not(runtime_loom)))]
mod tests;

#[cfg(not(runtime_loom))]
pub(crate) use {
    config::Config,
    core::Counts,
    job::Job,
    pool::{Pool, Unstarted},
};

#[cfg(runtime_loom)]
pub mod model {
    //! The protocol, for its model.
    pub use super::core::{
        Arrival, Closing, Core, Counts, Expired, Next, Orphans, Submitted, Summon, Ticket,
    };
    pub use super::seat::Seat;
}
