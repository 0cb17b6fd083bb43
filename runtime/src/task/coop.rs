//! Cooperative scheduling: how many operations one poll may complete before its neighbours have their turn.
//!
//! Each poll of a task is granted 128 operations. Sockets, timers and join handles take one for each operation that they
//! complete; when none is left they say "pending" and wake the task, which runs again after the others. So a task
//! whose futures are always ready cannot keep its worker to itself.
//!
//! Futures of other crates (channels, for example) do not see this budget: wrap them with [`cooperative`].
use std::pin::Pin;
use std::task::{Context as Cx, Poll};

use pin_project_lite::pin_project;
use reactor_hook::budget;

/// For leaf futures of other crates: what an operation takes from the budget, before it is tried.
pub use reactor_hook::budget::{Charge as RestoreOnPending, poll_proceed};

/// Whether the present poll may complete another operation. True outside of a runtime.
pub fn has_budget_remaining() -> bool {
    budget::has_remaining()
}

/// Takes one operation from the budget; yields when none is left. For loops that compute.
///
/// # Cancel safety
///
/// Cancel safe: it does nothing but wait.
pub async fn consume_budget() {
    std::future::poll_fn(|cx| budget::poll_proceed(cx).map(|charge| charge.made_progress())).await;
}

/// Polls `future` with no limit. Its task may then keep its worker from its neighbours.
pub fn unconstrained<F: Future>(future: F) -> Unconstrained<F> {
    Unconstrained { future }
}

/// Makes a future that knows nothing of the budget take one operation for each time that it completes.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// use futures::StreamExt as _;
/// let mut numbers = futures::stream::iter(0..1_000);
/// while let Some(number) = runtime::task::coop::cooperative(numbers.next()).await {
///     # let _ = number;
/// }
/// # });
/// ```
pub fn cooperative<F: Future>(future: F) -> Coop<F> {
    Coop { future }
}

pin_project! {
    /// A future without a limit, made by [`unconstrained`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Unconstrained<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Unconstrained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<F::Output> {
        budget::with_budget(budget::UNLIMITED, || self.project().future.poll(cx))
    }
}

pin_project! {
    /// A future that takes part, made by [`cooperative`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Coop<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Coop<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<F::Output> {
        let charge = std::task::ready!(budget::poll_proceed(cx));
        let polled = self.project().future.poll(cx);
        if polled.is_ready() {
            charge.made_progress();
        }
        polled
    }
}
