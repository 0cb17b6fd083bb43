//! How late timers are, and how wrong the ages of tasks, beside how late a plain thread of the operating system is in the
//! same run.
//!
//! The tests of this binary run one at a time, and never beside those of another: `cargo test` runs binaries in turn.
//! What else the machine does can only add to what is measured: a test that misses its bar measures again, some times.
use parking_lot::{Mutex, MutexGuard};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use runtime::Runtime;
use runtime::task::yield_now;
use runtime::time::{sleep, sleep_until};

#[path = "it/support/watchdog.rs"]
mod watchdog;

use watchdog::watchdog;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock()
}

fn soak() -> bool {
    std::env::var_os("RUNTIME_SOAK").is_some()
}

const ATTEMPTS: usize = 15;

/// `measure` says how long ours took, how long it may take beside a plain thread's lateness, and what to print.
fn within(bar: Duration, mut measure: impl FnMut() -> (Duration, Duration, String)) {
    for attempt in 1..=ATTEMPTS {
        let (ours, plain, label) = measure();
        println!("{label}: p99 {ours:?}, plain thread {plain:?} late");
        if ours <= bar + plain {
            return;
        }
        // Others need the machine: give way, for longer each time.
        thread::sleep(Duration::from_millis(20) * attempt as u32);
    }
    panic!("never within {bar:?} of a plain thread, {ATTEMPTS} times");
}

fn p99(mut late: Vec<Duration>) -> Duration {
    late.sort_unstable();
    late[late.len() * 99 / 100]
}

/// Measures the lateness of a plain thread that sleeps again and again, until told to stop.
struct PlainThread {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Vec<Duration>>,
}

impl PlainThread {
    fn start() -> PlainThread {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut late = Vec::new();
            let mut micros = 500;
            while late.len() < 10 || !stopped.load(Ordering::Relaxed) {
                micros = (micros + 377) % 5_000;
                let deadline = Instant::now() + Duration::from_micros(micros);
                thread::sleep(Duration::from_micros(micros));
                late.push(Instant::now() - deadline);
            }
            late
        });
        PlainThread { stop, thread }
    }

    fn p99(self) -> Duration {
        self.stop.store(true, Ordering::Relaxed);
        p99(self.thread.join().unwrap())
    }
}

fn pool(workers: usize) -> Runtime {
    Runtime::builder().worker_threads(workers).build().unwrap()
}

/// Sleeps of many tasks, spread over time so that the machine is idle in between; how late each was.
async fn sleeps(tasks: usize, each: usize) -> Vec<Duration> {
    let handles: Vec<_> = (0..tasks)
        .map(|task| {
            runtime::spawn(async move {
                let mut late = Vec::new();
                for n in 0..each {
                    // Two to twenty milliseconds, to the microsecond.
                    let micros = 2_000 + (task * 7_919 + n * 104_729) % 18_000;
                    let deadline = Instant::now() + Duration::from_micros(micros as u64);
                    sleep(Duration::from_micros(micros as u64)).await;
                    let now = Instant::now();
                    assert!(now >= deadline, "early by {:?}", deadline - now);
                    late.push(now - deadline);
                }
                late
            })
        })
        .collect();
    let mut late = Vec::new();
    for handle in handles {
        late.extend(handle.await.unwrap());
    }
    late
}

// M4
#[test]
fn idle_sleeps_are_at_most_two_milliseconds_later_than_a_plain_threads() {
    let _alone = alone();
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let each = if soak() { 2_000 } else { 40 };
        within(Duration::from_millis(2), || {
            let plain = PlainThread::start();
            let ours = p99(runtime.block_on(runtime.spawn(sleeps(50, each))).unwrap());
            (ours, plain.p99(), format!("{workers} workers"))
        });
    }
}

// M4
#[test]
fn sleeps_of_the_thread_in_block_on_are_as_punctual() {
    let _alone = alone();
    let _watchdog = watchdog();
    let measure = async || {
        let mut late = Vec::new();
        for n in 0..100_u64 {
            let deadline = Instant::now() + Duration::from_micros(1_000 + n * 37);
            sleep_until(deadline.into()).await;
            let now = Instant::now();
            assert!(now >= deadline);
            late.push(now - deadline);
        }
        p99(late)
    };
    let runtime = pool(1);
    let sole = runtime::Builder::new_current_thread().build().unwrap();
    let punctual = |label: &str, run: &dyn Fn() -> Duration| {
        within(Duration::from_millis(2), || {
            let plain = PlainThread::start();
            (run(), plain.p99(), label.to_owned())
        });
    };
    punctual("guest", &|| runtime.block_on(measure()));
    punctual("sole thread", &|| sole.block_on(measure()));
    punctual("no runtime", &|| runtime::block_on(measure()));
    punctual("another executor", &|| futures::executor::block_on(measure()));
}

// S8
#[test]
fn beside_a_hot_yielder_a_timer_of_ten_milliseconds_fires_by_twenty() {
    let _alone = alone();
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let stop = Arc::new(AtomicBool::new(false));
        let yielders: Vec<_> = (0..workers)
            .map(|_| {
                let stop = Arc::clone(&stop);
                runtime.spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        yield_now().await;
                    }
                })
            })
            .collect();
        within(Duration::from_millis(20), || {
            let plain = PlainThread::start();
            let mut took = Vec::new();
            for _ in 0..if soak() { 500 } else { 50 } {
                // Made and waited for by a task: the thread in `block_on` could keep the time by itself.
                let task = runtime.spawn(async {
                    let began = Instant::now();
                    sleep(Duration::from_millis(10)).await;
                    began.elapsed()
                });
                took.push(futures::executor::block_on(task).unwrap());
            }
            (p99(took), plain.p99(), format!("{workers} workers, ten milliseconds beside a yielder"))
        });
        stop.store(true, Ordering::Relaxed);
        drop(yielders);
    }
}

/// The supervisor's samples are half a stall threshold apart, and a task is taken to be as old as the middle of the two
/// that its spawn was between.
#[test]
fn a_task_is_as_old_as_it_is() {
    let _alone = alone();
    let _watchdog = watchdog();
    for workers in [1, 2] {
        within(Duration::from_millis(20), || {
            let plain = PlainThread::start();
            let runtime = pool(workers);
            // The supervisor has looked once.
            while runtime.dump().into_iter().all(|task| task.age.is_none()) {
                runtime.spawn(pending::<()>());
            }
            let mut spawned = Vec::new();
            for round in 0..6 {
                let before = Instant::now();
                let id = match round % 3 {
                    0 => runtime.spawn(pending::<()>()).id(),
                    // Of a block of a worker's, taken long before.
                    1 => runtime
                        .block_on(runtime.spawn(async { runtime::spawn(pending::<()>()).id() }))
                        .unwrap(),
                    _ => {
                        let local = || async { runtime::task::spawn_local(pending::<()>()).id() };
                        runtime.block_on(runtime.spawn_pinned(local)).unwrap()
                    }
                };
                spawned.push((id, before, Instant::now()));
                // Long enough for the supervisor to fall asleep, once.
                thread::sleep(Duration::from_millis(if round == 2 { 1300 } else { 30 }));
            }
            let before = Instant::now();
            let dump = runtime.dump();
            let after = Instant::now();
            let wrong = spawned.into_iter().map(|(id, from, to)| {
                let age =
                    dump.iter().find(|task| task.id == id).unwrap().age.expect("younger than the first look");
                (before - to).saturating_sub(age).max(age.saturating_sub(after - from))
            });
            (wrong.max().unwrap(), plain.p99(), format!("ages, {workers} workers"))
        });
    }
}

/// Between one stall threshold and one and a half after it began, be the supervisor asleep then, or its samples put off by ticks.
#[test]
fn a_poll_that_does_not_end_is_found_within_one_and_a_half_thresholds() {
    const THRESHOLD: Duration = Duration::from_millis(10);
    let _alone = alone();
    let _watchdog = watchdog();
    for (workers, ticks) in [(1, false), (2, false), (2, true)] {
        let (tx, found) = std::sync::mpsc::channel();
        let runtime = Runtime::builder()
            .worker_threads(workers)
            .stall_threshold(THRESHOLD)
            .on_stall(move |report| {
                if !report.over {
                    tx.send(Instant::now()).unwrap();
                }
            })
            .build()
            .unwrap();
        if ticks {
            drop(runtime.spawn(async {
                loop {
                    sleep(Duration::from_millis(1)).await;
                }
            }));
        }
        within(THRESHOLD * 3 / 2 + Duration::from_millis(2), || {
            // Reports of one place are a second apart; and the supervisor sleeps by then.
            thread::sleep(Duration::from_millis(1100));
            let plain = PlainThread::start();
            let before = Instant::now();
            let (began_tx, began) = std::sync::mpsc::channel();
            let blocker = runtime.spawn(async move {
                began_tx.send(Instant::now()).unwrap();
                thread::sleep(THRESHOLD * 5);
            });
            let began = began.recv().unwrap();
            let found = found.recv().unwrap();
            futures::executor::block_on(blocker).unwrap();
            assert!(found - before >= THRESHOLD, "{:?}", found - before);
            (found - began, plain.p99(), format!("{workers} workers, ticks {ticks}, a stall is found"))
        });
    }
}

#[test]
fn a_spare_that_lingers_does_not_hold_up_the_drop_of_its_runtime() {
    let _alone = alone();
    let _watchdog = watchdog();
    let rounds = 20;
    let began = Instant::now();
    for _ in 0..rounds {
        let runtime = pool(1);
        let task = runtime.spawn(async {
            let (tx, rx) = std::sync::mpsc::channel();
            drop(runtime::spawn(async move { tx.send(7).unwrap() }));
            runtime::task::block_in_place(|| rx.recv().unwrap())
        });
        assert_eq!(futures::executor::block_on(task).unwrap(), 7);
    }
    // A spare stays for a second.
    let took = began.elapsed();
    assert!(took < Duration::from_millis(300) * rounds, "{took:?} for {rounds} runtimes");
}
