//! The blocking pool.
use crate::host::Host;
use crate::stopwatch::{Sample, Stopwatch};

pub(super) async fn in_turn<H: Host>(host: &'static H, count: u32) -> Sample {
    let watch = Stopwatch::start();
    for _ in 0..count {
        host.spawn_blocking(|| ()).await;
    }
    watch.stop()
}

pub(super) async fn burst<H: Host>(host: &'static H, count: u32) -> Sample {
    let mut jobs = Vec::with_capacity(count as usize);
    let watch = Stopwatch::start();
    for _ in 0..count {
        jobs.push(host.spawn_blocking(|| ()));
    }
    for job in jobs {
        job.await;
    }
    watch.stop()
}
