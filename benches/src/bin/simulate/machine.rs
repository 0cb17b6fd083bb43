//! What the machine takes for what a scheduler is made of: the inputs of the simulation that are no scheduler's.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::{Host, Ours};

use super::job::calls;
use super::steps::Counted;

/// Nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    /// One instruction, on average: little, since many are executed while a locked operation waits.
    pub(crate) instruction: f64,
    /// An RMW on a line that the core has, or a fence.
    pub(crate) rmw: f64,
    /// A line comes from another core.
    pub(crate) transfer: f64,
    /// The lines of a task's cell come from another core, those of the cells before and behind it on their way as well.
    pub(crate) handed: f64,
    /// The lines of a task's cell come from farther than the nearest cache.
    pub(crate) far: f64,
    /// Waking a sleeping thread, for who wakes it.
    pub(crate) wake: f64,
    /// From that until it runs.
    pub(crate) latency: f64,
    /// A call of a small recursive function.
    pub(crate) call: f64,
}

/// No line takes longer to come over than this many nanoseconds; a scheduler that lets two threads take turns does.
const LONGEST_TRANSFER: f64 = 1_000.0;

impl Machine {
    /// Of the order that a virtual machine of two x86-64 cores has shown: for tests, and where nothing is to be measured.
    pub(crate) const TYPICAL: Machine = Machine {
        instruction: 0.02,
        rmw: 8.0,
        transfer: 50.0,
        handed: 15.0,
        far: 1.2,
        wake: 2_500.0,
        latency: 6_000.0,
        call: 0.6,
    };

    /// Each with what it is.
    pub(crate) fn table(&self) -> [(&'static str, f64); 8] {
        [
            ("instruction", self.instruction),
            ("RMW or fence, own line", self.rmw),
            ("line from another core", self.transfer),
            ("cell from another core, of many", self.handed),
            ("cell from a farther cache", self.far),
            ("wake a thread: for the waker", self.wake),
            ("wake a thread: until it runs", self.latency),
            ("call in a fork-join leaf", self.call),
        ]
    }

    /// Measures them: the least median of a few tries, for what disturbs makes it only slower.
    pub(crate) fn measured(alone: &'static Ours) -> Machine {
        let [rmw, transfer, call] = least(|| [rmw(), transfer(), call()]);
        let [wake, latency, handed] = least(|| {
            let [wake, latency] = wake();
            [wake, latency, handed_over()]
        });
        let [one_yield, many, few] = least(|| [yield_alone(alone), many_cells(), few_cells()]);
        let transfer = if transfer > LONGEST_TRANSFER {
            eprintln!(
                "two threads seldom ran at once: the transfer of a line, {transfer:.0} ns, is not believed"
            );
            Machine::TYPICAL.transfer
        } else {
            transfer
        };
        // What is left of a yield whose instructions are known, when its locked operations are taken off.
        let counted = Counted::of("ours", "yield");
        let instruction = (one_yield - counted.locked * rmw).max(0.1 * one_yield) / counted.instructions;
        Machine { instruction, rmw, transfer, handed, far: (many - few).max(0.0), wake, latency, call }
    }
}

/// The least of each figure over some tries.
pub(crate) fn least(mut measure: impl FnMut() -> [f64; 3]) -> [f64; 3] {
    (0..7).fold([f64::INFINITY; 3], |least, _| {
        let figures = measure();
        std::array::from_fn(|at| least[at].min(figures[at]))
    })
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

pub(crate) fn nanos(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e9
}

/// A yield by the only task there is.
fn yield_alone(host: &'static Ours) -> f64 {
    host.block_on(host.spawn_outside(async {
        let mut figures = Vec::new();
        for _ in 0..200 {
            let began = Instant::now();
            for _ in 0..1_000 {
                Ours::yield_now().await;
            }
            figures.push(nanos(began) / 1_000.0);
        }
        decile(figures)
    }))
}

/// The lower decile: of short stretches, most of those that were not interrupted.
fn decile(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 10]
}

/// One after the other: each waits for the one before, as each waits for the stores before it in a scheduler's step.
fn rmw() -> f64 {
    let word = AtomicU64::new(0);
    let stretch = |_| {
        let began = Instant::now();
        for _ in 0..1_000 {
            std::hint::black_box(&word).fetch_add(1, Ordering::Relaxed);
        }
        nanos(began) / 1_000.0
    };
    decile((0..200).map(stretch).collect())
}

/// A cell of two lines, of as many as a workload has tasks: in no order, as free lists are in none.
fn many_cells() -> f64 {
    walk(10_000)
}

/// The same of a few.
fn few_cells() -> f64 {
    walk(100)
}

/// By how much longer a visit to a cell takes that another core has written, one of many, than one to an own cell.
fn handed_over() -> f64 {
    #[repr(align(128))]
    struct Cell([AtomicU64; 16]);
    const CELLS: usize = 256;
    const ROUNDS: u64 = 200;
    let cells: Vec<_> = (0..CELLS).map(|_| Cell(Default::default())).collect();
    let turn = AtomicU64::new(0);
    let wait = |until: u64| {
        let mut looks = 0u32;
        // Ordering: Acquire pairs with the Release of who has had his turn.
        while turn.load(Ordering::Acquire) != until {
            looks += 1;
            // The other one may be waiting for this core.
            if looks.is_multiple_of(4096) {
                thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    };
    // In no order, and as a poll does it: an RMW of the state, and writes.
    let visit = || {
        let began = Instant::now();
        for at in 0..CELLS {
            let cell = &cells[at * 151 % CELLS];
            cell.0[0].fetch_add(1, Ordering::AcqRel);
            cell.0[8].store(at as u64, Ordering::Relaxed);
        }
        nanos(began) / CELLS as f64
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                wait(2 * round);
                visit();
                // Ordering: Release pairs with the Acquire of `wait`.
                turn.store(2 * round + 1, Ordering::Release);
            }
        });
        let (mut others, mut own) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            wait(2 * round + 1);
            others.push(visit());
            own.push(visit());
            // Ordering: as above.
            turn.store(2 * round + 2, Ordering::Release);
        }
        (decile(others) - decile(own)).max(0.0)
    })
}

/// The time for a cell, of so many.
fn walk(count: usize) -> f64 {
    #[derive(Clone, Default)]
    #[repr(align(128))]
    struct Cell([u64; 16]);
    const VISITS: usize = 10_000;
    let mut cells = vec![Cell::default(); count];
    // Prime to the counts: each is visited as often.
    let order: Vec<usize> = (0..VISITS).map(|visit| visit * 6_151 % count).collect();
    let mut round = || {
        let began = Instant::now();
        for &at in &order {
            let cell = std::hint::black_box(&mut cells[at]);
            cell.0[0] += 1;
            cell.0[8] += 1;
        }
        nanos(began) / VISITS as f64
    };
    decile((0..50).map(|_| round()).collect())
}

/// Two threads take turns in writing one word.
fn transfer() -> f64 {
    const TURNS: u64 = 20_000;
    const STRETCH: u64 = 50;
    static WORD: AtomicU64 = AtomicU64::new(0);
    fn take_turns(first: u64) -> f64 {
        let mut stretches = Vec::new();
        let mut began = Instant::now();
        for turn in (first..2 * TURNS).step_by(2) {
            let mut looks = 0u32;
            while WORD.load(Ordering::Relaxed) != turn {
                looks += 1;
                // The other one may be waiting for this core.
                if looks.is_multiple_of(4096) {
                    thread::yield_now();
                } else {
                    std::hint::spin_loop();
                }
            }
            WORD.store(turn + 1, Ordering::Relaxed);
            if (turn / 2) % STRETCH == STRETCH - 1 {
                stretches.push(nanos(began) / (2 * STRETCH) as f64);
                began = Instant::now();
            }
        }
        decile(stretches)
    }
    WORD.store(0, Ordering::Relaxed);
    let other = thread::spawn(|| take_turns(1));
    let transfer = take_turns(0);
    other.join().expect("it only counts");
    transfer
}

/// Unparking a thread that sleeps: what the call takes, and until the thread runs.
fn wake() -> [f64; 2] {
    static ASKED: AtomicBool = AtomicBool::new(false);
    static AWAKE: AtomicBool = AtomicBool::new(false);
    const TIMES: u32 = 200;
    let sleeper = thread::spawn(|| {
        for _ in 0..TIMES {
            // Ordering: Acquire and Release order the two flags.
            while !ASKED.swap(false, Ordering::Acquire) {
                thread::park();
            }
            AWAKE.store(true, Ordering::Release);
        }
    });
    let (mut wake, mut latency) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        // Until it sleeps, mostly: a median is taken.
        thread::sleep(Duration::from_micros(200));
        // Ordering: as above.
        ASKED.store(true, Ordering::Release);
        let began = Instant::now();
        sleeper.thread().unpark();
        wake.push(nanos(began));
        while !AWAKE.swap(false, Ordering::Acquire) {
            std::hint::spin_loop();
        }
        latency.push(nanos(began));
    }
    sleeper.join().expect("it only sleeps");
    [median(wake), median(latency)]
}

fn call() -> f64 {
    fn alone(n: u32) -> u64 {
        if n < 2 { u64::from(n) } else { alone(n - 1) + alone(n - 2) }
    }
    let began = Instant::now();
    for _ in 0..2_000 {
        std::hint::black_box(alone(std::hint::black_box(9)));
    }
    nanos(began) / 2_000.0 / calls(9) as f64
}
