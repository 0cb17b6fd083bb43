//! Runs a test's body in the two ways a socket may be driven, under a watchdog.
use std::future::Future;
use std::io::Write as _;
use std::pin::pin;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reactor_hook::Frame;

/// Counts of a stress test: a hundredth, or all of it with `RUNTIME_SOAK=1`.
pub(crate) fn soak() -> bool {
    std::env::var_os("RUNTIME_SOAK").is_some_and(|value| value == "1")
}

/// Aborts the process when it is not dropped in time: a test that hangs would say nothing.
pub(crate) struct Watchdog {
    _done: Sender<()>,
}

impl Watchdog {
    pub(crate) fn new() -> Watchdog {
        let limit = Duration::from_secs(if soak() { 600 } else { 30 });
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        let (done, waiting) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if waiting.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                // Not `eprintln!`: what the harness captures is lost by an abort.
                let _ = writeln!(std::io::stderr(), "watchdog: {name} has not ended within {limit:?}");
                std::process::abort();
            }
        });
        Watchdog { _done: done }
    }
}

/// An executor that knows nothing of the contract: the reactor is driven by a thread of its own.
pub(crate) fn hosted<F: Future>(future: F) -> F::Output {
    futures::executor::block_on(future)
}

/// An executor of one thread that blocks in the reactor itself.
pub(crate) fn in_frame<F: Future>(future: F) -> F::Output {
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let waker = Waker::from(frame.parker().clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        frame.wait();
    }
}

/// Runs `body` in both ways.
pub(crate) fn both<F: Future<Output = std::io::Result<()>>>(body: impl Fn() -> F) {
    let _watchdog = Watchdog::new();
    hosted(body()).expect("driven by a thread of its own");
    in_frame(body()).expect("driven by the executor's thread");
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
