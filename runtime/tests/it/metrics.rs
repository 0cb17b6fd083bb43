//! What the runtime says of itself.
use std::sync::mpsc;
use std::time::{Duration, Instant};

use runtime::Runtime;
use runtime::task::yield_now;

use crate::support::{Gate, count, pool, until, until_no_tasks, watchdog};

fn work() -> u64 {
    let began = Instant::now();
    let mut sum = 0_u64;
    while began.elapsed() < Duration::from_micros(200) {
        sum = sum.wrapping_mul(31).wrapping_add(1);
    }
    sum
}

#[test]
fn with_a_single_spawner_and_work_for_all_every_worker_steals() {
    let _watchdog = watchdog();
    for workers in [2, 4] {
        let runtime = pool(workers);
        // In rounds, until each has come to it: on a busy machine a worker may sleep through one.
        until(|| {
            let spawner = runtime.spawn(async {
                let handles: Vec<_> = (0..400)
                    .map(|_| {
                        runtime::spawn(async {
                            for _ in 0..3 {
                                work();
                                yield_now().await;
                            }
                        })
                    })
                    .collect();
                for handle in handles {
                    handle.await.unwrap();
                }
            });
            until(|| spawner.is_finished());
            let metrics = runtime.metrics();
            assert_eq!(metrics.workers.len(), workers);
            metrics.workers.iter().all(|worker| worker.steals > 0 && worker.stolen >= worker.steals)
        });
        assert_eq!(runtime.metrics().guest.steals, 0, "the guest never steals");
    }
}

#[test]
fn what_the_guest_spawns_is_run_by_the_workers_alone() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    until(|| {
        runtime.block_on(async {
            let handles: Vec<_> = (0..400).map(|_| runtime::spawn(async { work() })).collect();
            for handle in handles {
                handle.await.unwrap();
            }
        });
        runtime.metrics().workers.iter().all(|worker| worker.steals > 0)
    });
    assert_eq!(runtime.metrics().guest.polls, 0, "the root may have to answer a task that blocks");
}

#[test]
fn live_tasks_and_spawned_tasks_are_counted() {
    let _watchdog = watchdog();
    for workers in [1, 2, 64] {
        let runtime = pool(workers);
        let tasks = count(1_000, 100_000);
        let handles: Vec<_> = (0..tasks).map(|_| runtime.spawn(std::future::pending::<()>())).collect();
        assert_eq!(runtime.metrics().live_tasks, tasks as u64);
        assert_eq!(runtime.metrics().spawned, tasks as u64);
        handles.iter().for_each(|handle| handle.abort());
        until_no_tasks(&runtime);
        assert_eq!(runtime.metrics().spawned, tasks as u64);
        // By another path: spawned by tasks, and completed.
        runtime
            .block_on(runtime.spawn(async {
                let handles: Vec<_> = (0..1_000).map(|_| runtime::spawn(yield_now())).collect();
                for handle in handles {
                    handle.await.unwrap();
                }
            }))
            .unwrap();
        until_no_tasks(&runtime);
        assert_eq!(runtime.metrics().spawned, tasks as u64 + 1_001);
        let polls: u64 = runtime.metrics().workers.iter().map(|worker| worker.polls).sum();
        assert!(polls >= 2_000);
    }
}

#[test]
fn parks_and_unparks_and_busy_time_are_counted() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    for _ in 0..100 {
        let (tx, rx) = mpsc::channel();
        drop(runtime.spawn(async move { tx.send(()).unwrap() }));
        rx.recv().unwrap();
        // Until it has parked again.
        let parks = runtime.metrics().workers[0].parks;
        until(|| runtime.metrics().workers[0].parks >= parks.max(1));
    }
    let spinner = runtime.spawn(async { work() });
    until(|| spinner.is_finished());
    let worker = &runtime.metrics().workers[0];
    assert!(worker.parks > 0);
    assert!(worker.unparks > 0, "{worker:?}");
    assert!(worker.busy >= Duration::from_micros(200));
    assert!(worker.busy <= worker.alive);
    assert!((0.0..=1.0).contains(&worker.busy_ratio()));
}

#[test]
fn timers_and_sockets_are_counted_while_they_wait() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let baseline = runtime.metrics().sources;
    let sleepers: Vec<_> =
        (0..10).map(|_| runtime.spawn(runtime::time::sleep(Duration::from_secs(3600)))).collect();
    until(|| runtime.metrics().timers == 10);
    let listener = runtime.block_on(runtime::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let acceptor = runtime.spawn(async move { listener.accept().await.map(drop) });
    until(|| runtime.metrics().sources == baseline + 1);
    sleepers.iter().for_each(|sleeper| sleeper.abort());
    acceptor.abort();
    until(|| runtime.metrics().timers == 0 && runtime.metrics().sources == baseline);
}

#[test]
fn the_blocking_pool_is_counted() {
    let _watchdog = watchdog();
    let runtime = Runtime::builder().worker_threads(1).max_blocking_threads(2).build().unwrap();
    assert_eq!(runtime.metrics().blocking_threads, 0, "on demand");
    let gate = Gate::default();
    let handles: Vec<_> = (0..5)
        .map(|_| {
            let gate = gate.clone();
            runtime.spawn_blocking(move || gate.wait())
        })
        .collect();
    until(|| {
        let metrics = runtime.metrics();
        metrics.blocking_threads == 2
            && metrics.blocking_queue_depth == 3
            && metrics.idle_blocking_threads == 0
    });
    gate.open();
    runtime.block_on(async {
        for handle in handles {
            handle.await.unwrap();
        }
    });
    until(|| runtime.metrics().idle_blocking_threads == 2);
    assert_eq!(runtime.metrics().blocking_queue_depth, 0);
}

#[test]
fn a_runtime_that_has_ended_has_no_live_tasks() {
    let _watchdog = watchdog();
    for workers in [0, 1, 2] {
        let mut builder = match workers {
            0 => runtime::Builder::new_current_thread(),
            _ => Runtime::builder(),
        };
        let runtime = builder.worker_threads(workers.max(1)).build().unwrap();
        let handle = runtime.handle().clone();
        let (begun, begins) = mpsc::channel();
        for n in 0..20 {
            let begun = begun.clone();
            let waits = async move {
                begun.send(()).unwrap();
                std::future::pending::<()>().await;
            };
            drop(if n % 2 == 0 { runtime.spawn(waits) } else { runtime.spawn_pinned(|| waits) });
        }
        if workers > 0 {
            begins.iter().take(20).for_each(drop);
        }
        // Some of these are never polled.
        for _ in 0..20 {
            drop((runtime.spawn(async {}), runtime.spawn_pinned(|| async {})));
        }
        assert!(handle.metrics().live_tasks >= 20);
        drop(runtime);
        let metrics = handle.metrics();
        assert_eq!((metrics.spawned, metrics.live_tasks), (60, 0), "{workers} workers");
        assert!(handle.dump().is_empty());
    }
}

/// While a worker does not leave, others cancel what nobody runs.
#[test]
fn what_is_cancelled_around_a_worker_that_does_not_leave_is_live_no_more() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let (handle, gate) = (runtime.handle().clone(), Gate::default());
    let (held, (begun, begins)) = (gate.clone(), mpsc::channel());
    drop(runtime.spawn(async move {
        begun.send(()).unwrap();
        held.wait();
    }));
    begins.recv().unwrap();
    for _ in 0..20 {
        drop(runtime.spawn(std::future::pending::<()>()));
    }
    let report = runtime.shutdown(Duration::ZERO);
    assert_eq!(report.tasks, 21, "{report:?}");
    until(|| handle.metrics().live_tasks == 1);
    gate.open();
    until(|| handle.metrics().live_tasks == 0);
}
