//! A nap: a worker blocks for a limited time and is not called. Others see it as if it were inside of a poll. Why: `doze.rs`, `help.rs`.
use std::num::NonZero;
use std::time::{Duration, Instant};

use super::context::{Context, Role};
use super::help::MOST;

impl Context {
    /// Before a worker takes from others: whether it should park instead, since it is no help.
    #[inline]
    pub(super) fn leaves_the_rest(&self) -> bool {
        self.core().help.is_due() && self.is_no_help()
    }

    #[cold]
    #[inline(never)]
    fn is_no_help(&self) -> bool {
        let (help, shared, own) = (&self.core().help, self.shared(), self.held().index());
        if shared.config.workers < 2 || self.role() != Role::Worker || own >= shared.guest_slot().min(MOST) {
            // Alone; or beyond the workers that have a bit; or a spare, which is there because somebody blocks.
            help.put_off();
            return false;
        }
        help.asked(Instant::now(), own, |worker| shared.slots[worker].steps())
    }

    /// Takes the place of a park. Whether it has napped: because it was called for too little (`doze`), or because it leaves the work to `leaves_to`
    /// (`help`).
    pub(super) fn naps(&self, leaves_to: Option<NonZero<u64>>) -> bool {
        let (core, shared, index) = (self.core(), self.shared(), self.held().index());
        if index >= shared.guest_slot().min(MOST) {
            // Beyond the workers that have a bit; or a spare, which is there because somebody blocks.
            return false;
        }
        if let Some(others) = leaves_to {
            if (0..shared.guest_slot()).any(|worker| {
                worker != index && !is_among(others, worker) && shared.slots[worker].holds_work()
            }) {
                // It is queued behind one who does not get on: nobody is left that.
                core.help.stays();
                return false;
            }
            let steps = |worker: usize| shared.slots[worker].steps();
            core.doze.stayed_away();
            let nap = core.help.begin_nap(steps);
            let napped = self.nap(others.get(), nap);
            match napped {
                Some(time) => core.help.end_nap(core.last_turn.get(), time, index, steps),
                None => core.help.stays(),
            }
            return napped.is_some();
        }
        let polls = self.slot().heartbeat.polls();
        let Some(nap) = core.doze.nap(polls, Instant::now) else {
            return false;
        };
        let workers = (1 << shared.guest_slot().min(MOST)) - 1;
        let napped = self.nap(workers & !(1 << index), nap);
        core.doze.woken(core.last_turn.get(), polls, false);
        napped.is_some()
    }

    /// Naps, beside `others`. Gives how long. `None`: it must not, since each of them naps or is parked already.
    fn nap(&self, others: u64, nap: Duration) -> Option<Duration> {
        let (core, shared, index) = (self.core(), self.shared(), self.held().index());
        // Nobody relies on a search while it is away.
        self.stop_searching();
        if !shared.idle.begin_nap(index, others) {
            return None;
        }
        let is_called = || self.has_pinned_ready() || shared.is_closed();
        let began = Instant::now();
        let passed = || core.last_turn.get().saturating_duration_since(began);
        let waits = !is_called();
        if waits {
            self.wait(shared.driver.try_take(), Some(nap));
            // An unpark that came late, for work found without it, ended the wait early: wait once more. Only within the first quarter, so
            // that it is away for one nap and a quarter at most.
            if passed() < nap / 4 && core.turned_up.get() == 0 && !is_called() {
                self.wait(shared.driver.try_take(), Some(nap.saturating_sub(passed())));
            }
        }
        shared.idle.end_nap(index);
        if waits {
            self.tell_of_turned_up(true);
            // The loop counts down once before it polls: 2 is "after the next poll".
            self.follow_what_turned_up(2);
        }
        Some(passed())
    }
}

fn is_among(others: NonZero<u64>, worker: usize) -> bool {
    worker < MOST && others.get() >> worker & 1 != 0
}
