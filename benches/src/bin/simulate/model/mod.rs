//! The protocol of spawn, wake, steal and park, event by event.
//!
//! What each step does: `runtime/src/scheduler/README.md`, `runtime/src/idle/README.md`. A step takes the time that it is
//! counted to take on one worker, and for each line that it needs and another core has, the time until that has come.
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::channel::Channel;
use super::doze::Called;
use super::help::Helps;
use super::job::{Act, Job, TaskId};
use super::line::{Line, Time};
use super::machine::Machine;
use super::policy::Policy;
use super::steps::Steps;

mod cells;
mod naps;
mod tasks;
mod worker;

use cells::Cells;

/// Slots in a word of the idle set.
const WORD: usize = 48;

/// Polls between two looks at the injector.
const INTERVAL: u32 = 61;

/// When a simulation begins: what slept has slept for so long.
const BEGIN: Time = 1_000_000_000_000;

/// What is simulated.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) workers: usize,
    pub(crate) seed: u64,
    pub(crate) policy: Policy,
    pub(crate) machine: Machine,
    pub(crate) steps: Steps,
    /// Put into the queues of that many workers, who are awake; the others sleep.
    pub(crate) roots: Vec<Job>,
    pub(crate) channels: Vec<Channel>,
    /// Empty tasks that a thread outside spawns.
    pub(crate) outside: usize,
    /// Rounds, of which the last one counts: those before leave cells and habits behind.
    pub(crate) rounds: usize,
    /// All workers are on one core: the kernel puts who is called there, and he runs until he sleeps; then who called goes on.
    pub(crate) together: bool,
    /// False only in the test that shows what the second look before sleep is for.
    pub(crate) looks_again: bool,
}

impl Setup {
    pub(crate) fn new(workers: usize, policy: Policy, machine: Machine, steps: Steps) -> Setup {
        Setup {
            workers,
            seed: 1,
            policy,
            machine,
            steps,
            roots: Vec::new(),
            channels: Vec::new(),
            outside: 0,
            rounds: 2,
            together: false,
            looks_again: true,
        }
    }

    /// Whether all are on one core, where no line has to come from another; but for a thread outside, which has a core of its own: then
    /// all are taken to come.
    pub(crate) fn put_together(&mut self, together: bool) {
        self.together = together;
        if together && self.outside == 0 {
            (self.machine.transfer, self.machine.handed) = (0.0, 0.0);
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// When the last task was complete, after the round's begin.
    pub(crate) time: Time,
    /// For how long workers were awake meanwhile, all together.
    pub(crate) awake: Time,
    /// In the last round.
    pub(crate) spawned: usize,
    /// How often each task was brought to its end.
    pub(crate) completions: Vec<u8>,
    pub(crate) steals: u64,
    pub(crate) stolen: u64,
    pub(crate) parks: u64,
    pub(crate) wakes: u64,
    pub(crate) naps: u64,
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
    /// Until it is called.
    Parked {
        since: Time,
    },
    /// For a limited time, for everybody else as if inside of a poll: because it leaves the rest to others, or because it was called for too little.
    Napping {
        since: Time,
        leaves: bool,
    },
}

impl State {
    fn is_at_work(self) -> bool {
        matches!(self, State::Running | State::Parking)
    }
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
    /// Which of its events counts: one that is called does not wake by itself besides.
    next: u64,
    polls: u64,
    spawned: u64,
    called: Called,
    helps: Helps,
    /// The task that was woken last because one that it awaited had completed.
    joiner: Option<TaskId>,
    /// The line with both ends of its queue.
    line: Line,
    awake: Time,
}

#[derive(Debug)]
struct Task {
    job: Job,
    /// Begun, and to be tried again when the task is polled next.
    retry: Option<Act>,
    cell: usize,
    joined: bool,
    injected: bool,
    begun: bool,
    complete: bool,
    waiter: Option<TaskId>,
    /// May not send, and whether it waits until it may.
    sender_parked: bool,
    sender_waits: bool,
    /// What its next poll costs, of the wake that leads to it.
    woken: Time,
}

pub(crate) struct Simulation {
    setup: Setup,
    events: BinaryHeap<Reverse<(Time, u64, usize)>>,
    sequence: u64,
    workers: Vec<Worker>,
    tasks: Vec<Task>,
    completions: Vec<u8>,
    cells: Cells,
    channels: Vec<Channel>,
    injector: VecDeque<TaskId>,
    /// Its lock and what is behind it, and how many these are, which is looked at without the lock.
    injector_line: Line,
    injected_line: Line,
    /// Who naps.
    naps_line: Line,
    /// One for each word of the idle set.
    idle_lines: Vec<Line>,
    /// What all spawns and completions write.
    shared_lines: Vec<Line>,
    /// The locks of the shards of a list of all tasks.
    shard_lines: Vec<Line>,
    countdown_line: Line,
    left_outside: usize,
    random: u64,
    steals: u64,
    stolen: u64,
    parks: u64,
    wakes: u64,
    naps: u64,
    /// Of a core that all share: who runs, behind those whom he has put off; and which of these had a next step.
    on_core: Vec<usize>,
    put_off: Vec<bool>,
    began: Time,
    ended: Time,
    first_of_round: usize,
}

fn time(nanos: f64) -> Time {
    (nanos * 1000.0) as Time
}

/// Runs it to its end.
pub(crate) fn simulate(setup: Setup) -> Outcome {
    let mut simulation = Simulation::new(setup);
    for _ in 0..simulation.setup.rounds {
        simulation.begin();
        simulation.run();
    }
    simulation.outcome()
}

impl Simulation {
    fn new(setup: Setup) -> Simulation {
        assert!(setup.roots.len() <= setup.workers, "each root begins on a worker of its own");
        let workers = (0..setup.workers).map(|_| Worker {
            state: State::Parked { since: 0 },
            searching: false,
            lifo: None,
            queue: VecDeque::new(),
            streak: 0,
            until_injector: INTERVAL,
            current: None,
            next: 0,
            polls: 0,
            spawned: 0,
            called: Called::default(),
            helps: Helps::default(),
            joiner: None,
            line: Line::default(),
            awake: 0,
        });
        let shards = setup.policy.shard_bytes.map_or(0, |bytes| {
            let shards = (4 * setup.workers).next_power_of_two();
            (shards * bytes).div_ceil(64)
        });
        Simulation {
            workers: workers.collect(),
            idle_lines: vec![Line::default(); setup.workers.div_ceil(WORD)],
            shared_lines: vec![Line::default(); setup.policy.shared_lines],
            shard_lines: vec![Line::default(); shards],
            countdown_line: Line::default(),
            cells: Cells::new(setup.workers + 1, setup.policy.keeps_cells),
            left_outside: 0,
            random: setup.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            setup,
            events: BinaryHeap::new(),
            sequence: 0,
            tasks: Vec::new(),
            completions: Vec::new(),
            channels: Vec::new(),
            injector: VecDeque::new(),
            injector_line: Line::default(),
            injected_line: Line::default(),
            naps_line: Line::default(),
            steals: 0,
            stolen: 0,
            parks: 0,
            wakes: 0,
            naps: 0,
            on_core: Vec::new(),
            put_off: Vec::new(),
            began: BEGIN,
            ended: BEGIN,
            first_of_round: 0,
        }
    }

    /// Of a round: when all sleep, and have for long.
    fn begin(&mut self) {
        self.began = self.ended + BEGIN;
        self.ended = self.began;
        self.first_of_round = self.tasks.len();
        self.channels = self.setup.channels.clone();
        for worker in &mut self.workers {
            worker.awake = 0;
        }
        for (index, job) in self.setup.roots.clone().into_iter().enumerate() {
            let (cell, _) = self.cells.take(index, self.began, &self.setup.machine);
            let root = self.new_task(job, cell, false);
            self.workers[index].state = State::Running;
            self.has_waited(index, BEGIN);
            self.workers[index].queue.push_back(root);
            self.on_core.push(index);
            self.at(self.began, index);
        }
        self.left_outside = self.setup.outside;
        if self.left_outside > 0 {
            self.at(self.began, self.setup.workers);
        }
    }

    fn run(&mut self) {
        while let Some(Reverse((now, sequence, actor))) = self.events.pop() {
            if self.workers.get(actor).is_some_and(|worker| worker.next != sequence) || self.puts_off(actor) {
                continue;
            }
            let took = if actor == self.setup.workers {
                self.step_outside(now)
            } else {
                let took = match self.workers[actor].state {
                    State::Running => Some(self.step(actor, now)),
                    State::Parking => self.step_parking(actor, now),
                    State::Napping { since, leaves } => Some(self.step_end_of_nap(actor, now, since, leaves)),
                    State::Parked { .. } => unreachable!("who sleeps is called"),
                };
                self.workers[actor].awake += took.unwrap_or(0);
                took
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
            .chain(self.shared_lines.iter().map(|line| (line.busy, "a shared count")))
            .chain(self.shard_lines.iter().map(|line| (line.busy, "a shard")))
            .chain(self.workers.iter().map(|worker| (worker.line.busy, "a queue")))
            .chain([
                (self.injector_line.busy, "injector"),
                (self.countdown_line.busy, "the workload's"),
                (self.cells.busy(), "cells"),
            ]);
        let (busy, name) = lines.max_by_key(|(busy, _)| *busy).expect("there are lines");
        let time = self.ended - self.began;
        // Of all rounds.
        let share = busy * 1000 / (self.setup.rounds as Time * time).max(1);
        Outcome {
            time,
            awake: self.workers.iter().map(|worker| worker.awake).sum(),
            spawned: self.tasks.len() - self.first_of_round,
            completions: self.completions,
            steals: self.steals,
            stolen: self.stolen,
            parks: self.parks,
            wakes: self.wakes,
            naps: self.naps,
            // Steps that look ahead may overlap.
            busiest: (share.min(1000), name),
            slept_over: queued + self.injector.len(),
        }
    }

    /// Whether somebody else has the core. Who wakes by himself takes it.
    fn puts_off(&mut self, actor: usize) -> bool {
        if !self.setup.together || actor == self.setup.workers || self.on_core.last() == Some(&actor) {
            return false;
        }
        if !self.on_core.contains(&actor) {
            self.on_core.push(actor);
            return false;
        }
        self.put_off.resize(self.setup.workers, false);
        self.put_off[actor] = true;
        true
    }

    /// A worker gives the core back.
    fn leave_core(&mut self, me: usize, now: Time) {
        self.on_core.retain(|worker| *worker != me);
        if let Some(&next) = self.on_core.last()
            && self.put_off.get_mut(next).is_some_and(std::mem::take)
        {
            self.at(now, next);
        }
    }

    /// The actor's next step.
    fn at(&mut self, when: Time, actor: usize) {
        self.sequence += 1;
        if let Some(worker) = self.workers.get_mut(actor) {
            worker.next = self.sequence;
        }
        self.events.push(Reverse((when, self.sequence, actor)));
    }

    fn transfer(&self) -> Time {
        time(self.setup.machine.transfer)
    }

    fn rmw(&self) -> Time {
        time(self.setup.machine.rmw)
    }

    fn below(&mut self, bound: usize) -> usize {
        // xorshift64, as good as any here.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((self.random >> 32) as usize * bound) >> 32
    }
}
