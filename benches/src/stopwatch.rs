//! Wall time and CPU time of a stretch of work.
use std::time::{Duration, Instant};

use crate::cpu::Threads;
use crate::latencies::Latencies;

/// What one run of a workload took.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Time on the wall.
    pub wall: Duration,
    /// CPU time of all threads of the process together.
    pub cpu: Duration,
    /// How long single operations took, of a workload that asks for it.
    pub latency: Option<Latencies>,
}

impl Sample {
    /// The same, with how long single operations took.
    #[must_use]
    pub fn with(self, latency: Latencies) -> Sample {
        Sample { latency: Some(latency), ..self }
    }
}

/// Started where the measured part of a workload begins.
#[derive(Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: Duration,
    threads: Threads,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Stopwatch {
        let threads = Threads::here();
        Stopwatch { cpu: threads.cpu(), threads, wall: Instant::now() }
    }

    /// The time since the start.
    pub fn stop(self) -> Sample {
        let wall = self.wall.elapsed();
        Sample { wall, cpu: self.threads.cpu().saturating_sub(self.cpu), latency: None }
    }
}
