//! Where a wait is polled, and what becomes of that place.
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use runtime::{Builder, Runtime};

use super::leaf::Wait;
use crate::support::{Gate, OpenOnDrop, pool};

pub(super) fn sole() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Polls it once, wherever that is.
pub(super) async fn poll_once(mut wait: Wait) -> Wait {
    let polled = poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await;
    match polled {
        Poll::Pending => wait,
        // A machine that is busy with others may be late for a timer.
        Poll::Ready(()) => Box::pin(async {}),
    }
}

/// Where a wait begins, and what becomes of that while it goes on elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// A pool that goes on, in one of its tasks.
    Pool,
    /// A pool that goes on, in its `block_on`.
    Guest,
    /// A pool all of whose workers are blocked until the wait is over.
    BlockedPool,
    /// A runtime without workers, between two `block_on`.
    Between,
    /// A runtime without workers, whose context was merely entered.
    Entered,
    /// The frame of a `runtime::block_on` that has returned.
    Frame,
    /// A pool, dropped before the wait goes on.
    DroppedPool,
    /// A pool, dropped while somebody else polls.
    DroppingPool,
    /// A pool, shut down in the background while somebody else polls.
    ShutPool,
    /// A runtime without workers, dropped before the wait goes on.
    DroppedSole,
    /// A runtime without workers, dropped while somebody else polls.
    DroppingSole,
}

pub(super) const FIRSTS: [First; 11] = [
    First::Pool,
    First::Guest,
    First::BlockedPool,
    First::Between,
    First::Entered,
    First::Frame,
    First::DroppedPool,
    First::DroppingPool,
    First::ShutPool,
    First::DroppedSole,
    First::DroppingSole,
];

/// What is left of the first place while the wait goes on.
pub(super) struct Left {
    first: First,
    runtime: Option<Runtime>,
    _blocked: Option<OpenOnDrop>,
}

impl First {
    /// Whether a future inside, which nobody polls anew, is woken there: not by workers that are blocked.
    pub(super) fn wakes(self) -> bool {
        self != First::BlockedPool
    }

    /// Begins to wait.
    pub(super) fn begin(self, wait: Wait) -> (Wait, Left) {
        let mut blocked = None;
        let (wait, runtime) = match self {
            First::Pool | First::DroppedPool | First::DroppingPool | First::ShutPool | First::BlockedPool => {
                let runtime = pool(1);
                let wait = runtime.block_on(runtime.spawn(poll_once(wait))).unwrap();
                (wait, Some(runtime))
            }
            First::Guest => {
                let runtime = pool(1);
                (runtime.block_on(poll_once(wait)), Some(runtime))
            }
            First::Between | First::DroppedSole | First::DroppingSole => {
                let runtime = sole();
                (runtime.block_on(poll_once(wait)), Some(runtime))
            }
            First::Entered => {
                let runtime = sole();
                let entered = runtime.enter();
                let mut wait = wait;
                let ended = wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
                drop(entered);
                let wait = if ended { Box::pin(async {}) } else { wait };
                (wait, Some(runtime))
            }
            First::Frame => (runtime::block_on(poll_once(wait)), None),
        };
        if self == First::BlockedPool {
            let (gate, began) = (Gate::default(), Gate::default());
            let open = OpenOnDrop(gate.clone());
            let (inside, runtime) = (began.clone(), runtime.as_ref().unwrap());
            drop(runtime.spawn(async move {
                inside.open();
                gate.wait();
            }));
            began.wait();
            blocked = Some(open);
        }
        let mut left = Left { first: self, runtime, _blocked: blocked };
        if matches!(self, First::DroppedPool | First::DroppedSole) {
            left.runtime = None;
        }
        (wait, left)
    }
}

impl Left {
    /// The wait has gone on elsewhere.
    pub(super) fn goes_on(&mut self) {
        match self.first {
            First::DroppingPool | First::DroppingSole => self.runtime = None,
            First::ShutPool => self.runtime.take().unwrap().shutdown_background(),
            _ => {}
        }
    }

    /// Lets go of blocked workers, and waits there: the way back.
    pub(super) fn wait(mut self, wait: Wait) {
        self._blocked = None;
        match self.runtime {
            Some(runtime) if self.first == First::Pool => {
                runtime.block_on(runtime.spawn(wait)).unwrap();
            }
            Some(runtime) => runtime.block_on(wait),
            None => runtime::block_on(wait),
        }
    }
}

/// Where the wait goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Second {
    Pool,
    Guest,
    Sole,
    BlockOn,
    BlockingClosure,
    Futures,
    Pollster,
    Smol,
    Tokio,
}

pub(super) const SECONDS: [Second; 9] = [
    Second::Pool,
    Second::Guest,
    Second::Sole,
    Second::BlockOn,
    Second::BlockingClosure,
    Second::Futures,
    Second::Pollster,
    Second::Smol,
    Second::Tokio,
];

impl Second {
    pub(super) fn run(self, wait: Wait) {
        match self {
            Second::Pool => {
                let runtime = pool(2);
                runtime.block_on(runtime.spawn(wait)).unwrap();
            }
            Second::Guest => pool(1).block_on(wait),
            Second::Sole => sole().block_on(wait),
            Second::BlockOn => runtime::block_on(wait),
            Second::BlockingClosure => {
                let runtime = pool(1);
                let closure = runtime.spawn_blocking(|| futures::executor::block_on(wait));
                runtime.block_on(closure).unwrap();
            }
            Second::Futures => futures::executor::block_on(wait),
            Second::Pollster => pollster::block_on(wait),
            Second::Smol => smol::block_on(wait),
            Second::Tokio => {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
                runtime.block_on(async { tokio::spawn(wait).await.unwrap() });
                runtime.shutdown_timeout(Duration::ZERO);
            }
        }
    }
}
