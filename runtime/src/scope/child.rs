//! A child of a scope, and the handle to its output.
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::core::Token;
use crate::cancellable::Cancelled;
use crate::promise::{Promise, Promised};

pin_project! {
    /// The future of a child's task. What it is spawned with keeps the scope waiting until that has been dropped.
    pub(super) struct Child<F, T> {
        #[pin]
        future: F,
        promise: Promise<T>,
        // Last: dropped after the future.
        token: Token,
    }
}

impl<F, T> Child<F, T> {
    pub(super) fn new(future: F, promise: Promise<T>, token: Token) -> Self {
        Child { future, promise, token }
    }
}

impl<F: Future<Output = Result<T, E>>, T, E> Future for Child<F, T> {
    type Output = Result<(), E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let output = ready!(this.future.poll(cx))?;
        this.promise.keep(output);
        Poll::Ready(Ok(()))
    }
}

/// The output of a child of a [scope](super::scope): a future that resolves with it. Got from
/// [`TaskGroup::spawn`](super::TaskGroup::spawn).
///
/// Dropping it drops the output when it comes, and nothing else: the scope waits for the child all the same.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// let sum = runtime::task::scope(|group| async move {
///     let (one, two) = (group.spawn(async { Ok(1) }), group.spawn(async { Ok(2) }));
///     Ok::<u32, runtime::task::Cancelled>(one.await? + two.await?)
/// });
/// assert_eq!(sum.await.unwrap(), 3);
/// # });
/// ```
///
/// # Errors
///
/// [`Cancelled`] if the child has no output: it failed, or was cancelled, or refused. Why is in the
/// [`ScopeError`](super::ScopeError); a body or a sibling that sees this is being cancelled itself.
///
/// # Panics
///
/// When polled again after it has resolved.
///
/// # Cancel safety
///
/// Polling `&mut handle` may be given up and taken up again; nothing is lost.
pub struct ChildHandle<T> {
    output: Promised<T>,
}

impl<T> ChildHandle<T> {
    pub(super) fn new(output: Promised<T>) -> Self {
        ChildHandle { output }
    }

    /// Whether the child has returned or is over; awaiting the handle is then immediate.
    pub fn is_finished(&self) -> bool {
        self.output.is_settled()
    }
}

impl<T> Future for ChildHandle<T> {
    type Output = Result<T, Cancelled>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(self.output.poll_settled(cx)) {
            Some(output) => Poll::Ready(output),
            None => crate::misuse::panic(
                "ChildHandle::poll",
                "the handle has resolved before",
                [
                    "a handle gives its output once; keep it, or share it through a channel",
                    "in a `select!` loop, guard the branch or fuse it",
                ],
            ),
        }
    }
}

impl<T> fmt::Debug for ChildHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildHandle").field("is_finished", &self.is_finished()).finish()
    }
}
