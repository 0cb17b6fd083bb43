//! The rows: futures that wait for something outside, each by another reactor or timer.
use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::peer::Peer;

mod foreign;
mod hooked;
mod ours;

/// What a cell has its executor run: it panics where what came is not what was due.
pub(crate) type Leaf = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long a timer of a cell waits.
const WAIT: Duration = Duration::from_millis(25);

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) origin: Origin,
    pub(crate) leaf: fn(&Peer) -> Leaf,
}

/// Whose the future is, and so what is demanded of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This workspace's sockets and timers.
    Ours,
    /// A reactor of somebody else that reaches its executor through `reactor-hook`.
    Hooked,
    /// Tokio's own, which needs tokio's context.
    Tokio,
    /// Somebody else's.
    Other,
}

impl Origin {
    /// Whether it has to run everywhere.
    pub(crate) fn is_universal(self) -> bool {
        matches!(self, Origin::Ours | Origin::Hooked)
    }
}

pub(crate) const ROWS: &[Row] = &[
    Row { name: "our TCP", origin: Origin::Ours, leaf: |peer| Box::pin(ours::tcp(peer.tcp)) },
    Row { name: "our UDP", origin: Origin::Ours, leaf: |peer| Box::pin(ours::udp(peer.udp)) },
    Row {
        name: "our Unix stream",
        origin: Origin::Ours,
        leaf: |peer| Box::pin(ours::unix(peer.unix.clone())),
    },
    Row { name: "our sleep", origin: Origin::Ours, leaf: |_| Box::pin(ours::sleep()) },
    Row { name: "our timeout", origin: Origin::Ours, leaf: |peer| Box::pin(ours::timeout(peer.tcp)) },
    Row { name: "a timerfd reactor", origin: Origin::Hooked, leaf: |_| Box::pin(hooked::timerfd()) },
    Row { name: "tokio TCP", origin: Origin::Tokio, leaf: |peer| Box::pin(foreign::tokio_tcp(peer.tcp)) },
    Row { name: "tokio sleep", origin: Origin::Tokio, leaf: |_| Box::pin(foreign::tokio_sleep()) },
    Row {
        name: "async-io TCP",
        origin: Origin::Other,
        leaf: |peer| Box::pin(foreign::async_io_tcp(peer.tcp)),
    },
    Row { name: "async-io timer", origin: Origin::Other, leaf: |_| Box::pin(foreign::async_io_timer()) },
    Row { name: "futures-timer", origin: Origin::Other, leaf: |_| Box::pin(foreign::futures_timer()) },
];

/// Makes a wait of [`WAIT`] and runs it: it must not be shorter.
async fn waits<F: Future>(wait: impl FnOnce() -> F) {
    let started = Instant::now();
    wait().await;
    let waited = started.elapsed();
    assert!(waited >= WAIT, "waited {waited:?} instead of {WAIT:?}");
}
