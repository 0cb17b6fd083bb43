//! The driver is turned by a worker: between two polls while it is busy, and what it does with those that a turn wakes.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::context::{Context, Role};
use super::push::Route;
use super::{DRIVER_OVERDUE, Shared};
use crate::supervisor::heartbeat::SUPERVISED;
use crate::task::Notified;

/// The least time between two turns of the driver by a busy worker. A turn costs about 1 µs (one `epoll_wait`), so
/// that this bounds its share at 4 %.
const BUSY_TURN: Duration = Duration::from_micros(25);

/// A look into the own selector brings the next turn of the driver nearer by so many polls: about as many short ones as take the time of a look, 1 µs.
const LOOK: u32 = 7;

/// Events taken from there while the queue is not empty. Fewer than are polled from one turn to the next, so that the queue runs dry if nothing else comes.
const SOME: usize = 16;

/// How long a busy worker leaves the driver alone, as far as its last polls tell how long the next ones will take. A turn
/// in vain takes 1 % of it.
const TURN_EACH: Duration = Duration::from_micros(100);

/// With so many tasks queued a turn comes after 400 µs instead of 100: events wait in the kernel, in order, rather than in the queue. As many as one turn
/// wakes (`EVENTS` of the reactor).
const MUCH: usize = 32;
const TURN_EACH_IF_MUCH: Duration = Duration::from_micros(400);

/// Polls until the next turn, which is to come after `each`, where the last `polls` have taken so long.
fn next_interval(polls: u32, passed: Duration, each: Duration) -> u32 {
    let fits = u128::from(polls) * each.as_nanos() / passed.as_nanos().max(1);
    // No more than twice as many: what has passed may be less than they took, since a wait was among them.
    u32::try_from(fits).unwrap_or(u32::MAX).clamp(1, polls.saturating_mul(2))
}

/// Polls until a look that follows: `least`; more while more than `MUCH` tasks are queued, up to `most`.
fn rounds_before_a_look(queued: usize, least: u32, most: u32) -> u32 {
    let too_many = u32::try_from(queued.saturating_sub(MUCH)).unwrap_or(u32::MAX);
    too_many.min(most).max(least)
}

impl Context {
    /// Turns the driver if the supervisor says that it has been unowned for too long.
    #[inline]
    pub(super) fn heed_overdue_driver(&self) {
        if SUPERVISED && self.shared().signals() & DRIVER_OVERDUE != 0 {
            self.turn_while_busy();
        }
    }

    #[cold]
    pub(super) fn turn_while_busy(&self) {
        let (core, shared) = (self.core(), self.shared());
        let follows = core.follow.is_on();
        core.until_turn.set(if follows { self.until_look(1) } else { core.turn_interval.get() });
        let overdue = shared.signals() & DRIVER_OVERDUE != 0;
        let lane = self.held().index();
        let looks = shared.driver.has_local_sources(lane);
        let held = shared.driver.is_held();
        if held {
            core.follow.was_kept_out();
            if overdue {
                shared.take_driver_overdue();
            }
            if !looks {
                return;
            }
        }
        let now = reactor_hook::now();
        let passed = now.saturating_duration_since(core.last_turn.get());
        if !follows && !shared.config.keeps_event_interval {
            let each = if core.local.len() < MUCH { TURN_EACH } else { TURN_EACH_IF_MUCH };
            let next =
                next_interval(core.turn_interval.get(), passed, each).min(shared.config.event_interval);
            core.turn_interval.set(next);
            core.until_turn.set(next);
        }
        if !overdue && !follows && passed < BUSY_TURN {
            return;
        }
        // While looks follow each poll: not after each.
        let looked = core.looked.replace(false);
        if looks && !looked && now.saturating_duration_since(core.last_look.get()) >= TURN_EACH {
            core.last_look.set(now);
            self.turn(|| shared.driver.look(lane, SOME));
            self.tell_of_turned_up(false);
        }
        if !held && let Some(token) = shared.driver.try_take() {
            if overdue {
                shared.take_driver_overdue();
            }
            let mut left = 0;
            // For all where nobody else may come by soon (overdue), or where there is no lane of workers to leave anything to (the guest, a runtime without
            // workers). A spare goes the other way: it has no selector either, and leaves each to its worker.
            if overdue || self.role() != Role::Worker {
                self.turn(|| token.turn(now));
            } else {
                let is_away = |worker| shared.idle.is_parked(worker) || shared.idle.is_napping(worker);
                self.turn(|| left = token.turn_beside(now, lane, is_away));
            }
            drop(token);
            self.call_those_left(left);
            self.tell_of_turned_up(false);
            if core.turned_up.get() == 0 {
                core.follow.found_nothing();
            }
            self.follow_what_turned_up(1);
        }
        core.last_turn.set(now);
    }

    /// Whoever was left his events, and has parked since, has found the driver taken: he blocks where nothing tells him of them. He says that he parks
    /// before he looks for the driver, and it was given back before this looks who is parked; `claim` has the fence between.
    fn call_those_left(&self, left: u64) {
        let (shared, own) = (self.shared(), self.held().index());
        if left == 0 {
            return;
        }
        for worker in
            (0..shared.config.workers).filter(|&worker| worker != own && left >> (worker % 64) & 1 != 0)
        {
            if let Some(woken) = shared.idle.claim(worker) {
                shared.wake(woken);
            }
        }
    }

    /// Looks into the worker's own selector: what it finds there is queued here, and nobody else's.
    #[inline(never)]
    pub(super) fn look_locally(&self) -> Option<Notified<Shared>> {
        let (core, shared, lane) = (self.core(), self.shared(), self.held().index());
        if !shared.driver.has_local_sources(lane) {
            return None;
        }
        self.turn(|| shared.driver.look(lane, usize::MAX));
        core.looked.set(true);
        // Otherwise a queue that runs dry after each short poll would put the turn of the driver off for ever.
        core.until_turn.set(core.until_turn.get().saturating_sub(LOOK).max(1));
        self.tell_of_turned_up(true);
        core.local.pop()
    }

    /// After a turn: if it has woken somebody, whether the driver is looked at after the next poll. What a poll writes to another
    /// socket of this machine goes through the kernel on this core. Of those who are awake, whoever looks first has the task that waits for it;
    /// on this core it finds everything at hand, and the two ends of a connection stay together. Where nobody else is awake that is so anyhow, and
    /// one look for many events is cheaper. `next`: rounds until then.
    pub(super) fn follow_what_turned_up(&self, next: u32) {
        let core = self.core();
        if core.turned_up.get() == 0 {
            return;
        }
        if self.role() == Role::Worker && self.shared().idle.are_several_at_work() {
            core.follow.found();
            core.until_turn.set(self.until_look(next));
        } else {
            core.follow.stop();
        }
    }

    /// Rounds until a look that follows.
    fn until_look(&self, least: u32) -> u32 {
        rounds_before_a_look(self.core().local.len(), least, self.shared().config.event_interval)
    }

    /// Runs a turn of the driver: tasks that it wakes are queued here and nobody is told yet.
    pub(super) fn turn(&self, turn: impl FnOnce()) {
        let core = self.core();
        core.turned_up.set(0);
        let route = core.route.replace(Route::Turn);
        let away = self.slot().heartbeat.go_away();
        // Somebody's waker may panic. The panic hook has reported it; the worker goes on for all the others.
        drop(catch_unwind(AssertUnwindSafe(turn)));
        drop(away);
        self.end_child();
        core.route.set(route);
        self.counters().turns.add(1);
    }

    /// One notice for all that a turn has queued, if it is more than this worker runs next.
    pub(super) fn tell_of_turned_up(&self, idle: bool) {
        if self.core().turned_up.get() > u32::from(idle) {
            self.shared().notify();
        }
    }
}

#[cfg(test)]
mod tests;
