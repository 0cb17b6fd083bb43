//! The same workloads on this runtime, on tokio and on the smol family, side by side in one process.
//!
//! A [`Host`] is a runtime under measurement; a [`Workload`] is written once, against that trait. `cargo bench -p
//! benches` asks criterion; `cargo run --release -p benches -- compare` interleaves the runtimes round by round and
//! prints ratios; `--bin http` has wrk ask hyper; `--bin memory` counts heap bytes.
#![deny(unsafe_code)]

mod cpu;
mod host;
mod latencies;
mod stats;
mod stopwatch;
mod workload;

pub use host::{Channel, Contender, Host, OfFutures, OfSmol, OfTokio, Ours, Smol, Tokio, contenders};
pub use latencies::Latencies;
pub use stats::{Quartiles, geometric_mean};
pub use stopwatch::{Sample, Stopwatch};
pub use workload::{Floor, Group, Measure, Workload, exchange};

/// Workers of each runtime: its own threads, not counting the one that calls `block_on`.
pub const WORKERS: usize = 2;
