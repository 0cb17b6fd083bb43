//! Giving a burst's memory back, against those who spawn, release and look: `runtime/src/task/README.md`, "After a burst".
//! A page is two cells here, nothing is always kept, and a page that is freed is written to, as loom sees it.
#![cfg(runtime_loom)]

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use loom::thread;
use runtime::model::task::Executor;

fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// So many tasks that are complete, their cells in the depot.
fn after_a_burst(tasks: usize) -> Executor {
    let executor = Executor::new();
    executor.as_worker(|| {
        let handles: Vec<_> = (0..tasks).map(|_| executor.spawn(async {})).collect();
        executor.run_all();
        drop(handles);
    });
    executor
}

fn end(executor: Executor) {
    executor.close_and_drain();
    executor.retire();
}

#[test]
fn a_spawn_while_memory_is_given_back_has_a_cell_of_its_own() {
    model(3, || {
        let executor = after_a_burst(4);
        let other = executor.clone();
        let spawns = thread::spawn(move || {
            let tasks = [(); 2].map(|()| other.spawn(std::future::pending::<()>()));
            tasks.map(|task| task.id())
        });
        executor.tidy_all();
        let ids = spawns.join().unwrap();
        // Pages that were freed under a task would be made anew here, and the tasks gone.
        drop([(); 2].map(|()| executor.spawn(async {})));
        executor.run_all();
        assert_eq!(executor.live(), 2, "a page was freed with a task in it");
        let seen: HashSet<_> = executor.look().into_iter().map(|(id, _)| id).collect();
        assert_eq!(seen, HashSet::from(ids));
        end(executor);
    });
}

#[test]
fn a_look_while_memory_is_given_back_reads_no_page_that_has_gone() {
    model(3, || {
        let executor = after_a_burst(4);
        let kept = executor.spawn(std::future::pending::<()>());
        executor.run_one();
        let other = executor.clone();
        let looks = thread::spawn(move || other.look());
        executor.tidy_all();
        let seen = looks.join().unwrap();
        assert!(seen.iter().any(|(id, _)| *id == kept.id()), "a task that was there all the while");
        drop(kept);
        end(executor);
    });
}

#[test]
fn a_release_while_memory_is_given_back_leaves_no_cell_in_two_places() {
    model(2, || {
        let executor = after_a_burst(3);
        let task = executor.spawn(async {});
        executor.run_all();
        let other = executor.clone();
        let releases = thread::spawn(move || {
            other.as_worker(|| drop(task));
        });
        executor.tidy_all();
        releases.join().unwrap();
        // Whatever is free is there once: as many tasks have as many cells.
        let tasks = [(); 4].map(|()| executor.spawn(std::future::pending::<()>()));
        assert_eq!(executor.live(), 4);
        assert_eq!(executor.look().len(), 4);
        drop(tasks);
        end(executor);
    });
}

/// The call takes the lock that a spawn takes, and panics. The scheduler itself reports that it goes while it is called.
#[test]
fn whoever_is_called_by_a_release_is_called_under_no_lock_and_keeps_the_scheduler_that_another_release_ends()
{
    model(3, || {
        let executor = Executor::new();
        let mut handles: Vec<_> = (0..6).map(|_| executor.spawn(async {})).collect();
        executor.run_all();
        // As many as there is room for without a depot.
        handles.truncate(2);
        let (last, other) = (handles.pop(), handles.pop());
        executor.close_and_drain();
        let calls = executor.called_to_tidy();
        executor.retire();
        let releases = thread::spawn(move || drop(other));
        drop(last);
        releases.join().unwrap();
        assert_eq!(calls.load(Ordering::Relaxed), 1, "a depot that becomes untidy is told of once");
    });
}
