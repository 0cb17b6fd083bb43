//! The scheduler as its supervisor sees it.
use std::time::Duration;

use super::{DRIVER_OVERDUE, Ordering, Shared};
use crate::driver::Driver;
use crate::idle::Idle;
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

    fn is_closed(&self) -> bool {
        Shared::is_closed(self)
    }

    fn members(&self) -> usize {
        Shared::members(self)
    }

    fn call_to_driver(&self) -> bool {
        Shared::call_to_driver(self)
    }

    fn set_driver_overdue(&self) {
        // Relaxed: a hint.
        self.signals.fetch_or(DRIVER_OVERDUE, Ordering::Relaxed);
    }
}
