//! Asynchronous tasks: what a spawned future becomes, and the handles to it.
//!
//! A task is one allocation, the *cell*: a header with the state word, then the future or its output. This folder
//! knows no scheduler: what it needs of one is the `Schedule` trait. The README beside this file teaches the protocol.

mod abort;
mod arena;
mod cancel;
mod cell;
#[cfg(not(runtime_loom))]
pub mod coop;
mod current;
mod error;
mod face;
mod header;
mod id;
mod join;
mod label;
mod notified;
mod quiet;
mod refused;
mod schedule;
mod slot;
mod spawn;
mod state;
mod timed;
mod transition;
mod waker;

#[cfg(runtime_loom)]
pub mod model;
#[cfg(any(test, runtime_loom))]
mod queue;
#[cfg(all(test, not(runtime_loom)))]
mod tests;

pub use abort::AbortHandle;
pub use cancel::Cancel;
pub use current::{id, try_id};
pub use error::JoinError;
pub use id::Id;
pub(crate) use id::IdBlock;
pub use join::JoinHandle;

pub(crate) use arena::{Arena, Cache};
pub(crate) use current::{Place, running};
pub(crate) use face::Sight;
pub(crate) use header::{Header, queue_next};
pub(crate) use label::Label;
pub(crate) use notified::{Notified, Polled, Ran};
pub(crate) use quiet::quietly;
pub(crate) use refused::refuse;
pub(crate) use schedule::Schedule;
pub(crate) use spawn::{spawn as spawn_cell, spawn_unchecked};
#[cfg(not(runtime_loom))]
pub(crate) use waker::is_task_waker;

// The rest of what users find under this path.
#[cfg(not(runtime_loom))]
pub use crate::{
    cancellable::{CancelHandle, Cancellable, Cancelled, cancellable},
    join_set::JoinSet,
    local_set::{LocalEnterGuard, LocalSet, spawn_local},
    scope::{ChildHandle, ScopeError, ScopeFailure, TaskGroup, scope},
    spawn::{block_in_place, spawn, spawn_blocking, spawn_pinned},
    task_builder::Builder,
    task_local::{AccessError, LocalKey},
    yield_now::{YieldNow, yield_now},
};
#[cfg(not(runtime_loom))]
pub use coop::{Unconstrained, consume_budget, unconstrained};

/// Tokio's path to what belongs to [`JoinSet`].
#[cfg(not(runtime_loom))]
pub mod join_set {
    pub use crate::join_set::{Builder, JoinSet};
}

/// Futures of this module, by name.
#[cfg(not(runtime_loom))]
pub mod futures {
    pub use crate::task_local::TaskLocalFuture;
}
