//! What a worker does between polls: its queues, the others', and sleep.
use super::super::job::TaskId;
use super::super::line::Time;
use super::{INTERVAL, Simulation, State, WORD, time};

/// Of a worker's queue, and of the ring that it is in; tasks run from the LIFO slot in a row; polls between two looks at the
/// injector, at least; the least that is taken there: as in the runtime.
const CAPACITY: usize = 256;
const RING: usize = 512;
const LIFO_STREAK: u32 = 3;
const SOONEST_LOOK: usize = 16;
const LEAST_BATCH: usize = 15;

/// Entries of a queue in a line.
const ENTRIES: usize = 8;

impl Simulation {
    /// One step of a worker that is awake.
    pub(super) fn step(&mut self, me: usize, now: Time) -> Time {
        match self.workers[me].current {
            Some(task) => self.act(me, task, now),
            None => self.between_polls(me, now),
        }
    }

    /// A woken or spawned task goes into the LIFO slot; what was there goes behind the queue, and others are told.
    pub(super) fn push(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let Some(displaced) = self.workers[me].lifo.replace(task) else { return 0 };
        let took = time(self.setup.steps.displace) + self.push_back(me, displaced, now);
        took + self.notify(me, now + took)
    }

    /// Who awaits the one that has just completed. If it was also the last to be woken so, some of the queue go first.
    pub(super) fn push_joiner(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let most = self.setup.policy.go_first;
        let worker = &mut self.workers[me];
        if worker.joiner.replace(task) == Some(task) && worker.streak == 0 {
            let first = worker.queue.len().min(most) as u32;
            worker.streak = if first > 0 { LIFO_STREAK + first } else { 0 };
        }
        self.push(me, task, now)
    }

    /// Behind all others that are queued, telling nobody: while the queue is crowded that is behind the injector's.
    pub(super) fn requeue(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let crowded = self.workers[me].queue.len() >= CAPACITY / 2;
        if self.setup.policy.takes_batches && crowded && !self.injector.is_empty() {
            return self.inject(me, task, now);
        }
        self.push_back(me, task, now)
    }

    fn push_back(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        if self.workers[me].queue.len() >= CAPACITY {
            return self.spill(me, task, now);
        }
        let transfer = self.transfer();
        let worker = &mut self.workers[me];
        worker.queue.push_back(task);
        worker.line.write(me, now, transfer)
    }

    fn spill(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let mut took = 0;
        if self.setup.policy.spills_half {
            let half: Vec<_> = self.workers[me].queue.drain(..CAPACITY / 2).collect();
            let transfer = self.transfer();
            took = self.rmw() + self.workers[me].line.write(me, now, transfer);
            took += time(self.setup.steps.spill) * half.len() as Time;
            self.injector.extend(half);
        }
        took += time(self.setup.steps.spill);
        took + self.inject(me, task, now + took)
    }

    pub(super) fn inject(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let first = self.injector.is_empty();
        self.injector.push_back(task);
        let transfer = self.transfer();
        let mut took = self.injector_line.write(me, now, transfer);
        took += self.injected_line.write(me, now + took, transfer);
        if first { took + self.notify(me, now + took) } else { took }
    }

    fn searching_in(&self, word: usize) -> usize {
        let from = word * WORD;
        self.workers.iter().skip(from).take(WORD).filter(|worker| worker.searching).count()
    }

    fn awake_in(&self, word: usize) -> usize {
        let from = word * WORD;
        let asleep = |state| matches!(state, State::Parked { .. });
        self.workers.iter().skip(from).take(WORD).filter(|worker| !asleep(worker.state)).count()
    }

    /// Wakes the lowest sleeper, unless somebody searches.
    fn notify(&mut self, me: usize, now: Time) -> Time {
        let transfer = self.transfer();
        let mut took = 0;
        for line in &mut self.idle_lines {
            took += line.read(me, now + took, transfer);
        }
        if self.workers.iter().any(|worker| worker.searching) {
            return took;
        }
        let sleeper = self.workers.iter().enumerate().find_map(|(index, worker)| match worker.state {
            State::Parked { since } => Some((index, since)),
            _ => None,
        });
        let Some((sleeper, since)) = sleeper else { return took };
        took += self.rmw() + self.idle_lines[sleeper / WORD].write(me, now + took, transfer);
        let runs = (now + took).max(since) + time(self.setup.machine.latency);
        self.call(sleeper, runs, since);
        self.wakes += 1;
        self.on_core.push(sleeper);
        self.at(runs, sleeper);
        took + time(self.setup.machine.wake)
    }

    fn between_polls(&mut self, me: usize, now: Time) -> Time {
        let mut took = 0;
        self.workers[me].until_injector -= 1;
        if self.workers[me].until_injector == 0 {
            let round = self.workers[me].queue.len().clamp(SOONEST_LOOK, INTERVAL as usize);
            let batches = self.setup.policy.takes_batches;
            self.workers[me].until_injector = if batches { round as u32 } else { INTERVAL };
            took += self.take_injected(me, if batches { usize::MAX } else { 1 }, now);
        }
        if let Some((task, fetched)) = self.next_local(me, now + took) {
            took += fetched;
            return took + self.poll(me, task, now + took);
        }
        took + self.look_elsewhere(me, now + took)
    }

    fn next_local(&mut self, me: usize, now: Time) -> Option<(TaskId, Time)> {
        let transfer = self.transfer();
        let worker = &mut self.workers[me];
        if worker.streak > LIFO_STREAK {
            let left = worker.streak - 1;
            worker.streak = if left > LIFO_STREAK { left } else { 0 };
            if let Some(task) = worker.queue.pop_front() {
                return Some((task, worker.line.write(me, now, transfer)));
            }
            worker.streak = 0;
        }
        if let Some(task) = worker.lifo.take() {
            if worker.streak < LIFO_STREAK {
                worker.streak += 1;
                return Some((task, 0));
            }
            worker.queue.push_back(task);
        }
        worker.streak = 0;
        let task = worker.queue.pop_front()?;
        Some((task, worker.line.write(me, now, transfer)))
    }

    fn poll(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let mut took = self.stop_searching(me, now);
        self.workers[me].current = Some(task);
        self.workers[me].polls += 1;
        let Self { tasks, setup, .. } = self;
        let polled = &mut tasks[task];
        let injected_first = polled.injected && !polled.begun;
        took += std::mem::take(&mut polled.woken);
        took += match std::mem::replace(&mut polled.begun, true) {
            true => 0,
            // What comes over with it is in the figure.
            false if injected_first => time(setup.steps.run_injected),
            false => time(setup.steps.run),
        };
        let fetched = self.touch_cell(task, me, now + took);
        took + if injected_first { 0 } else { fetched }
    }

    /// The last searcher to find something tells the next, if there is more.
    pub(super) fn stop_searching(&mut self, me: usize, now: Time) -> Time {
        if !std::mem::replace(&mut self.workers[me].searching, false) {
            return 0;
        }
        let transfer = self.transfer();
        let mut took = self.rmw() + self.idle_lines[me / WORD].write(me, now, transfer);
        if self.searching_in(me / WORD) == 0 {
            let (seen, looked) = self.look_around(me, now + took);
            took += looked;
            if seen {
                took += self.notify(me, now + took);
            }
        }
        took
    }

    /// Whether anything is queued anywhere; ends at the first that is.
    pub(super) fn look_around(&mut self, me: usize, now: Time) -> (bool, Time) {
        let transfer = self.transfer();
        let mut took = self.injected_line.read(me, now, transfer);
        if !self.injector.is_empty() {
            return (true, took);
        }
        for worker in &mut self.workers {
            took += worker.line.read(me, now + took, transfer);
            if !worker.queue.is_empty() {
                return (true, took);
            }
        }
        (false, took)
    }

    fn take_injected(&mut self, me: usize, most: usize, now: Time) -> Time {
        let transfer = self.transfer();
        let mut took = self.injected_line.read(me, now, transfer);
        if self.injector.is_empty() {
            return took;
        }
        took += 2 * self.rmw() + self.injector_line.write(me, now + took, transfer);
        took += self.injected_line.write(me, now + took, transfer);
        let queued = self.workers[me].queue.len();
        let room = CAPACITY.saturating_sub(queued).clamp(LEAST_BATCH, CAPACITY / 2).min(RING - queued);
        let batch = self.injector.len().div_ceil(self.setup.workers).min(room).min(most);
        let worker = &mut self.workers[me];
        worker.queue.extend(self.injector.drain(..batch));
        worker.helps.took(batch);
        took += worker.line.write(me, now + took, transfer);
        let tells = !self.injector.is_empty() || batch > 1 || queued > 0;
        if tells { took + self.notify(me, now + took) } else { took }
    }

    /// Injector, then the others' queues; where nothing is seen, sleep.
    fn look_elsewhere(&mut self, me: usize, now: Time) -> Time {
        let transfer = self.transfer();
        let mut took = 0;
        if !self.workers[me].searching {
            let leaves = self.leaves_the_rest(me, now);
            let (seen, looked) = if leaves { (false, 0) } else { self.look_around(me, now) };
            // A step takes time, or a loop of nothing but looks would not end.
            took += looked + self.rmw();
            took += self.idle_lines[me / WORD].read(me, now + took, transfer);
            if !seen || !self.may_search(me) {
                self.workers[me].state = State::Parking;
                return took;
            }
            took += self.start_searching(me, now + took);
        }
        took += self.take_injected(me, usize::MAX, now + took);
        if let Some(task) = self.workers[me].queue.pop_front() {
            return took + self.poll(me, task, now + took);
        }
        let count = self.setup.workers;
        let start = self.below(count);
        for victim in (start..count).chain(0..start).filter(|&victim| victim != me) {
            took += self.workers[victim].line.read(me, now + took, transfer);
            let queued = self.workers[victim].queue.len();
            if queued == 0 {
                continue;
            }
            let batch = queued.div_ceil(2).min(CAPACITY / 2);
            let stolen: Vec<_> = self.workers[victim].queue.drain(..batch).collect();
            took += self.rmw() + self.workers[victim].line.write(me, now + took, transfer);
            // Their places in the queue come over, and are written into the own one.
            took += batch.div_ceil(ENTRIES) as Time * transfer;
            self.workers[me].queue.extend(&stolen[1..]);
            self.workers[me].called.stole();
            self.workers[me].helps.took(batch);
            self.steals += 1;
            self.stolen += batch as u64;
            // At once: were it queued first, others would steal it, and others it from them, for ever.
            return took + self.poll(me, stolen[0], now + took);
        }
        self.workers[me].state = State::Parking;
        took + self.rmw()
    }

    /// At most half of those who are awake.
    fn may_search(&self, me: usize) -> bool {
        2 * self.searching_in(me / WORD) < self.awake_in(me / WORD)
    }

    fn start_searching(&mut self, me: usize, now: Time) -> Time {
        self.workers[me].searching = true;
        let transfer = self.transfer();
        self.rmw() + self.idle_lines[me / WORD].write(me, now, transfer)
    }
}
