//! Timers that know no executor: [`sleep()`], [`interval()`] and [`timeout()`] as leaf futures over hierarchical wheels.
//!
//! They work on any executor. One that offers a [`Timers`] through `reactor-hook` keeps their time itself, while it waits
//! for anything else; for all others a thread that the whole process shares is started when the first timer waits, and
//! ends when none has waited for some time.
//!
//! Names and semantics are those of `tokio::time`, with these differences: [`timeout()`] counts from the first time its
//! future is pending; a sleep of zero is ready at its first poll; and nothing panics for want of a runtime.
//!
//! The README beside this crate teaches the wheel, the entry's states, and who may touch what when.
#![deny(unsafe_code)]
#![cfg_attr(runtime_loom, allow(dead_code, missing_docs))]

mod batch;
mod entry;
mod instant;
mod keeper;
#[cfg(runtime_loom)]
#[doc(hidden)]
pub mod model;
mod shard;
mod state;
mod sync;
mod timers;
mod wait;
mod wheel;

// What the models do not need, and what uses the process-wide `Timers`: loom's types live in one model only.
#[cfg(not(runtime_loom))]
pub mod error;
#[cfg(not(runtime_loom))]
mod home;
#[cfg(not(runtime_loom))]
mod interval;
#[cfg(not(runtime_loom))]
mod sleep;
#[cfg(not(runtime_loom))]
mod timeout;

#[cfg(not(runtime_loom))]
pub use std::time::Duration;
pub use timers::Timers;

#[cfg(not(runtime_loom))]
pub use {
    instant::Instant,
    interval::{Interval, MissedTickBehavior, interval, interval_at},
    sleep::{Sleep, sleep, sleep_until},
    timeout::{Timeout, timeout, timeout_at},
};
