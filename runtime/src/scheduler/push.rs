//! Where a task goes that becomes ready on a thread with a slot.
use super::Shared;
use super::doze::LITTLE;
use super::slot::Held;
use super::worker::LIFO_STREAK;
use crate::queue::{Placed, Pushed};
use crate::task::{Notified, quietly};

/// Tasks of the queue that go before the slot's at most, where that one awaits them one after the other.
const GO_FIRST: usize = 8;

/// Where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Into the LIFO slot.
    Slot,
    /// Into the queue, and others are told: user code may block inside `block_on`.
    Queue,
    /// The driver is being turned: others are told once, at the end.
    Turn,
}

impl Held {
    /// Puts a task into the LIFO slot. An empty slot is filled without telling anybody: the owner runs it next.
    #[inline]
    pub(super) fn put(&self, task: Notified<Shared>) {
        if let Some(displaced) = self.slot().lifo.put(task) {
            self.push_and_tell(displaced);
        }
    }

    /// Out of line, so that `put` saves no registers for it.
    #[inline(never)]
    pub(super) fn push_and_tell(&self, task: Notified<Shared>) {
        self.push_back(task);
        if let Some(woken) = self.shared().idle.notify_unless(|| self.is_watched()) {
            self.shared().wake(woken);
        }
    }

    /// Whether somebody will come by himself for what is queued here, and it is little.
    fn is_watched(&self) -> bool {
        self.slot().watch.is_kept() && self.core().local.len() < LITTLE
    }

    /// Queues a task behind the others, telling nobody as long as it stays here.
    #[inline]
    pub(super) fn push_back(&self, task: Notified<Shared>) {
        match self.core().local.push(task, &self.shared().injector) {
            Placed::Queued | Placed::Spilled(Pushed::Behind) => {}
            Placed::Spilled(Pushed::First) => self.shared().notify_injected(),
            Placed::Spilled(Pushed::Closed(_)) => unreachable!("the injector stays open until it is dropped"),
        }
    }

    /// Queues the task that awaited the one which has just completed here. If it was also the last to be queued so, it awaits
    /// many, one after the other: then some of the queue go first, so that it finds several complete and is woken once for them.
    #[inline]
    pub(super) fn push_joiner(&self, joiner: Notified<Shared>) {
        let core = self.core();
        if core.route.get() != Route::Slot {
            return self.push_joiner_and_tell(joiner);
        }
        let address = joiner.address();
        // Of what came out of the slot the next comes out of it at once.
        if core.joiner.replace(address) == address && core.lifo_streak.get() == 0 {
            self.let_go_first();
        }
        if let Some(displaced) = self.slot().lifo.put(joiner) {
            self.push_joiner_and_tell(displaced);
        }
    }

    #[inline(never)]
    fn let_go_first(&self) {
        let core = self.core();
        let first = core.local.len().min(GO_FIRST) as u32;
        core.lifo_streak.set(if first > 0 { LIFO_STREAK + first } else { 0 });
    }

    /// Who has completed a task has nobody to tell of a panic: telling others may unblock a local driver, which is the users'.
    #[inline(never)]
    fn push_joiner_and_tell(&self, task: Notified<Shared>) {
        quietly(|| self.push_and_tell(task));
    }
}
