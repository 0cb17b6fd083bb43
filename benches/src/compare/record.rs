//! All that was measured, as it goes into a file.
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use benches::{Group, Measure, Sample, Workload};
use serde::{Deserialize, Serialize};

use super::facts::Machine;

/// A report: on which machine, of what, and each sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) machine: Machine,
    /// Of the source, if git knows; with `-dirty` when it is another than the commit's.
    pub(crate) commit: Option<String>,
    /// One for each count of workers.
    pub(crate) runs: Vec<Run>,
}

/// What one process measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) workers: usize,
    pub(crate) rounds: usize,
    pub(crate) workloads: Vec<Measured>,
}

/// One workload, round by round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) workload: String,
    pub(crate) group: String,
    /// What is compared: `wall`, `cpu` or `p99`.
    pub(crate) measure: String,
    /// Wall and CPU time are of as many operations.
    pub(crate) operations: u32,
    /// Ours first; a round has the same index in all.
    pub(crate) hosts: Vec<Samples>,
    /// Raw threads that do the same without a runtime.
    pub(crate) floor: Option<Samples>,
    /// Where they wait in other ways.
    #[serde(default)]
    pub(crate) other_floors: Vec<Samples>,
}

/// The samples of one contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Samples {
    pub(crate) host: String,
    pub(crate) samples: Vec<Taken>,
}

/// One sample, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) wall: u64,
    pub(crate) cpu: u64,
    /// Of single operations.
    pub(crate) latency: Option<Latency>,
}

/// The middle and the tail, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) count: usize,
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

impl Record {
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        fs::write(path, serde_json::to_string_pretty(self)? + "\n")
    }

    pub(crate) fn read(path: &Path) -> io::Result<Record> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }
}

impl Measured {
    pub(crate) fn of(workload: Workload, hosts: Vec<Samples>, floors: Vec<Samples>) -> Measured {
        let mut floors = floors.into_iter();
        let measure = match workload.measure() {
            Measure::Wall => "wall",
            Measure::Cpu => "cpu",
            Measure::P99 => "p99",
        };
        Measured {
            workload: workload.name().into(),
            group: group_name(workload.group()).into(),
            measure: measure.into(),
            operations: workload.operations(),
            hosts,
            floor: floors.next(),
            other_floors: floors.collect(),
        }
    }
}

impl Taken {
    pub(crate) fn of(sample: Sample) -> Taken {
        let latency = sample.latency.map(|of| Latency {
            count: of.count,
            p50: nanos(of.p50),
            p99: nanos(of.p99),
            max: nanos(of.max),
        });
        Taken { wall: nanos(sample.wall), cpu: nanos(sample.cpu), latency }
    }
}

/// As `--group` takes it.
pub(crate) fn group_name(group: Group) -> &'static str {
    match group {
        Group::Userland => "userland",
        Group::WakeBound => "wake",
        Group::KernelBound => "kernel",
        Group::Other => "other",
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
