//! Where a worker looks besides its own queue: in the injector, in the guest's queue, and, as a searcher, in all others.
use super::Shared;
use super::context::{Context, Role};
use super::slot::Slot;
use super::worker::LIFO_STREAK;
use crate::queue::CAPACITY;
use crate::task::Notified;

/// Tasks taken from the injector at each look, whatever the own queue holds: no more than it gives out between two looks, of
/// 61 polls one in four, so that it does not grow.
const LEAST_BATCH: usize = 15;

/// Polls between two looks at the injector, at least: so that a task alone pays for a look a sixteenth of it a poll.
const SOONEST_LOOK: usize = 16;

impl Context {
    /// What is for everybody: a batch from the injector goes behind the own queue, and half of what the guest holds.
    pub(super) fn take_injected(&self) {
        let shared = self.shared();
        self.relieve_guest();
        if shared.injector.is_empty() {
            return;
        }
        let core = self.core();
        // Never more than half a queue, so that a batch leaves room for what its tasks wake. But some in any case: a
        // queue that its own tasks keep full must not keep the injector waiting.
        let most = core.local.room().clamp(LEAST_BATCH, CAPACITY / 2);
        let most = most.min(core.local.space());
        let batch = shared.injector.pop_batch(most, shared.config.workers);
        self.counters().injected.add(batch.len() as u64);
        // A searcher that looked while they were in neither queue has gone to sleep: it is told when there is something
        // here besides what this worker runs next.
        let tell = batch.left_some() || batch.len() > 1 || !self.has_nothing_queued();
        core.help.took(batch.len());
        if batch.len() == 1 && self.may_go_next() {
            batch.for_each(|only| self.held().put(only));
        } else if !batch.is_empty() {
            core.local.extend(batch);
            core.injected_before.set(core.local.next_place());
        }
        if tell {
            shared.notify_of_injected();
        }
    }

    /// Whether what comes alone from the injector is polled next, and does not wait for a round of the own queue as well. A crowd
    /// waits for itself anyhow; and what came by the injector before goes first.
    fn may_go_next(&self) -> bool {
        let core = self.core();
        self.role() == Role::Worker
            && !core.local.is_empty()
            && core.local.has_passed(core.injected_before.get())
            && self.slot().lifo.is_empty()
            && core.lifo_streak.get() < LIFO_STREAK
    }

    /// Who comes from outside waits for no more than a round of the own queue, where that is shorter than the interval.
    #[inline]
    pub(super) fn until_next_look(&self) -> u32 {
        let round = self.core().local.len().max(SOONEST_LOOK);
        u32::try_from(round).map_or(u32::MAX, |round| round.min(self.shared().config.global_queue_interval))
    }

    /// A guest runs nothing of what it queues, and workers that are busy do not steal.
    fn relieve_guest(&self) {
        let (core, shared) = (self.core(), self.shared());
        let guest = &shared.slots[shared.guest_slot()].stealer;
        if self.role() == Role::Sole || core.local.is_crowded() || guest.is_empty() {
            return;
        }
        let stolen = core.local.take_half_of(guest);
        if stolen > 0 {
            self.counters().steals.add(1);
            self.counters().stolen.add(stolen as u64);
            // As with a batch from the injector.
            shared.notify();
        }
    }

    /// The own selector, then the injector and others' queues, counted as a searcher meanwhile.
    pub(super) fn look_elsewhere(&self) -> Option<Notified<Shared>> {
        if let Some(task) = self.look_locally() {
            return Some(task);
        }
        let (core, shared) = (self.core(), self.shared());
        if !core.searching.get() {
            // With nothing to be seen anywhere it parks, and looks once more after it has said so.
            if self.leaves_the_rest() || !shared.has_work() {
                return None;
            }
            if !shared.idle.start_searching(self.held().index()) {
                return None;
            }
            core.searching.set(true);
        }
        self.pop_injected().or_else(|| self.steal()).or_else(|| self.take_waiting())
    }

    /// One task from the injector to run, and a batch behind it.
    pub(super) fn pop_injected(&self) -> Option<Notified<Shared>> {
        self.take_injected();
        self.core().local.pop()
    }

    fn steal(&self) -> Option<Notified<Shared>> {
        let (core, shared) = (self.core(), self.shared());
        let slots = shared.slots_in_use();
        let start = core.rng.below(slots.len());
        for victim in (start..slots.len()).chain(0..start) {
            if victim == self.held().index() {
                continue;
            }
            if let Some(stolen) = core.local.steal_from(&slots[victim].stealer) {
                self.counters().steals.add(1);
                self.counters().stolen.add(1 + stolen.more as u64);
                // A guest may block its thread at any moment: it calls always.
                if victim != shared.guest_slot() {
                    core.doze.stole();
                    core.help.took(1 + stolen.more);
                }
                return Some(stolen.item);
            }
        }
        None
    }

    /// What somebody lets others go before, while one of these is polled: last of all, for it costs a barrier on all cores.
    fn take_waiting(&self) -> Option<Notified<Shared>> {
        let slots = self.shared().slots_in_use();
        let stolen = slots.iter().filter(|slot| slot.has_waiting()).find_map(Slot::rescue)?;
        self.counters().steals.add(1);
        self.counters().stolen.add(1);
        Some(stolen)
    }

    /// As `stop_searching`, if there is something in the own queue or the slot by now: nobody looks whether he searches who takes it
    /// from there.
    #[inline]
    pub(super) fn stop_searching_if_found(&self) {
        if self.core().searching.get() && !self.has_nothing_queued() {
            self.stop_searching();
        }
    }

    /// No longer a searcher. The last one to find something tells another: there may be more.
    pub(super) fn stop_searching(&self) {
        if self.core().searching.replace(false) {
            let (shared, index) = (self.shared(), self.held().index());
            if let Some(woken) = shared.idle.stop_searching(index, || shared.has_work()) {
                shared.wake(woken);
            }
        }
    }
}
