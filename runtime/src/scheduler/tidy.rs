//! Giving back the memory of a burst: who does it. `task/README.md`, "After a burst".
use std::time::{Duration, Instant};

use super::{Context, Shared};
use crate::task::Schedule as _;

impl Shared {
    /// Whether there is a supervisor that samples. If not, whoever is about to block in the driver tidies.
    pub(super) fn is_supervised(&self) -> bool {
        self.config.workers > 0 && self.config.stall_threshold != Duration::MAX
    }

    /// A bounded step in each arena where it is time for one; after what time the next is due, if any.
    pub(super) fn tidy_arenas(&self, now: Instant) -> Option<Duration> {
        let pinned = self.pinned.queues().map(|queue| queue.arena().tidy(now));
        let pools = [self.blocking.arena().tidy(now), self.compute.arena().tidy(now)];
        pinned.chain(pools).chain([self.arena.tidy(now)]).flatten().min()
    }

    pub(super) fn has_untidy_arenas(&self) -> bool {
        self.arena.is_untidy()
            || self.blocking.arena().is_untidy()
            || self.compute.arena().is_untidy()
            || self.pinned.queues().any(|queue| queue.arena().is_untidy())
    }

    /// Before a thread of a runtime that nobody supervises blocks: how long it may, before it looks again.
    pub(super) fn tidy_before_wait(&self) -> Option<Duration> {
        if self.is_supervised() || !self.has_untidy_arenas() {
            return None;
        }
        self.tidy_arenas(Instant::now())
    }

    /// Everybody may be asleep, and there is something to be given back.
    pub(super) fn call_to_tidy(&self) {
        if self.is_supervised() {
            self.supervisor.call();
        } else if self.config.workers > 0 {
            self.call_parked();
        } else {
            self.notify_sole();
        }
    }
}

impl Context {
    /// Before this thread blocks: a free cell in its cache keeps a page from being given back.
    pub(super) fn tidy_cache(&self) {
        let shared = self.shared();
        if shared.arena.is_untidy() {
            shared.arena.flush(&self.core().cache);
        }
    }

    /// Before this thread blocks elsewhere than in the driver. Whoever is there may have begun to wait when there was nothing to
    /// be tidied, and is made to look again.
    pub(super) fn leave_tidying(&self) {
        let shared = self.shared();
        if !shared.is_supervised() && shared.has_untidy_arenas() {
            shared.driver.unblock();
        }
    }
}
