//! Where a task goes that becomes ready on a thread with a slot.
use super::Shared;
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
        if let Some(displaced) = self.put_woken(task) {
            self.push_displaced(displaced);
        }
    }

    /// Queues what was displaced from the slot: unless it lets others go first, and no more than these are to go before it.
    #[inline(never)]
    pub(super) fn push_displaced(&self, displaced: Notified<Shared>) {
        if !self.lets_others_go_first() {
            return self.push_and_tell(displaced);
        }
        if let Some(newcomer) = self.put_woken(displaced) {
            self.push_and_tell(newcomer);
        }
    }

    /// Whether what is in the slot waits for tasks of the queue.
    #[inline]
    pub(super) fn lets_others_go_first(&self) -> bool {
        self.core().lifo_streak.get() > LIFO_STREAK
    }

    /// Out of line, so that `put` saves no registers for it.
    #[inline(never)]
    pub(super) fn push_and_tell(&self, task: Notified<Shared>) {
        self.push_back(task);
        self.tell();
    }

    #[inline]
    fn tell(&self) {
        self.shared().notify();
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
            return self.let_go_first(joiner);
        }
        if let Some(displaced) = self.put_woken(joiner) {
            self.push_displaced_quietly(displaced);
        }
    }

    /// Whatever goes first may take long, or wait for the joiner: others can take that meanwhile.
    #[inline(never)]
    fn let_go_first(&self, joiner: Notified<Shared>) {
        let (core, slot) = (self.core(), self.slot());
        let queued = core.local.len();
        if (1..=GO_FIRST).contains(&queued) {
            return self.push_joiner_and_tell(joiner);
        }
        let displaced = self.put_woken(joiner);
        if queued == 0 {
            return displaced.into_iter().for_each(|displaced| self.push_joiner_and_tell(displaced));
        }
        core.lifo_streak.set(LIFO_STREAK + 1 + GO_FIRST as u32);
        slot.set_waits(true);
        quietly(|| match displaced {
            Some(displaced) => self.push_and_tell(displaced),
            None => self.tell(),
        });
    }

    /// Who has completed a task has nobody to tell of a panic: telling others may unblock a local driver, which is the users'.
    #[inline(never)]
    fn push_joiner_and_tell(&self, task: Notified<Shared>) {
        quietly(|| self.push_and_tell(task));
    }

    #[inline(never)]
    fn push_displaced_quietly(&self, task: Notified<Shared>) {
        quietly(|| self.push_displaced(task));
    }
}
