//! In what the two schedulers that are simulated differ. What they share: LIFO slot, three times in a row at most; a queue of
//! 256 of which half is stolen; an injector that all look into every 61 polls; nobody is woken while somebody searches.

use super::doze::{DOZE, Doze};
use super::help::{HELP, Help};

/// A scheduler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) name: &'static str,
    /// As `benches/steps.tsv` and `compare` name it.
    pub(crate) host: &'static str,
    pub(crate) measured_as: &'static str,
    /// A worker that was called for too little comes by itself.
    pub(crate) doze: Option<Doze>,
    /// A worker that is no help leaves the rest to others, and comes back by itself.
    pub(crate) help: Option<Help>,
    /// So many of the queue go before a task that awaits them one after the other.
    pub(crate) go_first: usize,
    /// What finds a queue full takes half of it along to the injector, and does not go there alone.
    pub(crate) spills_half: bool,
    /// Of the injector a batch is taken between two polls, and not one task; and after as many polls as the own queue holds,
    /// if these are less than 61.
    pub(crate) takes_batches: bool,
    /// Lines that each spawn and each completion write, whoever makes it.
    pub(crate) shared_lines: usize,
    /// A list of all tasks in shards that each have a lock, four for a worker: bytes of a shard.
    pub(crate) shard_bytes: Option<usize>,
    /// Cells stay with who has freed them, and are not given back to the arena of the allocator that they came from.
    pub(crate) keeps_cells: bool,
}

pub(crate) const OURS: Policy = Policy {
    name: "ours",
    host: "ours",
    measured_as: "runtime",
    doze: Some(DOZE),
    help: Some(HELP),
    go_first: 8,
    spills_half: false,
    takes_batches: true,
    shared_lines: 0,
    shard_bytes: None,
    keeps_cells: true,
};

/// Of tokio 1.54: the next id, the handle's count, and the counts of the task list are the shared lines.
pub(crate) const TOKIO_LIKE: Policy = Policy {
    name: "tokio-like",
    host: "tokio",
    measured_as: "tokio",
    doze: None,
    help: None,
    go_first: 0,
    spills_half: true,
    takes_batches: false,
    shared_lines: 3,
    shard_bytes: Some(24),
    keeps_cells: false,
};
