//! How a worker that found nothing waits: in the driver if nobody is there, else parked.
use std::time::{Duration, Instant};

use super::context::Context;
use crate::driver::Token;
use crate::idle::{Leave, Park};

impl Context {
    /// Waits until there may be something to do: in the driver if nobody is there, else parked. Or for a while, if it leaves what
    /// there is to others.
    pub(super) fn park(&self) {
        let leaves_to = self.core().help.take_to();
        self.before_park();
        if !self.has_something_ready() && !self.naps(leaves_to) {
            self.park_if_idle();
        }
        self.after_park();
    }

    /// The builder's callback, which may spawn.
    pub(super) fn before_park(&self) {
        if let Some(call) = &self.shared().config.on_thread_park {
            let _away = self.slot().heartbeat.go_away();
            call();
        }
    }

    /// Whether there is something of its own to run.
    pub(super) fn has_something_ready(&self) -> bool {
        !self.has_nothing_queued() || self.has_pinned_ready()
    }

    pub(super) fn after_park(&self) {
        if let Some(call) = &self.shared().config.on_thread_unpark {
            let _away = self.slot().heartbeat.go_away();
            call();
        }
    }

    pub(super) fn has_nothing_queued(&self) -> bool {
        self.core().local.is_empty() && self.slot().lifo.is_empty()
    }

    /// Others are told of what is queued here, before this thread may block.
    pub(super) fn announce_queue(&self) {
        if !self.has_nothing_queued() {
            self.shared().notify();
        }
    }

    fn park_if_idle(&self) {
        let (core, shared, index) = (self.core(), self.shared(), self.held().index());
        let parked = shared.idle.park(index, core.searching.replace(false), || {
            shared.has_work() || self.is_surplus() || self.has_pinned_ready()
        });
        if parked != Park::Sleep {
            // A searcher again: the loop looks everywhere before it comes back.
            core.searching.set(true);
            let supervisor_was_asleep = matches!(parked, Park::WorkFound { supervisor_was_asleep: true });
            shared.arm_supervisor_if(supervisor_was_asleep);
            return;
        }
        // Only now: whoever gives the token up from here on finds this worker in the idle set, if he calls for one.
        self.wait(shared.driver.try_take(), None);
        let leave = shared.idle.leave(index);
        core.doze.woken(core.last_turn.get(), self.slot().heartbeat.polls(), leave.searching);
        core.searching.set(leave.searching);
        self.tell_supervisor(leave);
        self.tell_of_turned_up(true);
        // The loop counts down once before it polls: 2 is "after the next poll".
        self.follow_what_turned_up(2);
    }

    /// After a wait, at whose end the clock was read.
    fn tell_supervisor(&self, leave: Leave) {
        let shared = self.shared();
        shared.arm_supervisor_if(leave.supervisor_was_asleep);
        if leave.alone && !leave.supervisor_was_asleep {
            shared.postpone_sample(self.core().last_turn.get());
        }
    }

    /// Blocks the thread, as a worker or as the guest, for no longer than `most`.
    pub(super) fn wait(&self, token: Option<Token<'_>>, most: Option<Duration>) {
        let (slot, counters) = (self.slot(), self.counters());
        self.tidy_cache();
        self.count_wait(|| match token {
            Some(token) => {
                let most = self.shared().tidy_before_wait().into_iter().chain(most).min();
                if slot.parker.begin_driver() {
                    self.turn(|| token.turn_blocking(most));
                    // A token has done its work by ending the turn.
                    counters.unparks.add(u64::from(slot.parker.end_driver()));
                } else {
                    self.turn(|| token.turn(reactor_hook::now()));
                }
                drop(token);
            }
            None => {
                self.leave_tidying();
                counters.unparks.add(match most {
                    Some(most) => u64::from(slot.parker.park_timeout(most)),
                    None => {
                        slot.parker.park();
                        1
                    }
                });
            }
        })
    }

    pub(super) fn count_wait(&self, wait: impl FnOnce()) {
        let (core, shared, counters) = (self.core(), self.shared(), self.counters());
        let began = Instant::now();
        counters.parked_since.set(shared.nanos_at(began));
        counters.parks.add(1);
        core.turned_up.set(0);
        wait();
        counters.parked_since.set(0);
        let now = Instant::now();
        let waited = now.saturating_duration_since(began);
        counters.parked_nanos.add(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
        core.last_turn.set(now);
        core.help.waited(waited);
    }
}
