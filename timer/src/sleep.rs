//! `sleep`: waits for a deadline.
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use reactor_hook::budget;

use crate::entry::Entry;
use crate::home;
use crate::instant::Instant;
use crate::state::Phase;

pin_project! {
    /// Waits for a deadline. Made by [`sleep`] and [`sleep_until`].
    ///
    /// Works on any executor; see the crate's documentation. Ready again when polled after completion. Never early;
    /// late by at most a millisecond and the time it takes the executor to poll it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it before completion forgets the deadline; nothing else is lost.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Sleep {
        deadline: Instant,
        // Whether the deadline may be over already: the next poll looks at the clock, once.
        unsure: bool,
        #[pin]
        entry: Entry,
    }
}

/// Waits until `duration` has passed since this call.
///
/// Any duration is accepted, [`Duration::MAX`] means for ever. A sleep of zero is ready at once. A sleep that
/// is never polled costs nothing but a look at the clock. One that is polled for the first time when its deadline is
/// over is ready if the executor knows the time; else it is woken when the executor looks at the clock next.
///
/// # Panics
///
/// The future panics if nobody keeps the time where it is polled and the operating system refuses a thread to do it.
///
/// # Examples
///
/// ```
/// use timer::{Duration, Instant, sleep};
///
/// // On any executor:
/// futures::executor::block_on(async {
///     let start = Instant::now();
///     sleep(Duration::from_millis(20)).await;
///     assert!(start.elapsed() >= Duration::from_millis(20));
/// });
/// ```
#[inline]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(Instant::now().after(duration), duration.is_zero())
}

/// Waits until `deadline`. One in the past is ready at the first poll.
///
/// # Panics
///
/// As [`sleep`].
///
/// # Examples
///
/// ```
/// use timer::{Duration, Instant, sleep_until};
///
/// futures::executor::block_on(async {
///     let deadline = Instant::now() + Duration::from_millis(20);
///     sleep_until(deadline).await;
///     assert!(Instant::now() >= deadline);
/// });
/// ```
#[inline]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(deadline, true)
}

impl Sleep {
    #[inline]
    pub(crate) fn new(deadline: Instant, unsure: bool) -> Sleep {
        Sleep { deadline, unsure, entry: Entry::new() }
    }

    /// When it will be ready.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the deadline was found to have passed, by a poll or by the executor. Does not look at the clock.
    pub fn is_elapsed(&self) -> bool {
        self.entry.phase() == Phase::Fired
    }

    /// Waits for another deadline, even if the former has passed. A task that waits for the former deadline is woken at
    /// the new one without polling again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use timer::{Duration, Instant, sleep};
    ///
    /// futures::executor::block_on(async {
    ///     let mut sleep = pin!(sleep(Duration::from_secs(3600)));
    ///     sleep.as_mut().reset(Instant::now() + Duration::from_millis(10));
    ///     sleep.await;
    /// });
    /// ```
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let mut this = self.project();
        *this.deadline = deadline;
        *this.unsure = true;
        if this.entry.phase() == Phase::Armed {
            let tick = this.entry.as_mut().home().map(|home| home.keeper().tick_of_deadline(deadline));
            if tick.is_some_and(|tick| this.entry.as_mut().rearm(tick)) {
                return;
            }
        }
        this.entry.rewind();
    }

    /// As `reset`, of one that is in no wheel.
    pub(crate) fn restart(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.project();
        *this.deadline = deadline;
        *this.unsure = true;
        this.entry.rewind();
    }

    /// As `poll`, and charges nothing to the task's budget.
    #[inline]
    pub(crate) fn poll_elapsed(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<()> {
        let mut this = self.project();
        match this.entry.phase() {
            Phase::Fired => Poll::Ready(()),
            Phase::Armed if !*this.unsure && this.entry.as_mut().will_wake(cx.waker()) => Poll::Pending,
            Phase::Idle if !*this.unsure => home::arm(this.entry, *this.deadline, cx.waker()),
            _ => poll_anew(this.entry, *this.deadline, std::mem::take(this.unsure), cx.waker()),
        }
    }

    /// As `poll_elapsed`, of one that was made just now.
    #[inline]
    pub(crate) fn poll_new(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<()> {
        let this = self.project();
        if *this.unsure {
            return poll_anew(this.entry, *this.deadline, std::mem::take(this.unsure), cx.waker());
        }
        home::arm(this.entry, *this.deadline, cx.waker())
    }
}

/// Sees to it that `entry` is armed with `waker`, unless its deadline has passed.
fn poll_anew(mut entry: Pin<&mut Entry>, deadline: Instant, unsure: bool, waker: &Waker) -> Poll<()> {
    let passed = unsure && deadline <= Instant::now();
    if entry.phase() == Phase::Armed {
        // It was reset, or its waker changes.
        let is_here = entry.as_mut().home().is_some_and(|home| home.keeper().is_here());
        if !passed && entry.as_mut().stays(waker, is_here) {
            return Poll::Pending;
        }
        drop(entry.as_mut().disarm());
    }
    if entry.phase() == Phase::Fired {
        return Poll::Ready(());
    }
    if passed {
        entry.elapse();
        return Poll::Ready(());
    }
    home::arm(entry, deadline, waker)
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_elapsed(cx));
        // Only what is ready is charged: a pending poll makes no progress that could starve others.
        ready!(budget::poll_proceed(cx)).made_progress();
        Poll::Ready(())
    }
}
