//! Timers.
use std::future::{self, Future};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use super::countdown::Countdown;
use crate::host::Host;
use crate::stopwatch::{Sample, Stopwatch};

static COUNTDOWN: Countdown = Countdown::new();

/// In one poll, which has the count and the sum in registers. Those of a loop that awaits lie in the task, and to wait in each round
/// for what the round before has stored took longer than a timeout.
pub(super) async fn ready<H: Host>(count: u32) -> Sample {
    let watch = Stopwatch::start();
    let sum = future::poll_fn(|cx| {
        let mut sum = 0;
        for index in 0..count {
            let timeout = pin!(H::timeout(Duration::from_secs(60), async move { black_box(index % 2) }));
            sum += ready!(timeout.poll(cx)).expect("it is ready at once");
        }
        Poll::Ready(sum)
    })
    .await;
    let sample = watch.stop();
    assert_eq!(sum, count / 2);
    sample
}

pub(super) async fn cancelled<H: Host>(count: u32) -> Sample {
    let watch = Stopwatch::start();
    for _ in 0..count {
        // Pending once, so that the timer is registered.
        let ready = H::timeout(Duration::from_secs(60), H::yield_now()).await;
        ready.expect("a minute is enough");
    }
    watch.stop()
}

pub(super) async fn sleeps<H: Host>(host: &'static H, count: u32) -> Sample {
    let done = COUNTDOWN.start(count);
    let watch = Stopwatch::start();
    for index in 0..count {
        // 1 to 100 ms in an order that does not follow the spawning: Fibonacci hashing.
        let millis = u64::from(index.wrapping_mul(2_654_435_769) >> 16) % 100 + 1;
        H::detach(host.spawn(async move {
            H::sleep(Duration::from_millis(millis)).await;
            COUNTDOWN.arrive();
        }));
    }
    done.await.expect("all timers fired");
    watch.stop()
}
