//! How a worker waits: `runtime/src/scheduler/park.rs` and `nap.rs`, and "A nap" in `runtime/src/idle/README.md`.
use super::super::doze::SLACK;
use super::super::help::Did;
use super::super::line::Time;
use super::{Simulation, State, WORD, time};

/// Whether a worker is one of these.
fn is_among(workers: u64, index: usize) -> bool {
    index < 64 && workers & 1 << index != 0
}

impl Simulation {
    /// What those who may nap have done.
    fn did_so_far(&self) -> Vec<Did> {
        let of = |worker: &super::Worker| Did { polls: worker.polls, spawns: worker.spawned };
        self.workers.iter().take(self.nappers()).map(of).collect()
    }

    fn nappers(&self) -> usize {
        self.setup.policy.help.map_or(WORD, |help| help.most).min(self.setup.workers)
    }

    /// Before it takes from others: whether it leaves that to them.
    pub(super) fn leaves_the_rest(&mut self, me: usize, now: Time) -> bool {
        let Some(help) = self.setup.policy.help.filter(|_| self.setup.workers > 1 && me < self.nappers())
        else {
            return false;
        };
        if !self.workers[me].helps.is_due(&help) {
            return false;
        }
        let did = self.did_so_far();
        self.workers[me].helps.asked(&help, now, me, &did)
    }

    /// A wait is over that took so long.
    pub(super) fn has_waited(&mut self, me: usize, waited: Time) {
        if let Some(help) = self.setup.policy.help {
            self.workers[me].helps.waited(&help, waited);
        }
    }

    /// Whether it is to stay away for a while, and how long: because it leaves what there is to these others, or because it was called for too little.
    fn nap(&mut self, me: usize, now: Time) -> Option<(Time, u64, bool)> {
        let policy = self.setup.policy;
        let to = self.workers[me].helps.take_to();
        if let Some(help) = policy.help.filter(|_| to != 0) {
            let did = self.did_so_far();
            let worker = &mut self.workers[me];
            worker.called.stayed_away();
            return Some((worker.helps.begin_nap(&help, &did), to, true));
        }
        let doze = policy.doze.filter(|_| me < self.nappers())?;
        let worker = &mut self.workers[me];
        let nap = worker.called.nap(&doze, worker.polls, now)?;
        let all: u64 = (1 << self.nappers()) - 1;
        Some((nap, all & !(1 << me), false))
    }

    /// A nap is over that took so long.
    fn end_nap(&mut self, me: usize, now: Time, time: Time, leaves: bool) {
        if !leaves {
            let worker = &mut self.workers[me];
            worker.called.woken(now, worker.polls, false);
        } else if let Some(help) = self.setup.policy.help {
            let did = self.did_so_far();
            self.workers[me].helps.end_nap(&help, now, time, me, &did);
        }
    }

    /// Naps; or announces that it sleeps, looks around once more, and sleeps.
    pub(super) fn step_parking(&mut self, me: usize, now: Time) -> Option<Time> {
        let transfer = self.transfer();
        let mut took = 0;
        if let Some((nap, others, leaves)) = self.nap(me, now) {
            // Nobody relies on a search while it is away.
            took += self.stop_searching(me, now);
            took += self.rmw() + self.naps_line.write(me, now + took, transfer);
            let mut workers = self.workers.iter().enumerate();
            if workers.any(|(index, worker)| is_among(others, index) && worker.state.is_at_work()) {
                let since = now + took + time(self.setup.machine.wake);
                self.leave_core(me, since);
                self.workers[me].state = State::Napping { since, leaves };
                self.naps += 1;
                self.at(since + nap + SLACK + time(self.setup.machine.latency), me);
                return None;
            }
            // They nap or sleep as well.
            if leaves {
                self.workers[me].helps.stays();
            } else {
                self.end_nap(me, now + took, 0, false);
            }
        }
        took += self.rmw() + self.idle_lines[me / WORD].write(me, now + took, transfer);
        self.workers[me].searching = false;
        if self.setup.looks_again {
            let (seen, looked) = self.look_around(me, now + took);
            took += looked;
            if seen {
                self.workers[me].searching = true;
                self.workers[me].state = State::Running;
                return Some(took + self.rmw());
            }
        }
        self.parks += 1;
        // Going to sleep is taken to take as long as waking somebody.
        let since = now + took + time(self.setup.machine.wake);
        self.leave_core(me, since);
        self.workers[me].state = State::Parked { since };
        None
    }

    /// It is called, and searches.
    pub(super) fn call(&mut self, me: usize, runs: Time, since: Time) {
        self.has_waited(me, runs.saturating_sub(since));
        let worker = &mut self.workers[me];
        worker.state = State::Running;
        worker.searching = true;
        worker.called.woken(runs, worker.polls, true);
    }

    /// Comes by itself.
    pub(super) fn step_end_of_nap(&mut self, me: usize, now: Time, since: Time, leaves: bool) -> Time {
        let waited = now.saturating_sub(since);
        self.has_waited(me, waited);
        self.end_nap(me, now, waited, leaves);
        self.workers[me].state = State::Running;
        let transfer = self.transfer();
        self.rmw() + self.naps_line.write(me, now, transfer)
    }
}
