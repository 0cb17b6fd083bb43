//! Tickers, and how late timers are.
use std::time::{Duration, Instant};

use super::load::Load;
use crate::host::Host;
use crate::latencies::Latencies;
use crate::stopwatch::{Sample, Stopwatch};

/// Sleepers whose lateness is taken.
const SLEEPERS: u32 = 8;
/// The tasks that keep the workers busy, and for how many microseconds each computes a poll.
const BUSY: (u32, u32) = (8, 20);

/// So many tasks, each of which ticks every millisecond.
pub(super) async fn ticking<H: Host>(host: &'static H, tasks: u32, ticks: u32) -> Sample {
    let watch = Stopwatch::start();
    let tickers: Vec<_> =
        (0..tasks).map(|_| host.spawn(H::ticks(Duration::from_millis(1), ticks / tasks))).collect();
    for ticker in tickers {
        ticker.await;
    }
    watch.stop()
}

/// How much later than its deadline a sleep is seen to be over.
pub(super) async fn lateness<H: Host>(host: &'static H, count: u32) -> Sample {
    let watch = Stopwatch::start();
    let sleepers: Vec<_> = (0..SLEEPERS)
        .map(|sleeper| {
            host.spawn(async move {
                let mut late = Vec::new();
                for index in 0..count / SLEEPERS {
                    // 1 to 9 ms, and no whole number of them.
                    let micros = (index * SLEEPERS + sleeper).wrapping_mul(2_654_435_769) >> 8;
                    let sleep = Duration::from_micros(u64::from(1_000 + micros % 8_000));
                    let due = Instant::now() + sleep;
                    H::sleep(sleep).await;
                    late.push(Instant::now().checked_duration_since(due).expect("no sleep is short"));
                }
                late
            })
        })
        .collect();
    let mut late = Vec::with_capacity(count as usize);
    for sleeper in sleepers {
        late.append(&mut sleeper.await);
    }
    watch.stop().with(Latencies::of(late))
}

/// The same on busy workers.
pub(super) async fn lateness_when_busy<H: Host>(host: &'static H, count: u32) -> Sample {
    let load = Load::start(host, BUSY.0, BUSY.1);
    let sample = lateness(host, count).await;
    load.stop().await;
    sample
}
