//! The scheduler as its supervisor sees it.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::{DRIVER_OVERDUE, Ordering, Shared, Slot};
use crate::driver::Driver;
use crate::idle::Idle;
use crate::report::say;
use crate::stall::{StallReport, ThreadState};
use crate::supervisor::births::Taken;
use crate::supervisor::cover::By;
use crate::supervisor::{EXCUSED, Supervised, Supervisor};
use crate::task::{Id, IdBlock, Sight};

impl Shared {
    /// Nobody was awake at `now`, and the calling worker has become so since: no poll is older, and for a period none need be looked at.
    pub(super) fn postpone_sample(&self, now: Instant) {
        if self.supervisor.postpone(now) {
            let taken = self.taken(now);
            // A sample that is not noted leaves the ages of what was spawned around it less exact; a worker is not to wait for that.
            self.supervisor.remember_if_free(|memory| memory.births.add(taken));
        }
    }
}

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
        self.slots[slot].heartbeat.beat()
    }

    fn taken(&self, at: Instant) -> Taken {
        // The rests first: what is taken after that is beyond the horizon then, or was handed out by now.
        let rests = self.slots.iter().map(Slot::ids).chain(self.pinned.ids()).map(IdBlock::rest);
        let rests = rests.filter(|rest| !rest.is_empty()).collect();
        Taken { at, horizon: Id::horizon(), rests }
    }

    fn polled_task(&self, slot: usize, beat: u64) -> Option<Sight> {
        let poll = self.slots[slot].heartbeat.poll().filter(|poll| poll.beat == beat)?;
        let task = self.arena.look_at(poll.cell).or_else(|| self.pinned.look_at(poll.cell))?;
        // Another one: the poll has ended meanwhile.
        (task.id == poll.id).then_some(task)
    }

    fn has_excuse(&self, slot: usize, beat: u64, lasted: Duration) -> bool {
        self.cover.blocks_in_place(slot) || lasted < EXCUSED && self.slots[slot].has_panicked(beat)
    }

    fn has_no_thread_left(&self, stuck: usize) -> bool {
        if stuck == 0 {
            return false;
        }
        // A spare that is not there is not stuck either; but none will be there where the system refuses it.
        // Relaxed: at worst it is said a sample later.
        if self.spare_refused.load(Ordering::Relaxed) {
            return stuck == self.slots().filter(|&slot| self.slots[slot].is_held()).count();
        }
        stuck == self.slots().count()
    }

    #[cold]
    fn report(&self, mut report: StallReport) {
        let reporting = &self.config.stall_reports;
        if reporting.thread_state && !report.over {
            report.thread = ThreadState::of(self.slots[report.worker].tid());
        }
        // The panic hook tells of it; the supervisor goes on.
        drop(catch_unwind(AssertUnwindSafe(|| reporting.report(&report))));
    }

    #[cold]
    fn say_exhausted(&self, blocked: usize, longest: Option<(Sight, Duration)>) {
        let spares = self.config.max_spare_threads;
        if spares == 0 {
            // Wished so.
            return;
        }
        let longest = longest.map_or_else(String::new, |(task, lasted)| {
            format!("; task {} has blocked for longest, {lasted:?}, {}", task.id, task.label)
        });
        // Relaxed: as above.
        if self.spare_refused.load(Ordering::Relaxed) {
            return say(format_args!(
                "runtime: {blocked} threads are blocked by their tasks, no other can be started, and work waits{longest}\n  \
                 help: what blocks belongs into `spawn_blocking`, whose threads are apart\n  \
                 help: raise the limit on threads that the system sets"
            ));
        }
        say(format_args!(
            "runtime: all {spares} spare threads are taken: {blocked} threads are blocked by their tasks, and work waits{longest}\n  \
             help: what blocks belongs into `spawn_blocking`, whose threads are apart\n  \
             help: raise `Builder::max_spare_threads` to let more tasks block at once"
        ));
    }

    fn expose(&self, slot: usize) {
        if let Some(task) = self.slots[slot].rescue() {
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

    fn start_clearing(&self) -> bool {
        Shared::start_clearing(self)
    }

    fn call_parked(&self) -> bool {
        Shared::call_parked(self)
    }

    fn tidy(&self, now: Instant) -> Option<Duration> {
        self.tidy_arenas(now)
    }

    fn is_untidy(&self) -> bool {
        self.has_untidy_arenas()
    }

    fn set_driver_overdue(&self) {
        // Relaxed: a hint; who is parked is told by the token.
        self.signals.fetch_or(DRIVER_OVERDUE, Ordering::Relaxed);
        // The thread in `block_on` may be the only one that is not held up.
        if self.slots[self.guest_slot()].is_held() {
            self.unpark_slot(self.guest_slot());
        }
    }
}
