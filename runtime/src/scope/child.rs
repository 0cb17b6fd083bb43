//! A child of a scope, and the handle to its output.
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;
use pin_project_lite::pin_project;
use reactor_hook::budget;

use super::core::Token;
use crate::cancellable::Cancelled;

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

/// An output on its way from a child to its handle.
struct Slot<T>(Mutex<Stage<T>>);

enum Stage<T> {
    /// The child is not over; somebody may wait for its output.
    Expected(Option<Waker>),
    Kept(T),
    /// The child is over, and has no output.
    Broken,
    /// The handle is gone, or has taken the output.
    Unwanted,
}

pub(super) fn promise<T>() -> (Promise<T>, ChildHandle<T>) {
    let slot = Arc::new(Slot(Mutex::new(Stage::Expected(None))));
    (Promise(Arc::clone(&slot)), ChildHandle { slot })
}

impl<T> Slot<T> {
    /// The child is over. Answers the stage that is to be dropped.
    fn settle(&self, stage: Stage<T>) -> Option<Stage<T>> {
        let mut slot = self.0.lock();
        let Stage::Expected(waker) = &mut *slot else { return Some(stage) };
        let waker = waker.take();
        *slot = stage;
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
        None
    }
}

/// The child's end: broken when dropped before it was kept.
pub(super) struct Promise<T>(Arc<Slot<T>>);

impl<T> Promise<T> {
    /// An output that nobody wants is dropped here, by the child.
    pub(super) fn keep(&self, output: T) {
        drop(self.0.settle(Stage::Kept(output)));
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        // Settled by now if there was an output; what is answered then is empty.
        drop(self.0.settle(Stage::Broken));
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
    slot: Arc<Slot<T>>,
}

impl<T> ChildHandle<T> {
    /// Whether the child has returned or is over; awaiting the handle is then immediate.
    pub fn is_finished(&self) -> bool {
        !matches!(*self.slot.0.lock(), Stage::Expected(_))
    }
}

impl<T> Future for ChildHandle<T> {
    type Output = Result<T, Cancelled>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let charge = ready!(budget::poll_proceed(cx));
        // Cloning and dropping a waker is user code: not under the lock.
        let mut fresh = None;
        let stage = loop {
            let mut slot = self.slot.0.lock();
            let Stage::Expected(waiting) = &mut *slot else {
                break std::mem::replace(&mut *slot, Stage::Unwanted);
            };
            if waiting.as_ref().is_some_and(|waiting| waiting.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            let Some(waker) = fresh.take() else {
                drop(slot);
                fresh = Some(cx.waker().clone());
                continue;
            };
            let former = waiting.replace(waker);
            drop(slot);
            drop(former);
            return Poll::Pending;
        };
        charge.made_progress();
        match stage {
            Stage::Kept(output) => Poll::Ready(Ok(output)),
            Stage::Broken => Poll::Ready(Err(Cancelled)),
            Stage::Expected(_) | Stage::Unwanted => crate::misuse::panic(
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

impl<T> Drop for ChildHandle<T> {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut *self.slot.0.lock(), Stage::Unwanted);
        drop(stage);
    }
}

impl<T> fmt::Debug for ChildHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildHandle").field("is_finished", &self.is_finished()).finish()
    }
}
