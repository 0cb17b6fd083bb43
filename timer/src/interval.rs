//! `interval`: a sequence of deadlines.
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::instant::Instant;
use crate::sleep::Sleep;

/// A tick that comes at most this late was not missed. As in tokio: the behaviours of both must agree.
const NOT_YET_MISSED: Duration = Duration::from_millis(5);

/// What an [`Interval`] does when ticks were missed because nobody asked for them in time.
///
/// With a period of 50 ms and the third tick taken 120 ms late, the following ticks come at
///
/// | | | | | | |
/// |---|---|---|---|---|---|
/// | `Burst` | 0 | 50 | 100, taken at 220 | 150, 200: at once | 250 |
/// | `Delay` | 0 | 50 | 100, taken at 220 | 270 | 320 |
/// | `Skip` | 0 | 50 | 100, taken at 220 | 250 | 300 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// The missed ticks come at once, one after the other, until the sequence has been caught up with.
    #[default]
    Burst,
    /// The next tick comes a period after this one was taken, and so on from there.
    Delay,
    /// The missed ticks are left out; the next one comes when one would have come anyway.
    Skip,
}

impl MissedTickBehavior {
    fn next(self, due: Instant, now: Instant, period: Duration) -> Instant {
        match self {
            MissedTickBehavior::Burst => due.after(period),
            MissedTickBehavior::Delay => now.after(period),
            MissedTickBehavior::Skip => {
                let into = now.duration_since(due).as_nanos() % period.as_nanos();
                // No truncation: less than the period; seconds and nanoseconds of it fit where the period's do.
                let into = Duration::new((into / 1_000_000_000) as u64, (into % 1_000_000_000) as u32);
                now.after(period - into)
            }
        }
    }
}

/// A sequence of ticks, `period` apart. Made by [`interval`] and [`interval_at`].
#[derive(Debug)]
pub struct Interval {
    /// On the heap, so that an interval can be moved about between ticks.
    sleep: Pin<Box<Sleep>>,
    period: Duration,
    behavior: MissedTickBehavior,
}

/// Ticks at once, and then every `period`.
///
/// # Panics
///
/// If `period` is zero.
///
/// # Examples
///
/// ```
/// use timer::{Duration, Instant, interval};
///
/// futures::executor::block_on(async {
///     let start = Instant::now();
///     let mut interval = interval(Duration::from_millis(10));
///     for _ in 0..3 {
///         interval.tick().await;
///     }
///     assert!(start.elapsed() >= Duration::from_millis(20));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    refuse_zero("time::interval", period);
    Interval::new(Instant::now(), period)
}

/// Ticks at `start`, and then every `period`.
///
/// # Panics
///
/// If `period` is zero.
///
/// # Examples
///
/// ```
/// use timer::{Duration, Instant, interval_at};
///
/// futures::executor::block_on(async {
///     let start = Instant::now() + Duration::from_millis(10);
///     let mut interval = interval_at(start, Duration::from_millis(10));
///     assert_eq!(interval.tick().await, start);
///     assert_eq!(interval.tick().await, start + Duration::from_millis(10));
/// });
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    refuse_zero("time::interval_at", period);
    Interval::new(start, period)
}

#[track_caller]
fn refuse_zero(operation: &str, period: Duration) {
    if period.is_zero() {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("<unnamed>");
        panic!(
            "{operation}: `period` must be non-zero (thread '{name}')\n  \
             help: a tick without end is a loop: let others run in it with `yield_now`\n  \
             help: where a period of zero means \"never\", await `std::future::pending` instead"
        );
    }
}

impl Interval {
    fn new(start: Instant, period: Duration) -> Interval {
        Interval { sleep: Box::pin(Sleep::new(start, true)), period, behavior: MissedTickBehavior::Burst }
    }

    /// Waits for the next tick and returns when it was due.
    ///
    /// # Cancel safety
    ///
    /// No tick is lost: one that was not returned is returned by the next call.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Polls for the next tick. The latest waker is woken.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(self.sleep.as_mut().poll(cx));
        let due = self.sleep.deadline();
        let now = Instant::now();
        let next = if now.duration_since(due) > NOT_YET_MISSED {
            self.behavior.next(due, now, self.period)
        } else {
            due.after(self.period)
        };
        self.sleep.as_mut().restart(next);
        Poll::Ready(due)
    }

    /// The next tick comes a period from now, and so on from there.
    pub fn reset(&mut self) {
        self.reset_at(Instant::now().after(self.period));
    }

    /// The next tick comes at once, and so on from there.
    pub fn reset_immediately(&mut self) {
        self.reset_at(Instant::now());
    }

    /// The next tick comes `after` from now, and then every period.
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(Instant::now().after(after));
    }

    /// The next tick comes at `deadline`, and then every period.
    pub fn reset_at(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
    }

    /// What is done about missed ticks; [`MissedTickBehavior::Burst`] unless set.
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    /// Sets what is done about missed ticks.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
}
