//! `timeout`: a future that must be ready before a deadline.
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use reactor_hook::budget;

use crate::error::Elapsed;
use crate::instant::Instant;
use crate::sleep::Sleep;

pin_project! {
    /// A future with a deadline. Made by [`timeout`] and [`timeout_at`].
    ///
    /// # Cancel safety
    ///
    /// As the future in it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<T> {
        limit: Duration,
        // Made at the first `Pending`.
        #[pin]
        sleep: Option<Sleep>,
        #[pin]
        value: T,
    }
}

/// Gives `future` at most `duration`, counted from the first time that it is pending: one that is ready at once
/// costs no look at the clock.
///
/// The future is polled before the clock is looked at, so one that is ready wins over a deadline that has passed. Any
/// duration is accepted.
///
/// # Errors
///
/// [`Elapsed`] once the deadline has passed. The future is dropped with the `Timeout`.
///
/// # Panics
///
/// As [`sleep`](crate::sleep()).
///
/// # Examples
///
/// ```
/// use std::{future, time::Duration};
/// use timer::timeout;
///
/// futures::executor::block_on(async {
///     assert_eq!(timeout(Duration::from_secs(1), async { 7 }).await, Ok(7));
///     assert!(timeout(Duration::from_millis(1), future::pending::<()>()).await.is_err());
/// });
/// ```
#[inline]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout { limit: duration, sleep: None, value: future.into_future() }
}

/// Gives `future` until `deadline`.
///
/// # Errors
///
/// As [`timeout`].
///
/// # Panics
///
/// As [`sleep`](crate::sleep()).
///
/// # Examples
///
/// ```
/// use std::{future, time::Duration};
/// use timer::{Instant, timeout_at};
///
/// futures::executor::block_on(async {
///     let deadline = Instant::now() + Duration::from_millis(1);
///     assert!(timeout_at(deadline, future::pending::<()>()).await.is_err());
/// });
/// ```
#[inline]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout { limit: Duration::ZERO, sleep: Some(Sleep::new(deadline, true)), value: future.into_future() }
}

impl<T> Timeout<T> {
    /// The future in it.
    pub fn get_ref(&self) -> &T {
        &self.value
    }

    /// The future in it.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// Gives back the future, without a deadline.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Future> Future for Timeout<T> {
    type Output = Result<T::Output, Elapsed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // Without a deadline there is none that may have passed already.
        let is_new = this.sleep.is_none();
        let had_budget = is_new && !this.limit.is_zero() || budget::has_remaining();
        if let Poll::Ready(output) = this.value.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if is_new {
            this.sleep.set(Some(Sleep::new(Instant::now().after(*this.limit), this.limit.is_zero())));
        }
        if let Some(sleep) = this.sleep.as_pin_mut() {
            ready!(if is_new { sleep.poll_new(cx) } else { sleep.poll_elapsed(cx) });
        }
        // If the future has just used up the budget, it would do so each time: the deadline is heeded all the same.
        if !had_budget || budget::has_remaining() {
            ready!(budget::poll_proceed(cx)).made_progress();
        }
        Poll::Ready(Err(Elapsed(())))
    }
}
