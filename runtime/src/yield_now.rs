//! `yield_now`: back into the queue, behind the others.
use std::pin::Pin;
use std::task::{Context as Cx, Poll};

use crate::scheduler::yield_here;

/// Lets the other tasks that are ready run first.
///
/// On a worker the task is queued again as it is, without a wake; under another executor, or inside a combinator that
/// wraps the waker, the waker is woken.
///
/// ```
/// async fn sum_of(numbers: &[u64]) -> u64 {
///     let mut sum = 0;
///     for chunk in numbers.chunks(1_000) {
///         sum += chunk.iter().sum::<u64>();
///         runtime::task::yield_now().await;
///     }
///     sum
/// }
/// ```
///
/// # Cancel safety
///
/// Cancel safe: it does nothing but wait.
#[inline]
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// A future that is pending once, made by [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        go_behind(cx);
        Poll::Pending
    }
}

/// The task that is being polled is queued again. Not inlined into the futures of others, which it is no part of.
#[inline(never)]
fn go_behind(cx: &Cx<'_>) {
    let waker = cx.waker();
    if !yield_here(waker) {
        waker.wake_by_ref();
    }
}
