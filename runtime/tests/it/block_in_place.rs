//! `block_in_place`: a task that blocks its worker costs itself, not its neighbours.
use std::sync::mpsc;
use std::time::Duration;

use runtime::Runtime;
use runtime::task::{block_in_place, yield_now};

use crate::support::{
    Gate, Tally, assert_helpful, panic_message, panic_silently, pool, process, until, until_no_tasks,
    watchdog,
};

#[test]
fn tasks_queued_behind_the_blocker_run() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        for _ in 0..20 {
            let blocker = runtime.spawn(async {
                let (tx, rx) = mpsc::channel();
                for n in 0..100 {
                    let tx = tx.clone();
                    drop(runtime::spawn(async move {
                        yield_now().await;
                        tx.send(n).unwrap();
                    }));
                }
                drop(tx);
                // In its own queue, and one of them in its LIFO slot: they run while this thread blocks.
                let mut ran: Vec<_> = block_in_place(|| rx.iter().collect());
                ran.sort_unstable();
                assert!(ran.into_iter().eq(0..100));
                // And this task goes on as before.
                yield_now().await;
                runtime::spawn(async { 7 }).await.unwrap()
            });
            assert_eq!(runtime.block_on(blocker).unwrap(), 7);
        }
        until_no_tasks(&runtime);
    }
}

#[test]
fn what_the_closure_spawns_runs_while_it_blocks() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let task = runtime.spawn(async {
        block_in_place(|| {
            let (tx, rx) = mpsc::channel();
            drop(runtime::spawn(async move { tx.send(7).unwrap() }));
            rx.recv().unwrap()
        })
    });
    assert_eq!(runtime.block_on(task).unwrap(), 7);
}

#[test]
fn the_closure_may_block_on_a_future() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        let task = runtime.spawn(async {
            block_in_place(|| {
                runtime::Handle::current().block_on(async {
                    runtime::time::sleep(Duration::from_millis(1)).await;
                    runtime::spawn(async { 6 }).await.unwrap() + 1
                })
            })
        });
        assert_eq!(runtime.block_on(task).unwrap(), 7);
    }
}

#[test]
fn spares_are_bounded_and_leave_when_nobody_blocks() {
    let _watchdog = watchdog();
    const SPARES: usize = 3;
    let runtime = Runtime::builder().worker_threads(1).max_spare_threads(SPARES).build().unwrap();
    let gate = Gate::default();
    let blockers: Vec<_> = (0..20)
        .map(|_| {
            let gate = gate.clone();
            runtime.spawn(async move { block_in_place(|| gate.wait()) })
        })
        .collect();
    // One on the worker, one on each spare; no thread is left for the others.
    until(|| runtime.metrics().spares == SPARES);
    assert!(process::threads() > SPARES);
    let stuck = runtime.spawn(async {});
    gate.open();
    runtime.block_on(async {
        for blocker in blockers {
            blocker.await.unwrap();
        }
        stuck.await.unwrap();
    });
    until(|| runtime.metrics().spares == 0);
    // Again, with spares that may linger.
    for _ in 0..50 {
        let (tx, rx) = mpsc::channel();
        let blocker = runtime.spawn(async move { block_in_place(|| rx.recv().unwrap()) });
        let neighbour = runtime.spawn(async move { tx.send(7).unwrap() });
        assert_eq!(runtime.block_on(async { (neighbour.await.unwrap(), blocker.await.unwrap()) }).1, 7);
    }
    until_no_tasks(&runtime);
}

#[test]
fn without_spares_the_other_workers_do_the_work() {
    let _watchdog = watchdog();
    let runtime = Runtime::builder().worker_threads(2).max_spare_threads(0).build().unwrap();
    let (tx, rx) = mpsc::channel();
    let blocker = runtime.spawn(async move {
        drop(runtime::spawn(async move { tx.send(7).unwrap() }));
        block_in_place(|| rx.recv().unwrap())
    });
    assert_eq!(runtime.block_on(blocker).unwrap(), 7);
    assert_eq!(runtime.metrics().spares, 0);
}

#[test]
fn a_closure_that_panics_ends_its_task_alone() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    for _ in 0..20 {
        let task = runtime.spawn(async {
            block_in_place(|| panic_silently());
        });
        assert!(runtime.block_on(task).unwrap_err().is_panic());
        assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
    }
    until(|| runtime.metrics().spares == 0);
}

#[test]
fn elsewhere_the_closure_is_simply_called() {
    let _watchdog = watchdog();
    assert_eq!(block_in_place(|| 7), 7);
    assert_eq!(runtime::block_on(async { block_in_place(|| 7) }), 7);
    let runtime = pool(1);
    assert_eq!(runtime.block_on(async { block_in_place(|| 7) }), 7);
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| block_in_place(|| 7))).unwrap(), 7);
}

#[test]
fn where_no_other_thread_could_stand_in_it_is_refused_with_help() {
    let _watchdog = watchdog();
    let sole = runtime::Builder::new_current_thread().build().unwrap();
    sole.block_on(async {
        assert_helpful(&panic_message(|| block_in_place(|| 7)), "block_in_place");
        let in_task = runtime::spawn(async { panic_message(|| block_in_place(|| 7)) });
        assert_helpful(&in_task.await.unwrap(), "block_in_place");
        assert_eq!(runtime::task::spawn_blocking(|| block_in_place(|| 7)).await.unwrap(), 7);
    });
}

#[test]
fn it_nests() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let task = runtime.spawn(async {
        block_in_place(|| {
            let (tx, rx) = mpsc::channel();
            drop(runtime::spawn(async move { tx.send(7).unwrap() }));
            block_in_place(|| rx.recv().unwrap())
        })
    });
    assert_eq!(runtime.block_on(task).unwrap(), 7);
}

#[test]
fn a_runtime_is_shut_down_around_a_blocked_worker() {
    let _watchdog = watchdog();
    let gate = Gate::default();
    let runtime = pool(1);
    let (started_tx, started) = mpsc::channel();
    let ended = Tally::default();
    let (held, counter) = (gate.clone(), ended.clone());
    drop(runtime.spawn(async move {
        block_in_place(|| {
            started_tx.send(()).unwrap();
            held.wait();
        });
        counter.add();
    }));
    started.recv().unwrap();
    let waiting = runtime.spawn(std::future::pending::<()>());
    let report = runtime.shutdown(Duration::from_millis(20));
    assert_eq!(report.tasks, 2, "{report:?}");
    // The blocked one, and its stand-in if that has not come to look yet.
    assert!((1..=2).contains(&report.workers), "{report:?}");
    // Nobody runs this one any more: it is dropped whether the blocked one comes back or not.
    assert!(futures::executor::block_on(waiting).unwrap_err().is_cancelled());
    assert_eq!(ended.get(), 0);
    gate.open();
    // A poll that is under way comes to its end.
    until(|| ended.get() == 1);
}
