// A whole executor: runs a `Vec` of futures on the thread that calls it.
//
// It is the loop that everyone writes first, where a waker sets a flag and unparks the thread. Three lines make it run
// any future; they are numbered.
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use reactor_hook::{Frame, Parker, Unpark as _};

/// Runs all of `futures` to completion.
pub(crate) fn run(futures: Vec<Pin<Box<dyn Future<Output = ()> + '_>>>) {
    let frame = Frame::open().build(); // 1: what this thread offers the futures that it polls
    let _entered = frame.enter(); // 2: they find it while the guard lives
    let mut tasks: Vec<_> = futures.into_iter().map(|future| (Flag::new(frame.parker()), future)).collect();
    loop {
        tasks.retain_mut(|(flag, future)| {
            // Ordering: Acquire pairs with the Release in `wake`: the poll sees what was done before the wake.
            if !flag.woken.swap(false, Ordering::Acquire) {
                return true;
            }
            let waker = Waker::from(Arc::clone(flag));
            future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
        });
        if tasks.is_empty() {
            return;
        }
        frame.wait(); // 3: was `std::thread::park()`. Returns at once if a flag was set since the last time.
    }
}

/// Whether a future is to be polled, and whom to unpark when it is.
struct Flag {
    woken: AtomicBool,
    parker: Arc<Parker>,
}

impl Flag {
    fn new(parker: &Arc<Parker>) -> Arc<Flag> {
        Arc::new(Flag { woken: AtomicBool::new(true), parker: Arc::clone(parker) })
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        // Ordering: Release pairs with the Acquire in `run`.
        self.woken.store(true, Ordering::Release);
        self.parker.unpark(); // was `Thread::unpark`
    }
}
