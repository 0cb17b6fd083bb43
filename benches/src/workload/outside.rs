//! A thread that the runtime knows nothing of spawns while the workers are busy.
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;

use super::countdown::Countdown;
use super::load::{Load, compute};
use crate::host::Host;
use crate::latencies::Latencies;
use crate::stopwatch::{Sample, Stopwatch};

static COUNTDOWN: Countdown = Countdown::new();

/// The tasks that keep the workers busy, and for how many microseconds each computes a poll.
const BUSY: (u32, u32) = (8, 2);
/// Between two spawns whose latency is taken.
const PAUSE: Duration = Duration::from_micros(100);

/// Between two requests, and of how many one is a burst of so many microseconds.
const REQUESTS_EACH: Duration = Duration::from_micros(200);
const BURST_EACH: u32 = 100;
const BURST: u32 = 10_000;

pub(super) fn spawn_throughput<H: Host>(host: &'static H, count: u32) -> Sample {
    let load = Load::start(host, BUSY.0, BUSY.1);
    let done = COUNTDOWN.start(count);
    let watch = Stopwatch::start();
    for _ in 0..count {
        H::detach(host.spawn_outside(async { COUNTDOWN.arrive() }));
    }
    block_on(done).expect("all tasks ran");
    let sample = watch.stop();
    block_on(load.stop());
    sample
}

/// From just before the spawn to the first poll.
pub(super) fn spawn_latency<H: Host>(host: &'static H, count: u32) -> Sample {
    let load = Load::start(host, BUSY.0, BUSY.1);
    let mut tasks = Vec::with_capacity(count as usize);
    let watch = Stopwatch::start();
    for _ in 0..count {
        thread::sleep(PAUSE);
        let spawned = Instant::now();
        tasks.push(host.spawn_outside(async move { spawned.elapsed() }));
    }
    let latencies = tasks.into_iter().map(block_on).collect();
    let sample = watch.stop();
    block_on(load.stop());
    sample.with(Latencies::of(latencies))
}

/// Short requests at a steady rate, and now and then one that computes for long without yielding. Latencies are of the
/// short ones: from just before the spawn to their end.
pub(super) fn service<H: Host>(host: &'static H, count: u32) -> Sample {
    let mut tasks = Vec::with_capacity(count as usize);
    let mut bursts = Vec::new();
    let watch = Stopwatch::start();
    let mut due = Instant::now();
    for index in 0..count {
        if index % BURST_EACH == 0 {
            bursts.push(host.spawn_outside(async { compute(BURST) }));
        }
        due += REQUESTS_EACH;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let received = Instant::now();
        tasks.push(host.spawn_outside(async move {
            request(host).await;
            received.elapsed()
        }));
    }
    let latencies = tasks.into_iter().map(block_on).collect();
    bursts.into_iter().for_each(block_on);
    watch.stop().with(Latencies::of(latencies))
}

/// It decodes, asks another task, lets the others run, and answers.
async fn request<H: Host>(host: &'static H) {
    compute(2);
    host.spawn(async { compute(2) }).await;
    H::yield_now().await;
    compute(2);
}
