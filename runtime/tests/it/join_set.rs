//! `JoinSet` on the pool.
use std::sync::mpsc;
use std::time::Duration;

use runtime::task::{JoinSet, yield_now};

use crate::support::{Gate, Tally, WORKERS, count, panic_silently, pool, until, until_no_tasks, watchdog};

#[test]
fn every_task_of_a_set_is_joined_once() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let tasks = count(1_000, 100_000);
        let check = move || async move {
            let mut set = JoinSet::new();
            for n in 0..tasks {
                set.spawn(async move {
                    if n % 3 == 0 {
                        yield_now().await;
                    }
                    n
                });
            }
            assert_eq!(set.len(), tasks);
            let mut seen = vec![false; tasks];
            while let Some(joined) = set.join_next().await {
                let n = joined.unwrap();
                assert!(!std::mem::replace(&mut seen[n], true));
            }
            assert!(set.is_empty());
            assert!(seen.into_iter().all(|seen| seen));
            assert!(set.join_next().await.is_none());
        };
        runtime.block_on(runtime.spawn(check())).unwrap();
        runtime.block_on(check());
        until_no_tasks(&runtime);
    }
}

#[test]
fn dropping_a_set_aborts_its_tasks() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let dropped = Tally::default();
        runtime.block_on(async {
            let mut set = JoinSet::new();
            for _ in 0..100 {
                let guard = dropped.on_drop();
                set.spawn(async move {
                    let _guard = guard;
                    std::future::pending::<()>().await;
                });
            }
            yield_now().await;
        });
        until(|| dropped.get() == 100);
        until_no_tasks(&runtime);
    }
}

#[test]
fn a_set_that_lets_go_of_its_tasks_leaves_them_running() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let ran = Tally::default();
    runtime.block_on(async {
        let mut set = JoinSet::new();
        for _ in 0..10 {
            let counter = ran.clone();
            set.spawn(async move {
                yield_now().await;
                counter.add();
            });
        }
        set.detach_all();
        assert!(set.is_empty());
    });
    until(|| ran.get() == 10);
}

#[test]
fn panics_and_aborts_are_told_with_the_id_of_their_task() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    runtime.block_on(async {
        let mut set = JoinSet::new();
        let fine = set.spawn(async { 7 });
        let panics = set.spawn(async { panic_silently() });
        let aborted = set.spawn(std::future::pending());
        aborted.abort();
        let mut left = 3;
        while let Some(joined) = set.join_next_with_id().await {
            left -= 1;
            match joined {
                Ok((id, seven)) => assert_eq!((id, seven), (fine.id(), 7)),
                Err(error) if error.is_panic() => assert_eq!(error.id(), panics.id()),
                Err(error) => {
                    assert!(error.is_cancelled());
                    assert_eq!(error.id(), aborted.id());
                }
            }
        }
        assert_eq!(left, 0);
    });
}

#[test]
fn giving_up_a_join_loses_nothing() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    runtime.block_on(async {
        let mut set = JoinSet::new();
        for n in 0..200_u64 {
            set.spawn(async move {
                runtime::time::sleep(Duration::from_micros(n * 50)).await;
                n
            });
        }
        let mut sum = 0;
        while !set.is_empty() {
            // Given up again and again, between any two of them.
            if let Ok(Some(joined)) =
                runtime::time::timeout(Duration::from_micros(300), set.join_next()).await
            {
                sum += joined.unwrap();
            }
        }
        assert_eq!(sum, 199 * 200 / 2);
    });
}

#[test]
fn blocking_closures_and_other_runtimes_may_be_in_a_set() {
    let _watchdog = watchdog();
    let (runtime, other) = (pool(1), pool(1));
    let gate = Gate::default();
    let (tx, rx) = mpsc::channel();
    let sum: u32 = runtime.block_on(async {
        let mut set = JoinSet::new();
        let held = gate.clone();
        set.spawn_blocking(move || {
            tx.send(()).unwrap();
            held.wait();
            1
        });
        set.spawn_on(async { 2 }, other.handle());
        set.spawn(async move {
            gate.open();
            4
        });
        let joined = set.join_all().await;
        joined.into_iter().sum()
    });
    rx.recv().unwrap();
    assert_eq!(sum, 7);
}
