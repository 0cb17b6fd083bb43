//! Tasks that end together. The README beside this file says who waits for whom, and why children cannot borrow.
mod child;
mod core;
mod error;
mod group;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::join_set::JoinSet;
use crate::task::futures::TaskLocalFuture;
use crate::task::{Id, JoinError};

use self::core::Core;
use self::group::Group;

pub use child::ChildHandle;
pub use error::{ScopeError, ScopeFailure};
pub use group::TaskGroup;

crate::task_local! {
    /// The scope whose child or body is being polled or dropped.
    static SCOPE: Arc<Core>;
}

/// Runs tasks that end together: `body` is given a [`TaskGroup`], and what it spawns there, the *children*, never outlives
/// the scope. It resolves with the body's value when the body and all children have returned, and have been dropped.
///
/// The first error or panic of the body or of a child cancels the rest: the body is dropped, the children are aborted, and
/// when all have been dropped the scope resolves with a [`ScopeError`]. No failure is lost: those that came after the
/// first are in there too.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// use std::io;
///
/// async fn length(of: u64) -> io::Result<u64> {
///     Ok(of)
/// }
///
/// let total = runtime::task::scope(|group| async move {
///     let parts: Vec<_> = (1..=10).map(|part| group.spawn(length(part))).collect();
///     let mut total = 0;
///     for part in parts {
///         total += part.await?;
///     }
///     Ok::<_, io::Error>(total)
/// });
/// assert_eq!(total.await.unwrap(), 55);
/// # });
/// ```
///
/// Children may spawn siblings through a clone of the group, and may have scopes of their own; what those spawn is waited for
/// even if they are dropped by a cancellation. What a child spawns in other ways is not the scope's.
///
/// The body is polled by whoever polls the scope: it is no task, may borrow, and need not be `Send`. Children are tasks, and
/// `'static`: a scope may be dropped or leaked at any `await`, and could not wait for a child that borrows. Share with
/// them by [`Arc`].
///
/// # Errors
///
/// A [`ScopeError`] if the body or a child failed: returned an error, panicked, or was cancelled by
/// [`TaskGroup::cancel`] or the end of its runtime.
///
/// # Panics
///
/// It does not: a panic of the body is a failure like that of a child.
///
/// # Cancel safety
///
/// Dropping the scope drops the body and aborts all children; a drop cannot wait, so that they may end a little later, unless
/// a scope around this one waits for them. Outputs are lost. To stop a scope and wait for it call [`TaskGroup::cancel`].
pub async fn scope<T, E, F, B>(body: F) -> Result<T, ScopeError<E>>
where
    E: Send + 'static,
    F: FnOnce(TaskGroup<E>) -> B,
    B: Future<Output = Result<T, E>>,
{
    let core = Core::new(SCOPE.try_with(Core::token).ok());
    let group = Group::new(Arc::clone(&core));
    let handle = TaskGroup::new(Arc::clone(&group));
    // Called in the first poll: a panic of `body` itself is caught there, and children are there by then.
    let body = SCOPE.scope(core, async move { body(handle).await });
    let children = JoinSet::new();
    Running { body: Some(body), value: None, group, children, stopped: false, failures: Vec::new() }.await
}

pin_project! {
    struct Running<B, T, E> {
        #[pin]
        body: Option<TaskLocalFuture<Arc<Core>, B>>,
        // What the body returned.
        value: Option<T>,
        group: Arc<Group<E>>,
        children: JoinSet<Result<(), E>>,
        // A cancel was seen: the body is gone, and the children are aborted.
        stopped: bool,
        failures: Vec<ScopeFailure<E>>,
    }

    impl<B, T, E> PinnedDrop for Running<B, T, E> {
        fn drop(this: Pin<&mut Self>) {
            // The children that are in the set are aborted by that, next.
            this.group.abandon();
        }
    }
}

impl<B, T, E> Future for Running<B, T, E>
where
    B: Future<Output = Result<T, E>>,
    E: 'static,
{
    type Output = Result<T, ScopeError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.group.core.register(cx.waker());
        self.as_mut().stop_if_cancelled();
        self.as_mut().poll_body(cx);
        loop {
            self.as_mut().stop_if_cancelled();
            self.as_mut().take_arrivals();
            let this = self.as_mut().project();
            match this.children.poll_join_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(Ok(())))) => {}
                Poll::Ready(Some(Ok(Err(error)))) => self.as_mut().fail(ScopeFailure::Error(error)),
                Poll::Ready(Some(Err(error))) if *this.stopped && error.is_cancelled() => {}
                Poll::Ready(Some(Err(error))) => self.as_mut().fail(ScopeFailure::Join(error)),
                Poll::Ready(None) => {
                    if this.body.is_some() || !this.group.core.close() {
                        return Poll::Pending;
                    }
                    // Nobody enters any more. A child that ended just now may have arrived before.
                    if !self.as_mut().take_arrivals() {
                        return Poll::Ready(self.finish());
                    }
                }
            }
        }
    }
}

impl<B, T, E> Running<B, T, E>
where
    B: Future<Output = Result<T, E>>,
    E: 'static,
{
    fn poll_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let mut this = self.as_mut().project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return };
        match catch_unwind(AssertUnwindSafe(|| body.poll(cx))) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(Ok(value))) => {
                *this.value = Some(value);
                self.drop_body();
            }
            Ok(Poll::Ready(Err(error))) => self.fail(ScopeFailure::Error(error)),
            Err(panic) => self.panicked(panic),
        }
    }

    /// Takes what was spawned since into the set; whether there was anything.
    fn take_arrivals(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        let arrivals = this.group.take_arrivals();
        let any = !arrivals.is_empty();
        for task in arrivals {
            if *this.stopped {
                task.abort();
            }
            this.children.adopt(task);
        }
        any
    }

    fn fail(self: Pin<&mut Self>, failure: ScopeFailure<E>) {
        let this = self.project();
        this.failures.push(failure);
        this.group.core.cancel();
    }

    fn panicked(self: Pin<&mut Self>, panic: Box<dyn Any + Send>) {
        self.fail(ScopeFailure::Join(JoinError::panic(Id::next(), panic)));
    }

    /// Drops the body and aborts the children, when the scope was cancelled since the last look.
    fn stop_if_cancelled(mut self: Pin<&mut Self>) {
        let this = self.as_mut().project();
        if *this.stopped || this.group.core.is_open() {
            return;
        }
        *this.stopped = true;
        this.children.abort_all();
        if this.body.is_some() && this.failures.is_empty() {
            this.failures.push(ScopeFailure::Cancelled);
        }
        self.drop_body();
    }

    fn drop_body(mut self: Pin<&mut Self>) {
        let mut this = self.as_mut().project();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| this.body.set(None))) {
            self.panicked(panic);
        }
    }

    /// All are over.
    fn finish(mut self: Pin<&mut Self>) -> Result<T, ScopeError<E>> {
        let this = self.as_mut().project();
        let value = this.value.take();
        if let Some(value) = value {
            if this.failures.is_empty() {
                return Ok(value);
            }
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
                self.as_mut().panicked(panic);
            }
        }
        let mut failures = std::mem::take(self.project().failures).into_iter();
        let first = failures.next().expect("a body that returned no value has failed");
        Err(ScopeError::new(first, failures.collect()))
    }
}
