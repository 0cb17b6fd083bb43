//! What a workload is bound by, and what of its sample says who is ahead.
use std::fmt;
use std::time::Duration;

use crate::stopwatch::Sample;

/// What the work is bound by. The ratios of a group have a mean of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// By the runtime's own instructions.
    Userland,
    /// By the kernel's waking of a sleeping thread.
    WakeBound,
    /// By system calls.
    KernelBound,
    /// By several of these, or by the clock: a mean says nothing.
    Other,
}

impl Group {
    /// All of them, in the order of the tables.
    pub const ALL: [Group; 4] = [Group::Userland, Group::WakeBound, Group::KernelBound, Group::Other];
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Group::Userland => "userland",
            Group::WakeBound => "wake-bound",
            Group::KernelBound => "kernel-bound",
            Group::Other => "other",
        })
    }
}

/// The figure of a sample that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Time on the wall.
    Wall,
    /// CPU time: the clock says how long the work takes.
    Cpu,
    /// The tail of the latencies.
    P99,
}

impl Measure {
    /// The figure: of the whole sample, but for a latency.
    ///
    /// # Panics
    /// If latencies are asked for, and the sample has none.
    pub fn of(self, sample: &Sample) -> Duration {
        match self {
            Measure::Wall => sample.wall,
            Measure::Cpu => sample.cpu,
            Measure::P99 => sample.latency.expect("the workload gives latencies").p99,
        }
    }
}
