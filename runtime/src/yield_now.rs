//! `yield_now`: back into the queue, behind the others.
use std::pin::Pin;
use std::task::{Context as Cx, Poll};

use crate::scheduler::with_context;

/// Lets the other tasks that are ready run first.
///
/// On a worker the task is queued again as it is, without a wake; under another executor, or inside a combinator that
/// wraps the waker, the waker is woken.
///
/// # Cancel safety
///
/// Cancel safe: it does nothing but wait.
pub async fn yield_now() {
    YieldNow { yielded: false }.await;
}

struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        let waker = cx.waker();
        let native = with_context(|context| context.is_some_and(|context| context.yield_task(waker)));
        if !native {
            waker.wake_by_ref();
        }
        Poll::Pending
    }
}
