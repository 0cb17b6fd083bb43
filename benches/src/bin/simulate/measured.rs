//! What `compare --json` has written, as far as it is compared here.
use std::io;
use std::path::Path;

use benches::Quartiles;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Record {
    machine: Machine,
    commit: Option<String>,
    runs: Vec<Run>,
}

#[derive(Clone, Debug, Deserialize)]
struct Machine {
    cores: usize,
    processor: Option<String>,
    allocator: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Run {
    workers: usize,
    rounds: usize,
    workloads: Vec<Workload>,
}

#[derive(Clone, Debug, Deserialize)]
struct Workload {
    workload: String,
    operations: u32,
    hosts: Vec<Samples>,
}

#[derive(Clone, Debug, Deserialize)]
struct Samples {
    host: String,
    samples: Vec<Taken>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Taken {
    wall: u64,
    cpu: u64,
}

impl Taken {
    /// About as much processor time as time went by: whoever took part, they were on one core. Half as much again and more: they had
    /// a core each. What is between changed on the way, and is neither.
    fn is_of_one_core(self) -> Option<bool> {
        match 10 * self.cpu {
            little if little < 12 * self.wall => Some(true),
            much if much > 15 * self.wall => Some(false),
            _ => None,
        }
    }
}

/// Nanoseconds an operation, medians of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Each {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
}

impl Record {
    pub(crate) fn read(path: &Path) -> io::Result<Record> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }

    /// Where, of what and how often it was measured.
    pub(crate) fn origin(&self) -> String {
        let rounds: Vec<_> =
            self.runs.iter().map(|run| format!("{} rounds of {}", run.rounds, run.workers)).collect();
        format!(
            "commit {}, {}, {} cores, {}; workers: {}",
            self.commit.as_deref().unwrap_or("unknown"),
            self.machine.processor.as_deref().unwrap_or("a processor without a name"),
            self.machine.cores,
            self.machine.allocator,
            rounds.join(", ")
        )
    }

    pub(crate) fn cores(&self) -> usize {
        self.machine.cores
    }

    /// Counts of workers that had a core each, as they have in the simulation.
    pub(crate) fn workers(&self) -> impl Iterator<Item = usize> {
        self.runs.iter().map(|run| run.workers).filter(|workers| *workers <= self.machine.cores)
    }

    /// What `host` took for `workload` with so many workers, of all samples, of those in which one core did all, or of the others: if
    /// there are any.
    pub(crate) fn each(
        &self,
        workers: usize,
        workload: &str,
        host: &str,
        together: Option<bool>,
    ) -> Option<Each> {
        let run = self.runs.iter().find(|run| run.workers == workers)?;
        let workload = run.workloads.iter().find(|measured| measured.workload == workload)?;
        let samples = &workload.hosts.iter().find(|samples| samples.host == host)?.samples;
        let is_meant =
            |sample: &&Taken| together.is_none_or(|together| sample.is_of_one_core() == Some(together));
        let samples: Vec<_> = samples.iter().filter(is_meant).collect();
        if samples.is_empty() {
            return None;
        }
        let median = |of: fn(&Taken) -> u64| {
            Quartiles::of(samples.iter().map(|sample| of(sample) as f64)).median
                / f64::from(workload.operations)
        };
        Some(Each { wall: median(|sample| sample.wall), cpu: median(|sample| sample.cpu) })
    }
}

#[cfg(test)]
pub(crate) fn of(json: &str) -> Record {
    serde_json::from_str(json).expect("it is a record")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_found_by_workers_workload_and_host() {
        let record = of(
            r#"{"machine": {"cores": 2, "processor": null, "kernel": "K", "allocator": "A", "rustc": "R"}, "commit": null,
            "runs": [{"workers": 2, "rounds": 3, "workloads": [{"workload": "spawn", "group": "g", "measure": "wall",
            "operations": 10, "floor": null, "hosts": [{"host": "runtime", "samples": [
            {"wall": 10, "cpu": 20, "latency": null}, {"wall": 30, "cpu": 31, "latency": null},
            {"wall": 25, "cpu": 29, "latency": null}, {"wall": 50, "cpu": 70, "latency": null}, {"wall": 900, "cpu": 990, "latency": null}]}]}]},
            {"workers": 4, "rounds": 3, "workloads": []}]}"#,
        );
        assert_eq!(record.each(2, "spawn", "runtime", Some(true)), Some(Each { wall: 3.0, cpu: 3.1 }));
        assert_eq!(record.each(2, "spawn", "runtime", Some(false)), Some(Each { wall: 1.0, cpu: 2.0 }));
        assert_eq!(record.each(1, "spawn", "runtime", Some(true)), None);
        assert_eq!(record.each(2, "spawn", "tokio", None), None);
        assert_eq!(record.workers().collect::<Vec<_>>(), [2], "four have no core each");
    }
}
