//! The executor that everybody writes first: polls what is in a list, and parks. It knows nothing of any reactor.
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};

use crate::rows::Leaf;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls all of `futures` each time that one of them was woken, until none is left.
pub(crate) fn run(mut futures: Vec<Leaf>) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        futures.retain_mut(|future| future.as_mut().poll(&mut cx).is_pending());
        if futures.is_empty() {
            return;
        }
        thread::park();
    }
}
