//! Rows of tasks whose polls are counted: there while the task is, whoever holds its handle.
use std::future::pending;

use super::within_time;
use crate::task::{Id, JoinHandle, yield_now};
use crate::{Runtime, poll_times};

fn polls(id: Id) -> Option<u64> {
    poll_times::of(id.as_nonzero().get()).map(|times| times.polls)
}

fn timed(workers: usize) -> Runtime {
    Runtime::builder().worker_threads(workers).poll_times(true).build().unwrap()
}

#[test]
fn the_row_of_a_task_goes_with_it_however_it_ends() {
    within_time(|| {
        let runtime = timed(2);
        let until_gone = |id| {
            while polls(id).is_some() {
                std::thread::yield_now();
            }
        };
        // The handle is held meanwhile.
        let ready = runtime.spawn(async { yield_now().await });
        until_gone(ready.id());
        let panics = runtime.spawn(async {
            yield_now().await;
            std::panic::resume_unwind(Box::new(()));
        });
        until_gone(panics.id());
        let aborted = runtime.spawn(pending::<()>());
        while polls(aborted.id()) != Some(1) {
            std::thread::yield_now();
        }
        aborted.abort();
        until_gone(aborted.id());
        let pinned = runtime.spawn_pinned(pending::<()>);
        assert!(polls(pinned.id()).is_some());
        pinned.abort();
        until_gone(pinned.id());
        let left: Vec<JoinHandle<()>> = (0..100).map(|_| runtime.spawn(pending::<()>())).collect();
        assert!(left.iter().all(|task| polls(task.id()).is_some()));
        drop(runtime);
        assert!(left.iter().all(|task| polls(task.id()).is_none()));
    });
}

#[test]
fn a_task_that_is_refused_has_no_row() {
    within_time(|| {
        let runtime = timed(1);
        let handle = runtime.handle().clone();
        drop(runtime);
        assert_eq!(polls(handle.spawn(async {}).id()), None);
        assert_eq!(polls(handle.spawn_pinned(|| async {}).id()), None);
    });
}

/// Of many tasks that are woken on several workers, each poll is counted once: also where the next poll is over before the
/// last one has been counted.
#[test]
fn no_poll_is_lost_or_counted_twice_where_tasks_go_from_worker_to_worker() {
    within_time(|| {
        let runtime = timed(4);
        let tasks: Vec<_> = (0..super::rounds(5_000))
            .map(|_| {
                runtime.spawn(async {
                    for _ in 0..20 {
                        yield_now().await;
                    }
                    pending::<()>().await;
                })
            })
            .collect();
        for task in &tasks {
            while polls(task.id()) < Some(21) {
                std::thread::yield_now();
            }
        }
        assert!(tasks.iter().all(|task| polls(task.id()) == Some(21)));
    });
}
