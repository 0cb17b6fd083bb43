//! The supervisor samples where somebody has been awake for long, and hardly ever where not.
use std::fs::File;
use std::thread;
use std::time::Duration;

use runtime::Runtime;
use runtime::time::interval;

use crate::support::{Gate, OpenOnDrop, Tally, child, process, until, until_no_tasks, watchdog};

const MILLISECOND: Duration = Duration::from_millis(1);

/// How often the supervisor of a runtime whose threads are named `idle-test` has been woken.
fn wake_ups() -> u64 {
    let (threads, switches) = process::context_switches("idle-test-super");
    assert_eq!(threads, 1);
    switches
}

async fn ticks_each(period: Duration, count: usize) {
    let mut ticks = interval(period);
    for _ in 0..count {
        ticks.tick().await;
    }
}

async fn ticks(count: usize) {
    ticks_each(MILLISECOND, count).await;
}

#[test]
fn a_runtime_that_ticks_is_hardly_sampled() {
    let _watchdog = watchdog();
    child::run("alarm::a_runtime_that_ticks_is_hardly_sampled", || {
        let runtime = Runtime::builder().worker_threads(2).thread_name("idle-test").build().unwrap();
        runtime.block_on(runtime.spawn(ticks(10))).unwrap();
        for millis in [1, 3] {
            // Longer than a sample may be put off at all. There are 400 in each span otherwise. Where others need the machine, and a tick is
            // late by a period, there are some; and each second there is one.
            let few = (0..6).any(|_| {
                let before = wake_ups();
                let ticking = ticks_each(millis * MILLISECOND, 2_000 / millis as usize);
                runtime.block_on(runtime.spawn(ticking)).unwrap();
                wake_ups() - before <= 80
            });
            assert!(few, "at ticks of {millis} ms");
        }
    });
}

/// A poll that does not end is found, and when it has ended the spares go.
fn is_found(runtime: &Runtime) {
    let before = runtime.metrics().stalls;
    let (gate, blocked) = (Gate::default(), Tally::default());
    let _opens = OpenOnDrop(gate.clone());
    let (held, tally) = (gate.clone(), blocked.clone());
    let blocker = runtime.spawn(async move {
        tally.add();
        held.wait();
    });
    until(|| blocked.get() == 1 && runtime.metrics().stalls > before);
    gate.open();
    runtime.block_on(blocker).unwrap();
    until(|| runtime.metrics().stalled_workers == 0 && runtime.metrics().spares == 0);
}

fn are_found(runtime: &Runtime) {
    is_found(runtime);
    let ticking = runtime.spawn(ticks(usize::MAX));
    runtime.block_on(runtime.spawn(ticks(50))).unwrap();
    // All the while samples are put off, but for those that the blocker brings about.
    is_found(runtime);
    is_found(runtime);
    ticking.abort();
    until_no_tasks(runtime);
    // The supervisor falls asleep: what is waited for is a time.
    thread::sleep(Duration::from_millis(300));
    is_found(runtime);
}

#[test]
fn a_poll_that_does_not_end_is_found_amid_ticks_and_after_a_sleep() {
    let _watchdog = watchdog();
    for workers in [1, 2, 64] {
        are_found(&Runtime::builder().worker_threads(workers).build().unwrap());
    }
}

#[test]
fn a_runtime_out_of_descriptors_has_no_timer_and_is_supervised_all_the_same() {
    const NAME: &str = "alarm::a_runtime_out_of_descriptors_has_no_timer_and_is_supervised_all_the_same";
    let _watchdog = watchdog();
    if !child::is(NAME) {
        child::pass(&mut child::wrapped(&["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"], NAME));
        return;
    }
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    // As few as a runtime can be built with: there is none left for what it can do without.
    let runtime = loop {
        match Runtime::builder().worker_threads(2).build() {
            Ok(runtime) => break runtime,
            Err(_) => drop(taken.pop().expect("with some it can be built")),
        }
    };
    assert!(File::open("/dev/null").is_err(), "all are in use");
    are_found(&runtime);
    drop(runtime);
    assert!(File::open("/dev/null").is_ok());
}

#[test]
fn the_end_of_a_runtime_does_not_wait_for_a_sample() {
    let _watchdog = watchdog();
    for threshold in [Duration::from_secs(1000), Duration::MAX] {
        // The supervisor waits for the first sample, or for the end of its first second, or for ever.
        for _ in 0..20 {
            let runtime = Runtime::builder().worker_threads(2).stall_threshold(threshold).build().unwrap();
            runtime.block_on(runtime.spawn(ticks(2))).unwrap();
            drop(runtime);
        }
    }
}
