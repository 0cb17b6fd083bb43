//! A future that somebody else may end.
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use crate::primitives::atomic::{AtomicBool, Ordering};
use crate::primitives::{Arc, Mutex};

/// Wraps `future` so that it can be ended from anywhere, whoever polls it: not a task, but a part of one.
///
/// It resolves with the output, or with [`Cancelled`] once [`CancelHandle::cancel`] was called; the future inside has
/// then been dropped. Without a call it is as if it were not wrapped, handle or no handle.
///
/// ```
/// use runtime::task::{Cancelled, cancellable};
///
/// runtime::block_on(async {
///     let (answer, handle) = cancellable(std::future::pending::<u8>());
///     std::thread::spawn(move || handle.cancel());
///     assert_eq!(answer.await, Err(Cancelled));
///
///     let (answer, _handle) = cancellable(async { 42 });
///     assert_eq!(answer.await, Ok(42));
/// });
/// ```
///
/// It needs no runtime.
pub fn cancellable<F: Future>(future: F) -> (Cancellable<F>, CancelHandle) {
    let shared = Arc::new(Shared { cancelled: AtomicBool::new(false), waker: Mutex::new(None) });
    let handle = CancelHandle { shared: Arc::clone(&shared) };
    (Cancellable { running: Some(future), link: Link { shared, registered: None } }, handle)
}

struct Shared {
    cancelled: AtomicBool,
    /// Of whoever polls the future. Empty when `cancelled` was seen, and after the end.
    waker: Mutex<Option<Waker>>,
}

/// Ends the future that it was made with; got from [`cancellable`]. Clones do the same. Dropping them all ends nothing.
#[derive(Clone)]
pub struct CancelHandle {
    shared: Arc<Shared>,
}

impl std::panic::UnwindSafe for CancelHandle {}
impl std::panic::RefUnwindSafe for CancelHandle {}

impl CancelHandle {
    /// Ends the future: it is dropped the next time that it is polled, and is woken for that. May be called on any thread,
    /// more than once, and inside of the future itself.
    ///
    /// A future that is ready in the poll that is under way gives its output all the same.
    pub fn cancel(&self) {
        // Ordering: Release pairs with the Acquire of `Link::check`: what was done before is seen by whoever is told.
        if self.shared.cancelled.swap(true, Ordering::Release) {
            return;
        }
        let waker = self.shared.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called. The future may have been ready before.
    pub fn is_cancelled(&self) -> bool {
        // Ordering: Acquire as in `Link::check`.
        self.shared.cancelled.load(Ordering::Acquire)
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

/// There is no output: the future was cancelled before it had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the future was cancelled")
    }
}

impl std::error::Error for Cancelled {}

impl From<Cancelled> for io::Error {
    fn from(cancelled: Cancelled) -> io::Error {
        io::Error::other(cancelled)
    }
}

pin_project! {
    /// A future that can be ended from anywhere; made by [`cancellable`].
    ///
    /// # Panics
    ///
    /// When polled again after it has resolved.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as the future inside. Dropping it drops that future.
    #[must_use = "futures do nothing unless polled"]
    pub struct Cancellable<F> {
        #[pin]
        running: Option<F>,
        link: Link,
    }
}

/// The future's end of what it shares with the handles.
struct Link {
    shared: Arc<Shared>,
    /// The waker that `shared` has, or had before a cancel took it: a poll with the same one has nothing to leave.
    registered: Option<Waker>,
}

impl Link {
    fn check(&self) -> Result<(), Cancelled> {
        // Ordering: Acquire pairs with the Release of `cancel`.
        if self.shared.cancelled.load(Ordering::Acquire) { Err(Cancelled) } else { Ok(()) }
    }

    /// Leaves `waker` for `cancel`, or answers that it was called. Either this sees the call or the call finds the waker:
    /// both go through the lock after the one has written its flag and before the other reads it.
    fn leave(&mut self, waker: &Waker) -> Result<(), Cancelled> {
        if self.registered.as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            return self.check();
        }
        // Clones and drops of wakers are user code: outside of the lock.
        let (ours, theirs) = (waker.clone(), waker.clone());
        let former = self.shared.waker.lock().replace(theirs);
        drop((former, self.registered.replace(ours)));
        self.check()
    }

    /// Takes the waker back: a handle may live for long, and a waker keeps a task's memory.
    fn withdraw(&mut self) {
        let shared = self.shared.waker.lock().take();
        drop((shared, self.registered.take()));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.withdraw();
    }
}

impl<F: Future> Future for Cancellable<F> {
    type Output = Result<F::Output, Cancelled>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.running.as_mut().as_pin_mut() else {
            crate::misuse::panic(
                "Cancellable::poll",
                "the future has resolved before",
                [
                    "poll a future until it is ready, and no more",
                    "in a `select!` loop, guard the branch or fuse it",
                ],
            )
        };
        let output = match this.link.leave(cx.waker()) {
            Ok(()) => Ok(ready!(future.poll(cx))),
            Err(cancelled) => Err(cancelled),
        };
        this.running.set(None);
        this.link.withdraw();
        Poll::Ready(output)
    }
}

impl<F> fmt::Debug for Cancellable<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellable")
            .field("is_finished", &self.running.is_none())
            .field("is_cancelled", &self.link.check().is_err())
            .finish()
    }
}
