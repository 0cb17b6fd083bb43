//! Closures that compute have a pool of their own, which is never larger than it was told.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rayon::prelude::*;
use runtime::{Runtime, compute};

use crate::support::{Deliberate, Gate, Tally, count, panic_silently, pool, until, watchdog};

fn with_compute_threads(threads: usize) -> Runtime {
    Runtime::builder().worker_threads(1).compute_threads(threads).build().unwrap()
}

#[test]
fn closures_never_run_on_more_threads_than_the_pool_has_and_all_finish() {
    let _watchdog = watchdog();
    for threads in [1, 3] {
        let runtime = with_compute_threads(threads);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let handles: Vec<_> = (0..count(200, 20_000))
            .map(|n| {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                runtime.spawn_compute(move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    n
                })
            })
            .collect();
        runtime.block_on(async {
            for (n, handle) in handles.into_iter().enumerate() {
                assert_eq!(handle.await.unwrap(), n);
            }
        });
        assert!(most.load(Ordering::SeqCst) <= threads);
        assert!(runtime.metrics().compute_threads <= threads);
    }
}

#[test]
fn closures_that_block_and_closures_that_compute_do_not_wait_for_each_other() {
    let _watchdog = watchdog();
    let runtime =
        Runtime::builder().worker_threads(1).max_blocking_threads(1).compute_threads(1).build().unwrap();
    let (blocks, computes) = (Gate::default(), Gate::default());
    let (held, opener) = (blocks.clone(), computes.clone());
    let blocking = runtime.spawn_blocking(move || held.wait());
    let (held, other) = (computes.clone(), blocks.clone());
    // Each pool's only thread waits for the other's.
    let computing = runtime.spawn_compute(move || {
        other.open();
        held.wait();
    });
    runtime.block_on(async {
        blocking.await.unwrap();
        opener.open();
        computing.await.unwrap();
    });
}

#[test]
fn a_closure_may_spawn_and_wait_in_its_runtime() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let seven = runtime.block_on(async {
        compute::spawn(|| {
            let task = runtime::spawn(async { 3 });
            runtime::block_on(async { task.await.unwrap() + compute::spawn(|| 4).await.unwrap() })
        })
        .await
    });
    assert_eq!(seven.unwrap(), 7);
}

#[test]
fn shutdown_cancels_what_has_not_started_and_reports_what_runs() {
    let _watchdog = watchdog();
    let runtime = with_compute_threads(1);
    let gate = Gate::default();
    let (started_tx, started) = mpsc::channel();
    let held = gate.clone();
    let running = runtime.spawn_compute(move || {
        started_tx.send(()).unwrap();
        held.wait();
        7
    });
    started.recv().unwrap();
    let dropped = Tally::default();
    let guard = dropped.on_drop();
    let waiting = runtime.spawn_compute(move || drop(guard));
    let id = running.id();
    let report = runtime.shutdown(Duration::ZERO);
    assert_eq!(report.blocking_tasks, [id]);
    assert!(futures::executor::block_on(waiting).unwrap_err().is_cancelled());
    assert_eq!(dropped.get(), 1);
    gate.open();
    assert_eq!(futures::executor::block_on(running).unwrap(), 7);
}

#[test]
fn a_panic_is_the_handles_error() {
    let _watchdog = watchdog();
    let runtime = with_compute_threads(1);
    let error =
        runtime.block_on(async { compute::spawn(|| panic_silently()).await.map(|(): ()| ()).unwrap_err() });
    assert!(error.into_panic().is::<Deliberate>());
    assert_eq!(runtime.block_on(async { compute::spawn(|| 7).await.unwrap() }), 7);
}

#[test]
fn rayon_runs_what_it_is_given_and_the_handle_is_like_any_other() {
    let _watchdog = watchdog();
    let sum = compute::rayon(|| (1..=1000_u64).into_par_iter().sum::<u64>());
    assert_eq!(futures::executor::block_on(sum).unwrap(), 500_500);
    let error = runtime::block_on(compute::rayon(|| panic_silently())).map(|(): ()| ()).unwrap_err();
    assert!(error.is_panic());
    let runtime = pool(2);
    let (gate, done) = (Gate::default(), Tally::default());
    let threads = rayon::current_num_threads();
    for _ in 0..threads {
        let (gate, done) = (gate.clone(), done.clone());
        drop(compute::rayon(move || {
            gate.wait();
            done.add();
        }));
    }
    // Every thread of rayon's is busy: this one has not started, and never will.
    let aborted = compute::rayon(|| 7);
    aborted.abort();
    gate.open();
    assert!(runtime.block_on(aborted).unwrap_err().is_cancelled());
    until(|| done.get() == threads);
}
