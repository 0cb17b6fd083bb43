//! The scheduler as its supervisor sees it.
use std::time::Duration;

use super::{DRIVER_OVERDUE, Ordering, Shared};
use crate::driver::Driver;
use crate::idle::Idle;
use crate::supervisor::cover::By;
use crate::supervisor::{Supervised, Supervisor};

impl Supervised for Shared {
    fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    fn driver(&self) -> &Driver {
        &self.driver
    }

    fn idle(&self) -> &Idle {
        &self.idle
    }

    fn stall_threshold(&self) -> Duration {
        self.config.stall_threshold
    }

    fn slots(&self) -> impl Iterator<Item = usize> {
        (0..self.guest_slot()).chain(self.guest_slot() + 1..self.slots.len())
    }

    fn heartbeat(&self, slot: usize) -> u64 {
        // Relaxed: samples are compared.
        self.slots[slot].heartbeat.load(Ordering::Relaxed)
    }

    fn expose(&self, slot: usize) {
        if let Some(task) = self.slots[slot].lifo.take() {
            self.inject(task);
        }
    }

    fn work_waits(&self) -> bool {
        !self.injector.is_empty() || self.slots_in_use().iter().any(|slot| !slot.stealer.is_empty())
    }

    fn cover(&self, slot: usize) {
        self.stand_in(self.cover.cover(slot, By::Supervisor));
    }

    fn uncover(&self, slot: usize) {
        self.uncover(slot, By::Supervisor);
    }

    fn retry_cover(&self) {
        self.stand_in(self.cover.retry());
    }

    fn is_closed(&self) -> bool {
        Shared::is_closed(self)
    }

    fn members(&self) -> usize {
        self.members.count()
    }

    fn call_parked(&self) -> bool {
        Shared::call_parked(self)
    }

    fn set_driver_overdue(&self) {
        // Relaxed: a hint.
        self.signals.fetch_or(DRIVER_OVERDUE, Ordering::Relaxed);
    }
}
