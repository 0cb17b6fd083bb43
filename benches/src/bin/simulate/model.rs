//! The protocol of spawn, wake, steal and park, event by event.
//!
//! What each step does: `runtime/src/scheduler/README.md`, `runtime/src/idle/README.md`. A step takes the time that it was
//! measured to take on one worker, and for each line that it needs and another core has, the time until that has come.
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::costs::Costs;
use super::job::{Act, Job, TaskId};
use super::line::{Line, Time};

/// Of a worker's queue, tasks run from the LIFO slot in a row, polls between two looks at the injector, the least taken
/// there, slots in a word of the idle set, free cells that go to and from the depot together: as in the runtime.
const CAPACITY: usize = 256;
const LIFO_STREAK: u32 = 3;
const INTERVAL: u32 = 61;
const LEAST_BATCH: usize = 15;
const WORD: usize = 48;
const CHAIN: usize = 64;

/// Lines of a task's cell that its poll and its completion write.
const CELL_LINES: usize = 2;

/// Entries of a queue in a line.
const ENTRIES: usize = 8;

/// What is simulated.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) workers: usize,
    pub(crate) seed: u64,
    pub(crate) costs: Costs,
    /// Put into the queues of that many workers, who are awake; the others sleep.
    pub(crate) roots: Vec<Job>,
    /// Empty tasks that a thread outside spawns.
    pub(crate) outside: usize,
    /// RMWs that each spawn and each completion makes on words that all share, and the runtime does not make: what if it did.
    pub(crate) shared_rmws: usize,
    /// False only in the test that shows what the second look before sleep is for.
    pub(crate) looks_again: bool,
}

impl Setup {
    pub(crate) fn new(workers: usize, costs: Costs) -> Setup {
        Setup { workers, seed: 1, costs, roots: Vec::new(), outside: 0, shared_rmws: 0, looks_again: true }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// When the last task was complete.
    pub(crate) time: Time,
    pub(crate) spawned: usize,
    /// How often each task was brought to its end.
    pub(crate) completions: Vec<u8>,
    pub(crate) steals: u64,
    pub(crate) stolen: u64,
    pub(crate) parks: u64,
    pub(crate) wakes: u64,
    /// Of the time, what the line that was most in demand was on its way, in thousandths; and which that was.
    pub(crate) busiest: (u64, &'static str),
    /// Tasks that were queued when nobody was left to run them.
    pub(crate) slept_over: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// Has found nothing anywhere: the next step is to announce that it sleeps.
    Parking,
    Parked,
}

#[derive(Debug)]
struct Worker {
    state: State,
    searching: bool,
    lifo: Option<TaskId>,
    queue: VecDeque<TaskId>,
    streak: u32,
    until_injector: u32,
    current: Option<TaskId>,
    free: Vec<usize>,
    /// The line with both ends of its queue.
    line: Line,
    asleep_at: Time,
}

#[derive(Debug)]
struct Task {
    job: Job,
    cell: usize,
    joined: bool,
    injected: bool,
    begun: bool,
    complete: bool,
    waiter: Option<TaskId>,
}

pub(crate) struct Simulation {
    setup: Setup,
    events: BinaryHeap<Reverse<(Time, u64, usize)>>,
    sequence: u64,
    workers: Vec<Worker>,
    tasks: Vec<Task>,
    completions: Vec<u8>,
    cells: Vec<Line>,
    depot: Vec<Vec<usize>>,
    depot_line: Line,
    injector: VecDeque<TaskId>,
    injector_line: Line,
    /// One for each word of the idle set.
    idle_lines: Vec<Line>,
    extra_lines: Vec<Line>,
    left_outside: usize,
    random: u64,
    steals: u64,
    stolen: u64,
    parks: u64,
    wakes: u64,
    ended: Time,
}

fn time(nanos: f64) -> Time {
    (nanos * 1000.0) as Time
}

/// Runs it to its end.
pub(crate) fn simulate(setup: Setup) -> Outcome {
    let mut simulation = Simulation::new(setup);
    simulation.run();
    simulation.outcome()
}

impl Simulation {
    fn new(mut setup: Setup) -> Simulation {
        let roots = std::mem::take(&mut setup.roots);
        assert!(roots.len() <= setup.workers, "each root begins on a worker of its own");
        let workers = (0..setup.workers).map(|index| Worker {
            state: if index < roots.len() { State::Running } else { State::Parked },
            searching: false,
            lifo: None,
            queue: VecDeque::new(),
            streak: 0,
            until_injector: INTERVAL,
            current: None,
            free: Vec::new(),
            line: Line::default(),
            asleep_at: 0,
        });
        let mut simulation = Simulation {
            workers: workers.collect(),
            idle_lines: vec![Line::default(); setup.workers.div_ceil(WORD)],
            extra_lines: vec![Line::default(); setup.shared_rmws],
            left_outside: setup.outside,
            random: setup.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            setup,
            events: BinaryHeap::new(),
            sequence: 0,
            tasks: Vec::new(),
            completions: Vec::new(),
            cells: Vec::new(),
            depot: Vec::new(),
            depot_line: Line::default(),
            injector: VecDeque::new(),
            injector_line: Line::default(),
            steals: 0,
            stolen: 0,
            parks: 0,
            wakes: 0,
            ended: 0,
        };
        for (index, job) in roots.into_iter().enumerate() {
            let cell = simulation.cells.len();
            let root = simulation.new_task(job, cell, false);
            simulation.workers[index].queue.push_back(root);
            simulation.at(0, index);
        }
        if simulation.left_outside > 0 {
            simulation.at(0, simulation.setup.workers);
        }
        simulation
    }

    fn run(&mut self) {
        while let Some(Reverse((now, _, actor))) = self.events.pop() {
            let took = if actor == self.setup.workers {
                self.step_outside(now)
            } else {
                match self.workers[actor].state {
                    State::Running => Some(self.step(actor, now)),
                    State::Parking => self.step_parking(actor, now),
                    State::Parked => unreachable!("a worker that sleeps has no next step"),
                }
            };
            if let Some(took) = took {
                self.at(now + took, actor);
            }
        }
    }

    fn outcome(self) -> Outcome {
        let queued: usize =
            self.workers.iter().map(|worker| worker.queue.len() + usize::from(worker.lifo.is_some())).sum();
        let lines = (self.idle_lines.iter().map(|line| (line.busy, "idle set")))
            .chain(self.extra_lines.iter().map(|line| (line.busy, "shared word")))
            .chain(self.workers.iter().map(|worker| (worker.line.busy, "a queue")))
            .chain([(self.injector_line.busy, "injector"), (self.depot_line.busy, "depot")]);
        let (busy, name) = lines.max_by_key(|(busy, _)| *busy).expect("there are lines");
        Outcome {
            time: self.ended,
            spawned: self.tasks.len(),
            completions: self.completions,
            steals: self.steals,
            stolen: self.stolen,
            parks: self.parks,
            wakes: self.wakes,
            // Steps that look ahead may overlap.
            busiest: ((busy * 1000 / self.ended.max(1)).min(1000), name),
            slept_over: queued + self.injector.len(),
        }
    }

    /// The actor's next step.
    fn at(&mut self, when: Time, actor: usize) {
        self.sequence += 1;
        self.events.push(Reverse((when, self.sequence, actor)));
    }

    fn transfer(&self) -> Time {
        time(self.setup.costs.transfer)
    }

    fn rmw(&self) -> Time {
        time(self.setup.costs.rmw)
    }

    fn below(&mut self, bound: usize) -> usize {
        // xorshift64, as good as any here.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((self.random >> 32) as usize * bound) >> 32
    }

    fn new_task(&mut self, job: Job, cell: usize, joined: bool) -> TaskId {
        if cell == self.cells.len() {
            self.cells.push(Line::default());
        }
        self.tasks.push(Task {
            job,
            cell,
            joined,
            injected: false,
            begun: false,
            complete: false,
            waiter: None,
        });
        self.completions.push(0);
        self.tasks.len() - 1
    }

    /// The lines of a task's cell come to `core`.
    fn touch_cell(&mut self, task: TaskId, core: usize, now: Time) -> Time {
        let transfer = self.transfer() * CELL_LINES as Time;
        self.cells[self.tasks[task].cell].write(core, now, transfer)
    }

    /// The words that all share, if there are any.
    fn touch_extra(&mut self, core: usize, now: Time) -> Time {
        let (transfer, rmw) = (self.transfer(), self.rmw());
        self.extra_lines.iter_mut().fold(0, |took, line| took + rmw + line.write(core, now + took, transfer))
    }

    /// One step of a worker that is awake.
    fn step(&mut self, me: usize, now: Time) -> Time {
        match self.workers[me].current {
            Some(task) => self.act(me, task, now),
            None => self.between_polls(me, now),
        }
    }

    /// The next act of the task that is polled.
    fn act(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        match self.tasks[task].job.next() {
            Act::Work(work) => work,
            Act::Spawn { job, joined } => {
                let costs = &self.setup.costs;
                let mut took = time(if joined { costs.spawn } else { costs.spawn_detached });
                let (cell, fetched) = self.take_cell(me, now);
                took += fetched;
                let child = self.new_task(job, cell, joined);
                if joined {
                    self.tasks[task].job.born(child);
                }
                took += self.touch_cell(child, me, now + took);
                took += self.touch_extra(me, now + took);
                took + self.push(me, child, now + took)
            }
            Act::Join(child) if self.tasks[child].complete => {
                let took = time(self.setup.costs.join) + self.touch_cell(child, me, now);
                self.free_cell(me, child, now + took) + took
            }
            Act::Join(child) => {
                self.tasks[child].waiter = Some(task);
                self.workers[me].current = None;
                time(self.setup.costs.suspend / 2.0) + self.touch_cell(child, me, now)
            }
            Act::Done => self.complete(me, task, now),
        }
    }

    fn complete(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        self.tasks[task].complete = true;
        self.completions[task] += 1;
        self.workers[me].current = None;
        let mut took = self.touch_extra(me, now);
        if let Some(waiter) = self.tasks[task].waiter.take() {
            took += time(self.setup.costs.suspend / 2.0);
            took += self.touch_cell(waiter, me, now + took);
            took += self.push(me, waiter, now + took);
            // It takes the output when it is polled next.
            took += self.free_cell(me, task, now + took);
        } else if !self.tasks[task].joined {
            took += self.free_cell(me, task, now + took);
        }
        self.ended = self.ended.max(now + took);
        took
    }

    /// A free cell: a worker's own, or a chain of them from the depot, or a new one.
    fn take_cell(&mut self, me: usize, now: Time) -> (usize, Time) {
        let (transfer, rmw) = (self.transfer(), self.rmw());
        let mut took = 0;
        if self.workers[me].free.is_empty()
            && let Some(chain) = self.depot.pop()
        {
            took = rmw + self.depot_line.write(me, now, transfer);
            self.workers[me].free = chain;
        }
        (self.workers[me].free.pop().unwrap_or(self.cells.len()), took)
    }

    fn free_cell(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let cell = self.tasks[task].cell;
        self.workers[me].free.push(cell);
        if self.workers[me].free.len() < 2 * CHAIN {
            return 0;
        }
        let chain = self.workers[me].free.split_off(CHAIN);
        self.depot.push(chain);
        let transfer = self.transfer();
        self.rmw() + self.depot_line.write(me, now, transfer)
    }

    /// A woken or spawned task goes into the LIFO slot; what was there goes behind the queue, and others are told.
    fn push(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let Some(displaced) = self.workers[me].lifo.replace(task) else { return 0 };
        let took = self.push_back(me, displaced, now);
        took + self.notify(me, now + took)
    }

    fn push_back(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        if self.workers[me].queue.len() >= CAPACITY {
            return self.inject(me, task, now);
        }
        let transfer = self.transfer();
        let worker = &mut self.workers[me];
        worker.queue.push_back(task);
        worker.line.write(me, now, transfer)
    }

    fn inject(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let first = self.injector.is_empty();
        self.injector.push_back(task);
        let transfer = self.transfer();
        let took = self.injector_line.write(me, now, transfer);
        if first { took + self.notify(me, now + took) } else { took }
    }

    fn searching_in(&self, word: usize) -> usize {
        let from = word * WORD;
        self.workers.iter().skip(from).take(WORD).filter(|worker| worker.searching).count()
    }

    fn awake_in(&self, word: usize) -> usize {
        let from = word * WORD;
        self.workers.iter().skip(from).take(WORD).filter(|worker| worker.state != State::Parked).count()
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
        let Some(sleeper) = self.workers.iter().position(|worker| worker.state == State::Parked) else {
            return took;
        };
        took += self.rmw() + self.idle_lines[sleeper / WORD].write(me, now + took, transfer);
        let woken = &mut self.workers[sleeper];
        woken.state = State::Running;
        woken.searching = true;
        let runs = (now + took).max(woken.asleep_at) + time(self.setup.costs.latency);
        self.wakes += 1;
        self.at(runs, sleeper);
        took + time(self.setup.costs.wake)
    }

    fn between_polls(&mut self, me: usize, now: Time) -> Time {
        let mut took = 0;
        self.workers[me].until_injector -= 1;
        if self.workers[me].until_injector == 0 {
            self.workers[me].until_injector = INTERVAL;
            took += self.take_injected(me, now);
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
        let (begun, injected) = (self.tasks[task].begun, self.tasks[task].injected);
        self.tasks[task].begun = true;
        let costs = &self.setup.costs;
        took += match (begun, injected) {
            (true, _) => 0,
            // What comes over with it is in the figure.
            (false, true) => time(costs.run_injected),
            (false, false) if self.tasks[task].joined => time(costs.run),
            (false, false) => time(costs.run_detached),
        };
        let fetched = self.touch_cell(task, me, now + took);
        took + if injected && !begun { 0 } else { fetched }
    }

    /// The last searcher to find something tells the next, if there is more.
    fn stop_searching(&mut self, me: usize, now: Time) -> Time {
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
    fn look_around(&mut self, me: usize, now: Time) -> (bool, Time) {
        let transfer = self.transfer();
        let mut took = self.injector_line.read(me, now, transfer);
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

    fn take_injected(&mut self, me: usize, now: Time) -> Time {
        let transfer = self.transfer();
        let mut took = self.injector_line.read(me, now, transfer);
        if self.injector.is_empty() {
            return took;
        }
        took += 2 * self.rmw() + self.injector_line.write(me, now + took, transfer);
        let room = CAPACITY.saturating_sub(self.workers[me].queue.len()).clamp(LEAST_BATCH, CAPACITY / 2);
        let batch = self.injector.len().div_ceil(self.setup.workers).min(room);
        let worker = &mut self.workers[me];
        worker.queue.extend(self.injector.drain(..batch));
        took += worker.line.write(me, now + took, transfer);
        if !self.injector.is_empty() || batch > 1 { took + self.notify(me, now + took) } else { took }
    }

    /// Injector, then the others' queues, then sleep.
    fn look_elsewhere(&mut self, me: usize, now: Time) -> Time {
        let transfer = self.transfer();
        let mut took = 0;
        if !self.workers[me].searching {
            took += self.idle_lines[me / WORD].read(me, now, transfer);
            if 2 * self.searching_in(me / WORD) >= self.awake_in(me / WORD) {
                self.workers[me].state = State::Parking;
                return took;
            }
            self.workers[me].searching = true;
            took += self.rmw() + self.idle_lines[me / WORD].write(me, now + took, transfer);
        }
        took += self.take_injected(me, now + took);
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
            took += 2 * self.rmw() + self.workers[victim].line.write(me, now + took, transfer);
            // Their places in the queue come over, and are written into the own one.
            took += batch.div_ceil(ENTRIES) as Time * transfer;
            self.workers[me].queue.extend(&stolen[1..]);
            self.steals += 1;
            self.stolen += batch as u64;
            // At once: were it queued first, others would steal it, and others it from them, for ever.
            return took + self.poll(me, stolen[0], now + took);
        }
        self.workers[me].state = State::Parking;
        // A step takes time, or a loop of nothing but looks would not end.
        took + self.rmw()
    }

    /// Announces that it sleeps, looks around once more, and sleeps.
    fn step_parking(&mut self, me: usize, now: Time) -> Option<Time> {
        let transfer = self.transfer();
        let mut took = self.rmw() + self.idle_lines[me / WORD].write(me, now, transfer);
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
        self.workers[me].state = State::Parked;
        // Going to sleep is taken to take as long as waking somebody.
        self.workers[me].asleep_at = now + took + time(self.setup.costs.wake);
        None
    }

    /// A thread outside spawns a task.
    fn step_outside(&mut self, now: Time) -> Option<Time> {
        self.left_outside = self.left_outside.checked_sub(1)?;
        let me = self.setup.workers;
        let cell = self.cells.len();
        let task = self.new_task(Job::Leaf { work: 0 }, cell, false);
        self.tasks[task].injected = true;
        let mut took = time(self.setup.costs.spawn_outside) + self.touch_cell(task, me, now);
        took += self.touch_extra(me, now + took);
        took += self.inject(me, task, now + took);
        Some(took)
    }
}
