//! An operation of a file that is under way on the pool. Any number may wait for its end; one takes what came of it.
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::task::quietly;

enum Stage<T> {
    /// Who is to be woken at the end.
    UnderWay(Vec<Waker>),
    Landed(T),
    /// The pool dropped it, or it panicked.
    Lost,
}

/// The end of those who wait. Dropping it does not stop the operation.
pub(super) struct Flight<T>(Arc<Mutex<Stage<T>>>);

/// The operation's end.
struct Pilot<T>(Arc<Mutex<Stage<T>>>);

impl<T> Pilot<T> {
    fn end(&self, with: Stage<T>) {
        let mut stage = self.0.lock();
        if let Stage::UnderWay(_) = &*stage {
            let former = std::mem::replace(&mut *stage, with);
            // Wakers are user code: not under the lock.
            drop(stage);
            if let Stage::UnderWay(waiting) = former {
                // The panic of one costs none of the others his wake.
                waiting.into_iter().for_each(|waker| quietly(|| waker.wake()));
            }
        }
    }
}

impl<T> Drop for Pilot<T> {
    fn drop(&mut self) {
        self.end(Stage::Lost);
    }
}

impl<T: Send + 'static> Flight<T> {
    /// Begins `operation`, where it may block.
    pub(super) fn begin(operation: impl FnOnce() -> T + Send + 'static) -> std::io::Result<Flight<T>> {
        let stage = Arc::new(Mutex::new(Stage::UnderWay(Vec::new())));
        let pilot = Pilot(Arc::clone(&stage));
        reactor_hook::offload(Box::new(move || pilot.end(Stage::Landed(operation()))))
            .map_err(|refused| refused.error)?;
        Ok(Flight(stage))
    }

    /// Whether it has ended.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Cloning and dropping a waker is user code: not under the lock.
        let waker = cx.waker().clone();
        let mut stage = self.0.lock();
        let Stage::UnderWay(waiting) = &mut *stage else {
            drop(stage);
            return Poll::Ready(());
        };
        let known = waiting.iter().any(|waiting| waiting.will_wake(&waker));
        let spare = if known {
            Some(waker)
        } else {
            waiting.push(waker);
            None
        };
        drop(stage);
        drop(spare);
        Poll::Pending
    }

    /// What came of it, if anything did. It must have ended.
    pub(super) fn take(self) -> Option<T> {
        match std::mem::replace(&mut *self.0.lock(), Stage::Lost) {
            Stage::Landed(outcome) => Some(outcome),
            Stage::UnderWay(_) | Stage::Lost => None,
        }
    }
}

#[cfg(test)]
mod tests;
