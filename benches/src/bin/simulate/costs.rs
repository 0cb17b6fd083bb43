//! What the steps of the protocol cost on this machine, without anybody in the way: the inputs of the simulation.
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use benches::{Host, Ours};

use super::job::calls;

/// Nanoseconds. What is done on own lines is in the figures of whole steps; the lines that come over are added to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    /// A spawn from a task, its handle kept.
    pub(crate) spawn: f64,
    /// The one poll of an empty task, from the queue to its completion.
    pub(crate) run: f64,
    /// Awaiting a task that is complete.
    pub(crate) join: f64,
    /// Awaiting one that is not: leaving the waker, being woken, and polled again.
    pub(crate) suspend: f64,
    /// A detached spawn, and its poll.
    pub(crate) spawn_detached: f64,
    pub(crate) run_detached: f64,
    /// A detached spawn from a thread outside, by that thread.
    pub(crate) spawn_outside: f64,
    /// The poll of such a task, with its way through the injector.
    pub(crate) run_injected: f64,
    /// An RMW on a line that the core has.
    pub(crate) rmw: f64,
    /// A line comes from another core.
    pub(crate) transfer: f64,
    /// Waking a sleeping thread, for who wakes it.
    pub(crate) wake: f64,
    /// From that until it runs.
    pub(crate) latency: f64,
    /// A call of a small recursive function.
    pub(crate) call: f64,
}

/// No line takes longer to come over than this many nanoseconds; a scheduler that lets two threads take turns does.
const LONGEST_TRANSFER: f64 = 1_000.0;

impl Costs {
    /// Of the order that a virtual machine of two x86-64 cores has shown: for tests, and where nothing is to be measured.
    pub(crate) const TYPICAL: Costs = Costs {
        spawn: 45.0,
        run: 45.0,
        join: 25.0,
        suspend: 90.0,
        spawn_detached: 50.0,
        run_detached: 40.0,
        spawn_outside: 90.0,
        run_injected: 70.0,
        rmw: 7.0,
        transfer: 60.0,
        wake: 2_500.0,
        latency: 6_000.0,
        call: 1.5,
    };

    /// Each with what it is.
    pub(crate) fn table(&self) -> [(&'static str, f64); 13] {
        [
            ("spawn, handle kept", self.spawn),
            ("poll of an empty task", self.run),
            ("join of a complete task", self.join),
            ("join of a task that is not", self.suspend),
            ("spawn, detached", self.spawn_detached),
            ("poll of a detached task", self.run_detached),
            ("spawn from outside", self.spawn_outside),
            ("poll of such a task", self.run_injected),
            ("RMW, own line", self.rmw),
            ("line from another core", self.transfer),
            ("wake a thread: for the waker", self.wake),
            ("wake a thread: until it runs", self.latency),
            ("call in a fork-join leaf", self.call),
        ]
    }

    /// Measures them: the least median of a few tries, for what disturbs makes it only slower.
    pub(crate) fn measured(alone: &'static Ours) -> Costs {
        let kept = least(|| burst(alone, false));
        let detached = least(|| burst(alone, true));
        let in_turn = least(|| [in_turn(alone), 0.0, 0.0]);
        let outside = least(|| outside(alone));
        let [rmw, transfer, call] = least(|| [rmw(), transfer(), call()]);
        let [wake, latency, _] = least(wake);
        let transfer = if transfer > LONGEST_TRANSFER {
            eprintln!(
                "two threads seldom ran at once: the transfer of a line, {transfer:.0} ns, is not believed"
            );
            Costs::TYPICAL.transfer
        } else {
            transfer
        };
        Costs {
            spawn: kept[0],
            run: kept[1],
            join: kept[2],
            suspend: (in_turn[0] - kept.iter().sum::<f64>()).max(0.0),
            spawn_detached: detached[0],
            run_detached: detached[1],
            spawn_outside: outside[0],
            run_injected: outside[1],
            rmw,
            transfer,
            wake,
            latency,
            call,
        }
    }
}

const BURST: u32 = 128;

static LEFT: AtomicU32 = AtomicU32::new(0);

fn one_less() {
    // Ordering: Release pairs with the Acquire of who waits in `outside`. No RMW: one worker runs all of them.
    LEFT.store(LEFT.load(Ordering::Relaxed) - 1, Ordering::Release);
}

/// The least of each figure over some tries.
fn least(mut measure: impl FnMut() -> [f64; 3]) -> [f64; 3] {
    (0..7).fold([f64::INFINITY; 3], |least, _| {
        let figures = measure();
        std::array::from_fn(|at| least[at].min(figures[at]))
    })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn nanos(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e9
}

/// Spawn, poll and join of a task, one of a burst, on one worker.
fn burst(host: &'static Ours, detached: bool) -> [f64; 3] {
    let bursts = async move {
        let mut figures: [Vec<f64>; 3] = Default::default();
        let mut handles = Vec::with_capacity(BURST as usize);
        for _ in 0..200 {
            LEFT.store(BURST, Ordering::Relaxed);
            let began = Instant::now();
            for _ in 0..BURST {
                let handle = host.spawn(async { one_less() });
                if detached {
                    Ours::detach(handle);
                } else {
                    handles.push(handle);
                }
            }
            figures[0].push(nanos(began));
            let began = Instant::now();
            while LEFT.load(Ordering::Relaxed) > 0 {
                Ours::yield_now().await;
            }
            figures[1].push(nanos(began));
            let began = Instant::now();
            for handle in handles.drain(..) {
                handle.await;
            }
            figures[2].push(nanos(began));
        }
        figures.map(|figures| median(figures) / f64::from(BURST))
    };
    host.block_on(host.spawn_outside(bursts))
}

/// A task spawned and awaited, again and again.
fn in_turn(host: &'static Ours) -> f64 {
    host.block_on(host.spawn_outside(async move {
        let mut figures = Vec::new();
        for _ in 0..200 {
            let began = Instant::now();
            for _ in 0..BURST {
                host.spawn(async {}).await;
            }
            figures.push(nanos(began) / f64::from(BURST));
        }
        median(figures)
    }))
}

/// Spawns from a plain thread while a task keeps the worker, and then the polls.
fn outside(host: &'static Ours) -> [f64; 3] {
    let (mut spawn, mut run) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let (held, hold) = mpsc::channel();
        let (let_go, wait) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        Ours::detach(host.spawn_outside(async move {
            held.send(()).expect("the thread waits");
            wait.recv().expect("the thread lets go");
            tell.send(Instant::now()).expect("the thread waits");
        }));
        hold.recv().expect("the task runs");
        LEFT.store(BURST, Ordering::Relaxed);
        let (tell_end, told_end) = mpsc::channel();
        let began = Instant::now();
        for _ in 0..BURST {
            Ours::detach(host.spawn_outside(async { one_less() }));
        }
        spawn.push(nanos(began) / f64::from(BURST));
        Ours::detach(
            host.spawn_outside(async move { tell_end.send(Instant::now()).expect("the thread waits") }),
        );
        let_go.send(()).expect("the task waits");
        let (began, ended) =
            (told.recv().expect("the task tells"), told_end.recv().expect("the last one tells"));
        run.push((ended - began).as_secs_f64() * 1e9 / f64::from(BURST));
        // Ordering: Acquire pairs with the Release of `one_less`.
        while LEFT.load(Ordering::Acquire) > 0 {
            thread::yield_now();
        }
    }
    [median(spawn), median(run), 0.0]
}

/// The lower decile: of short stretches, most of those that were not interrupted.
fn decile(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 10]
}

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
fn wake() -> [f64; 3] {
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
    [median(wake), median(latency), 0.0]
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
