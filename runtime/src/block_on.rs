//! `block_on` without a runtime: the calling thread polls, and itself waits for sockets and timers.
use std::panic::Location;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as Cx, Poll, Waker};

use reactor_hook::{Frame, budget};

use crate::large::unless_large;
use crate::remedy;
use crate::scheduler::{Context, Role, refuse_nesting, with_context};

/// Runs `future` to completion on the calling thread, with no runtime at all. Sockets and timers that it polls are driven
/// by this thread itself.
///
/// ```
/// use std::time::Duration;
/// runtime::block_on(async {
///     runtime::time::sleep(Duration::from_millis(1)).await;
/// });
/// ```
///
/// # Panics
///
/// On a thread that executes futures already; and when `future` panics.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    refuse_nesting("runtime::block_on");
    let caller = Location::caller();
    unless_large!(future: F => remedy::around(caller, || drive(future)))
}

fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    // In a blocking closure of a runtime, `spawn` goes on meaning that runtime.
    let outer = with_context(|context| context.map(|context| Arc::clone(context.shared())));
    let frame = match outer {
        Some(shared) => Frame::open().owner(Rc::new(Context::outside(shared, Role::Waiting))).build(),
        None => Frame::open().build(),
    };
    let _entered = frame.enter();
    let waker = Waker::from(Arc::clone(frame.parker()));
    let mut cx = Cx::from_waker(&waker);
    loop {
        frame.budget().set(budget::PER_POLL);
        let polled = future.as_mut().poll(&mut cx);
        frame.budget().set(budget::UNLIMITED);
        if let Poll::Ready(output) = polled {
            return output;
        }
        frame.wait();
    }
}
