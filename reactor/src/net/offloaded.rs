//! The result of a closure that blocks, as a future.
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

enum Slot<T> {
    Empty(Option<Waker>),
    Full(io::Result<T>),
    Taken,
}

/// Resolves with what the closure returned. Dropping it forgets the result; the closure runs on.
pub(super) struct Offloaded<T>(Arc<Mutex<Slot<T>>>);

/// Fills the slot, with an error if the closure was dropped unrun or panicked.
struct Promise<T>(Option<Arc<Mutex<Slot<T>>>>);

impl<T> Promise<T> {
    fn keep(mut self, result: io::Result<T>) {
        if let Some(slot) = self.0.take() {
            fill(&slot, result);
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            fill(&slot, Err(io::Error::other("the blocking pool dropped the operation before it was done")));
        }
    }
}

fn fill<T>(slot: &Mutex<Slot<T>>, result: io::Result<T>) {
    let before = std::mem::replace(&mut *slot.lock(), Slot::Full(result));
    if let Slot::Empty(Some(waker)) = before {
        waker.wake();
    }
}

/// Runs `job` where it may block: on the executor's blocking pool, or on a short-lived thread.
pub(super) fn offload<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<Offloaded<T>> {
    let slot = Arc::new(Mutex::new(Slot::Empty(None)));
    let promise = Promise(Some(Arc::clone(&slot)));
    reactor_hook::offload(Box::new(move || promise.keep(job()))).map_err(|refused| refused.error)?;
    Ok(Offloaded(slot))
}

impl<T> Future for Offloaded<T> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let waker = cx.waker().clone();
        let mut slot = self.0.lock();
        let replaced = match &mut *slot {
            Slot::Empty(place) => place.replace(waker),
            Slot::Full(_) => {
                let Slot::Full(result) = std::mem::replace(&mut *slot, Slot::Taken) else { unreachable!() };
                return Poll::Ready(result);
            }
            Slot::Taken => panic!("polled after it had resolved"),
        };
        // A waker's drop is user code: not under the lock.
        drop(slot);
        drop(replaced);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_that_panics_resolves_with_an_error() {
        let job = offload(|| -> io::Result<()> { panic!("on purpose") }).unwrap();
        let error = futures::executor::block_on(job).unwrap_err();
        assert!(error.to_string().contains("dropped the operation"), "{error}");
    }

    #[test]
    fn the_result_arrives() {
        assert_eq!(futures::executor::block_on(offload(|| Ok(7)).unwrap()).unwrap(), 7);
    }
}
