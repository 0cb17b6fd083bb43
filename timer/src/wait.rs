//! Until when somebody blocks, so that who inserts an earlier deadline knows whether to unpark him. README: *Who waits*.
use std::fmt;

use crate::sync::atomic::{AtomicU64, Ordering, fence};

/// Nobody blocks: every insert is seen by the look before the next wait.
const NOBODY: u64 = 0;
/// Somebody blocks, or is about to look, and no deadline is known to end it.
const FOREVER: u64 = u64::MAX;
/// The one who blocks does not say until when.
const UNMANAGED: u64 = u64::MAX - 1;

/// What the one who inserted an earliest deadline has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Inserted {
    /// The waiter will see it in time.
    InTime,
    /// Unpark the waiter.
    Unpark,
    /// Unpark the waiter, unless this is the thread that waits.
    UnparkOther,
}

pub(crate) struct Waiting {
    /// A tick, or one of the constants above. Written by the one who waits, and by who appoints him.
    until: AtomicU64,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Waiting { until: AtomicU64::new(UNMANAGED) }
    }

    /// Somebody else keeps the time from now on; he may not know `prepare`.
    pub(crate) fn appoint(&self) {
        // Ordering: Relaxed: the fence below orders it before all looks of the new keeper.
        self.until.store(UNMANAGED, Ordering::Relaxed);
        // Ordering: store-load fence, pairs with the one in `inserted`, as in `prepare`.
        fence(Ordering::SeqCst);
    }

    /// Says that the caller is going to block, looks for the earliest tick and says that he blocks until then.
    pub(crate) fn prepare(&self, look: impl FnOnce() -> u64) -> u64 {
        // Ordering: Relaxed: the fence below orders it before the look.
        self.until.store(FOREVER, Ordering::Relaxed);
        // Ordering: store-load fence, pairs with the one in `inserted`: either the look sees the inserted tick, or
        // the inserter sees that somebody waits.
        fence(Ordering::SeqCst);
        let earliest = look();
        let until = if earliest >= UNMANAGED { FOREVER } else { earliest };
        // Ordering: Relaxed: between `FOREVER` and this an inserter does not unpark too rarely, whichever he sees.
        self.until.store(until, Ordering::Relaxed);
        earliest
    }

    /// The caller blocks no more.
    pub(crate) fn finish(&self) {
        // Ordering: Relaxed: one who still sees the wait unparks in vain.
        self.until.store(NOBODY, Ordering::Relaxed);
    }

    /// To be called after a tick earlier than all in its shard was published.
    #[inline]
    pub(crate) fn inserted(&self, tick: u64) -> Inserted {
        // Ordering: store-load fence, pairs with the one in `prepare`.
        fence(Ordering::SeqCst);
        // Ordering: Relaxed: the fence above orders it, and nothing else is read on its account.
        match self.until.load(Ordering::Relaxed) {
            UNMANAGED => Inserted::UnparkOther,
            until if tick < until => Inserted::Unpark,
            _ => Inserted::InTime,
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ordering: Relaxed: for show.
        match self.until.load(Ordering::Relaxed) {
            NOBODY => f.write_str("Nobody"),
            FOREVER => f.write_str("Forever"),
            UNMANAGED => f.write_str("Unmanaged"),
            tick => write!(f, "Until({tick})"),
        }
    }
}
