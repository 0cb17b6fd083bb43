//! Making tasks.
use super::countdown::Countdown;
use crate::host::Host;
use crate::stopwatch::{Sample, Stopwatch};

static COUNTDOWN: Countdown = Countdown::new();

pub(super) async fn detached<H: Host>(host: &'static H, count: u32) -> Sample {
    let done = COUNTDOWN.start(count);
    let watch = Stopwatch::start();
    for _ in 0..count {
        H::detach(host.spawn(async { COUNTDOWN.arrive() }));
    }
    done.await.expect("all tasks ran");
    watch.stop()
}

pub(super) async fn joined<H: Host>(host: &'static H, count: u32) -> Sample {
    let mut tasks = Vec::with_capacity(count as usize);
    let watch = Stopwatch::start();
    for _ in 0..count {
        tasks.push(host.spawn(async {}));
    }
    for task in tasks {
        task.await;
    }
    watch.stop()
}

pub(super) async fn awaited<H: Host>(host: &'static H, count: u32) -> Sample {
    let watch = Stopwatch::start();
    for _ in 0..count {
        host.spawn(async {}).await;
    }
    watch.stop()
}

pub(super) async fn chained<H: Host>(host: &'static H, count: u32) -> Sample {
    fn link<H: Host>(host: &'static H, left: u32) {
        H::detach(host.spawn(async move {
            COUNTDOWN.arrive();
            if left > 1 {
                link(host, left - 1);
            }
        }));
    }
    let done = COUNTDOWN.start(count);
    let watch = Stopwatch::start();
    link(host, count);
    done.await.expect("all tasks ran");
    watch.stop()
}

/// Each awaits the one that it spawned.
pub(super) async fn recursive<H: Host>(host: &'static H, count: u32) -> Sample {
    fn nested<H: Host>(host: &'static H, depth: u32) -> H::Join<u32> {
        host.spawn(async move { if depth > 1 { nested(host, depth - 1).await + 1 } else { 1 } })
    }
    let watch = Stopwatch::start();
    let depth = nested(host, count).await;
    let sample = watch.stop();
    assert_eq!(depth, count);
    sample
}

pub(super) fn outside<H: Host>(host: &'static H, count: u32) -> Sample {
    let done = COUNTDOWN.start(count);
    let watch = Stopwatch::start();
    for _ in 0..count {
        H::detach(host.spawn_outside(async { COUNTDOWN.arrive() }));
    }
    futures::executor::block_on(done).expect("all tasks ran");
    watch.stop()
}
