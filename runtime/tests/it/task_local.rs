//! Task-local values go with their task, whichever worker polls it.
use std::cell::Cell;

use runtime::task::yield_now;

use crate::support::{Tally, WORKERS, panic_message, pool, watchdog};

runtime::task_local! {
    static NUMBER: usize;
    static COUNT: Cell<usize>;
}

#[test]
fn a_value_is_seen_in_its_scope_alone() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    assert!(NUMBER.try_with(|_| ()).is_err());
    runtime.block_on(async {
        assert!(NUMBER.try_with(|_| ()).is_err());
        NUMBER
            .scope(1, async {
                assert_eq!(NUMBER.get(), 1);
                let inner = NUMBER.scope(2, async {
                    yield_now().await;
                    NUMBER.get()
                });
                assert_eq!(inner.await, 2);
                assert_eq!(NUMBER.get(), 1);
                // A task that is spawned has its own values: none.
                assert!(runtime::spawn(async { NUMBER.try_with(|_| ()).is_err() }).await.unwrap());
                assert_eq!(NUMBER.sync_scope(3, || NUMBER.get()), 3);
            })
            .await;
        assert!(NUMBER.try_with(|_| ()).is_err());
    });
}

#[test]
fn values_follow_their_tasks_from_worker_to_worker() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                runtime.spawn(NUMBER.scope(
                    n,
                    COUNT.scope(Cell::new(0), async move {
                        for polls in 0..50 {
                            assert_eq!(NUMBER.get(), n);
                            COUNT.with(|count| {
                                assert_eq!(count.get(), polls);
                                count.set(polls + 1);
                            });
                            yield_now().await;
                        }
                        COUNT.with(Cell::get)
                    }),
                ))
            })
            .collect();
        runtime.block_on(async {
            for task in tasks {
                assert_eq!(task.await.unwrap(), 50);
            }
        });
    }
}

#[test]
fn the_value_is_dropped_with_its_task() {
    let _watchdog = watchdog();
    runtime::task_local! {
        static GUARD: crate::support::CountDrop;
    }
    let runtime = pool(2);
    let dropped = Tally::default();
    let finished = runtime.spawn(GUARD.scope(dropped.on_drop(), yield_now()));
    runtime.block_on(finished).unwrap();
    assert_eq!(dropped.get(), 1);
    let aborted = runtime.spawn(GUARD.scope(dropped.on_drop(), std::future::pending::<()>()));
    aborted.abort();
    assert!(runtime.block_on(aborted).unwrap_err().is_cancelled());
    assert_eq!(dropped.get(), 2);
}

#[test]
fn outside_of_a_scope_reading_it_panics() {
    let _watchdog = watchdog();
    let message = panic_message(|| NUMBER.get());
    assert_ne!(message, "no text");
}
