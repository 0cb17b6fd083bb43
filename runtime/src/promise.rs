//! An output that is made elsewhere: by a task or a closure, for one who awaits it.
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;
use reactor_hook::budget;

use crate::cancellable::Cancelled;

struct Slot<T>(Mutex<Stage<T>>);

enum Stage<T> {
    /// Not made yet; somebody may wait for it.
    Expected(Option<Waker>),
    Kept(T),
    /// There will be no output.
    Broken,
    /// Nobody waits any more, or the output has been taken.
    Unwanted,
}

/// The maker's end: broken when it is dropped before it was kept.
pub(crate) struct Promise<T>(Arc<Slot<T>>);

/// The end of the one who waits. Dropping it drops the output when it comes.
pub(crate) struct Promised<T>(Arc<Slot<T>>);

pub(crate) fn promise<T>() -> (Promise<T>, Promised<T>) {
    let slot = Arc::new(Slot(Mutex::new(Stage::Expected(None))));
    (Promise(Arc::clone(&slot)), Promised(slot))
}

impl<T> Slot<T> {
    /// The maker is done. Answers the stage if nobody wants it.
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

impl<T> Promise<T> {
    /// An output that nobody wants is dropped here, by its maker.
    pub(crate) fn keep(&self, output: T) {
        drop(self.0.settle(Stage::Kept(output)));
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        // Settled by now if there was an output.
        drop(self.0.settle(Stage::Broken));
    }
}

impl<T> Promised<T> {
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(*self.0.0.lock(), Stage::Expected(_))
    }

    /// The output, or that there will be none; nothing when that has been told before.
    pub(crate) fn poll_settled(&self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Cancelled>>> {
        let charge = ready!(budget::poll_proceed(cx));
        // Cloning and dropping a waker is user code: not under the lock.
        let mut fresh = None;
        let stage = loop {
            let mut slot = self.0.0.lock();
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
        Poll::Ready(match stage {
            Stage::Kept(output) => Some(Ok(output)),
            Stage::Broken => Some(Err(Cancelled)),
            Stage::Expected(_) | Stage::Unwanted => None,
        })
    }
}

impl<T> Drop for Promised<T> {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut *self.0.0.lock(), Stage::Unwanted);
        drop(stage);
    }
}
