//! Readiness over mio, and sockets as leaf futures that know no executor.
//!
//! A source (a socket, a pipe, anything the system can poll) registers with a [`Reactor`] at its first operation that
//! would block. Which one is decided then and there, through the contract of `reactor-hook`: the one of the executor
//! that polls it, one that the polling thread drives by itself, or one on a thread of its own.
//!
//! The README beside this crate states the protocols and proves them.
#![deny(unsafe_code)]
#![cfg_attr(runtime_loom, allow(dead_code))]

mod affinity;
mod cell;
mod home;
mod interest;
mod neglect;
mod ready;
mod sync;

#[cfg(runtime_loom)]
#[doc(hidden)]
pub mod model;
/// In a model, one that the model turns.
#[cfg(runtime_loom)]
use model::reactor;

#[cfg(not(runtime_loom))]
mod async_fd;
#[cfg(not(runtime_loom))]
mod events;
#[cfg(not(runtime_loom))]
mod gate;
#[cfg(not(runtime_loom))]
mod io;
#[cfg(not(runtime_loom))]
mod locals;
#[cfg(not(runtime_loom))]
pub mod net;
#[cfg(not(runtime_loom))]
mod reactor;
#[cfg(not(runtime_loom))]
mod registry;
#[cfg(not(runtime_loom))]
mod selector;
#[cfg(not(runtime_loom))]
mod sys;

#[cfg(not(runtime_loom))]
pub use crate::async_fd::{AsyncFd, AsyncFdReadyGuard, AsyncFdReadyMutGuard, AsyncFdTryNewError, TryIoError};
pub use crate::interest::{Direction, Interest};
#[cfg(not(runtime_loom))]
pub use crate::reactor::Reactor;
pub use crate::ready::Ready;
