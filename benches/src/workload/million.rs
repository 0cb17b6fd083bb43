//! Very many tasks and timers at once.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::channel::oneshot;

use super::countdown::Countdown;
use crate::host::Host;
use crate::stopwatch::{Sample, Stopwatch};

static POLLED: Countdown = Countdown::new();
static DROPPED: Countdown = Countdown::new();

/// Pending for ever; no bytes.
struct Parked;

impl Future for Parked {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        POLLED.arrive();
        Poll::Pending
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        DROPPED.arrive();
    }
}

pub(super) async fn parked_made<H: Host>(host: &'static H, count: u32) -> Sample {
    parked(host, count).await.0
}

pub(super) async fn parked_dropped<H: Host>(host: &'static H, count: u32) -> Sample {
    parked(host, count).await.1
}

/// What it takes to make so many tasks and have each polled once, and what to abort them.
async fn parked<H: Host>(host: &'static H, count: u32) -> (Sample, Sample) {
    let mut tasks = Vec::with_capacity(count as usize);
    let polled = POLLED.start(count);
    let dropped = DROPPED.start(count);
    let watch = Stopwatch::start();
    tasks.extend((0..count).map(|_| host.spawn(Parked)));
    polled.await.expect("all tasks were polled");
    let made = watch.stop();
    let watch = Stopwatch::start();
    tasks.into_iter().for_each(H::abort);
    dropped.await.expect("all futures were dropped");
    (made, watch.stop())
}

/// Polls that a task makes between two pauses: with more it would be over its budget.
const BETWEEN_YIELDS: usize = 64;
const FAR: Duration = Duration::from_secs(3_600);
/// Timers that are to expire are due within as many microseconds.
const WITHIN: u32 = 10_000;

pub(super) async fn timers_inserted<H: Host>(count: u32) -> Sample {
    timers::<H>(count).await.0
}

pub(super) async fn timers_cancelled<H: Host>(count: u32) -> Sample {
    timers::<H>(count).await.1
}

/// What it takes to insert so many timers, and what to cancel them.
async fn timers<H: Host>(count: u32) -> (Sample, Sample) {
    let mut sleeps = Sleeps::new(count, |index| async move { H::sleep(FAR + spread(index)).await });
    let watch = Stopwatch::start();
    sleeps.insert::<H>().await;
    let inserted = watch.stop();
    let watch = Stopwatch::start();
    sleeps.cancel();
    (inserted, watch.stop())
}

/// From the time when the first is due to the last one's wake.
pub(super) async fn timers_expired<H: Host>(count: u32) -> Sample {
    // A tenth says how long it takes to insert them all.
    let mut wait = timers::<H>(count.div_ceil(10)).await.0.wall * 20 + Duration::from_millis(20);
    loop {
        let due = Instant::now() + wait;
        let mut sleeps = Sleeps::new(count, |index| async move {
            H::sleep((due + spread(index)).saturating_duration_since(Instant::now())).await;
        });
        sleeps.insert::<H>().await;
        let watch = Stopwatch::start();
        let left = due.saturating_duration_since(Instant::now());
        sleeps.expired().await;
        let sample = watch.stop();
        if !left.is_zero() {
            return Sample { wall: sample.wall.saturating_sub(left), ..sample };
        }
        // Some expired before all were there.
        wait *= 2;
    }
}

/// In an order that does not follow the insertion: Fibonacci hashing.
fn spread(index: u32) -> Duration {
    Duration::from_micros(u64::from((index.wrapping_mul(2_654_435_769) >> 8) % WITHIN))
}

/// Sleeps, each in its place on the heap, and not begun before its first poll. A sleep does not end its future: what is
/// counted is its wake.
struct Sleeps<S> {
    places: Vec<Pin<Box<Option<S>>>>,
    waker: Waker,
    expired: oneshot::Receiver<()>,
}

impl<S: Future<Output = ()>> Sleeps<S> {
    /// As many as `sleep` is asked for.
    fn new(count: u32, sleep: impl Fn(u32) -> S) -> Sleeps<S> {
        let countdown = Arc::new(Countdown::new());
        let expired = countdown.start(count);
        let places = (0..count).map(|index| Box::pin(Some(sleep(index)))).collect();
        Sleeps { places, waker: countdown.into(), expired }
    }

    /// Has the runtime take them.
    async fn insert<H: Host>(&mut self) {
        for sleeps in self.places.chunks_mut(BETWEEN_YIELDS) {
            for sleep in sleeps {
                let sleep = sleep.as_mut().as_pin_mut().expect("it is not cancelled");
                // One that is due already wakes nobody: then so many wakes would not come.
                if sleep.poll(&mut Context::from_waker(&self.waker)).is_ready() {
                    self.waker.wake_by_ref();
                }
            }
            H::yield_now().await;
        }
    }

    /// Drops them all.
    fn cancel(&mut self) {
        self.places.iter_mut().for_each(|sleep| sleep.as_mut().set(None));
    }

    /// Ready when all have woken.
    async fn expired(&mut self) {
        (&mut self.expired).await.expect("the waker lives");
    }
}
