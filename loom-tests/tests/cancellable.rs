//! A cancel against the polls of the future: `runtime/src/cancellable.rs`.
//!
//! The thread that polls waits until its waker was called before it polls again. A wake that is lost leaves it waiting, and
//! the model says that it is stuck.
#![cfg(runtime_loom)]
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::cell::UnsafeCell;
use loom::sync::Notify;
use loom::thread;
use runtime::model::{Cancelled, cancellable};

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Wakes the thread that polls.
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

fn woken() -> (Arc<Woken>, Waker) {
    let woken = Arc::new(Woken(Notify::new()));
    (Arc::clone(&woken), Waker::from(woken))
}

/// Never ready.
struct Never;

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// What is written before the cancel, by another thread.
struct Reason(UnsafeCell<u8>);

// SAFETY: loom checks each access.
unsafe impl Sync for Reason {}
// SAFETY: as above.
unsafe impl Send for Reason {}

#[test]
fn a_cancel_against_the_first_polls_is_seen() {
    check(|| {
        let (mut future, handle) = cancellable(Never);
        let reason = Arc::new(Reason(UnsafeCell::new(0)));
        let canceller = {
            let reason = Arc::clone(&reason);
            thread::spawn(move || {
                // SAFETY: nobody reads before the cancel is seen; loom checks.
                reason.0.with_mut(|reason| unsafe { *reason = 7 });
                handle.cancel();
            })
        };
        let (woken, waker) = woken();
        loop {
            match Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => break assert_eq!(result, Err(Cancelled)),
                Poll::Pending => woken.0.wait(),
            }
        }
        // SAFETY: the cancel was seen; loom checks.
        reason.0.with(|reason| assert_eq!(unsafe { *reason }, 7));
        canceller.join().unwrap();
    });
}

#[test]
fn a_cancel_against_a_change_of_wakers_reaches_the_latest() {
    check(|| {
        let (mut future, handle) = cancellable(Never);
        let (_, former) = woken();
        assert!(Pin::new(&mut future).poll(&mut Context::from_waker(&former)).is_pending());
        let canceller = thread::spawn(move || handle.cancel());
        let (woken, latest) = woken();
        loop {
            match Pin::new(&mut future).poll(&mut Context::from_waker(&latest)) {
                Poll::Ready(result) => break assert_eq!(result, Err(Cancelled)),
                Poll::Pending => woken.0.wait(),
            }
        }
        canceller.join().unwrap();
    });
}
