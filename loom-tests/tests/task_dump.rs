//! What an outsider reads of tasks that it does not hold: `runtime/src/task/README.md`, "Reading tasks that one does not
//! hold", and `runtime/src/supervisor/README.md`, "What it sees".
#![cfg(runtime_loom)]

use std::collections::HashMap;
use std::sync::{Arc as Untracked, Mutex as UntrackedMutex};

use loom::sync::Arc;
use loom::thread;
use runtime::model::supervisor::Pulse;
use runtime::model::task::Executor;

fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// The place of each task. Filled by the spawner, read after all.
type Places = Untracked<UntrackedMutex<HashMap<runtime::task::Id, u32>>>;

/// Spawns two tasks one after the other, from two places. The cell of the first is the second's, too.
fn spawn_two(executor: &Executor, places: &Places) {
    let (first, line) = (executor.spawn(async {}), line!());
    places.lock().unwrap().insert(first.id(), line);
    drop(first);
    executor.run_one();
    let (second, line) = (executor.spawn(async {}), line!());
    places.lock().unwrap().insert(second.id(), line);
    drop(second);
}

fn look_against_spawns(as_worker: bool, prepare: fn(&Executor, &Places)) {
    let executor = Executor::new();
    let places = Places::default();
    prepare(&executor, &places);
    let other = executor.clone();
    let looks = thread::spawn(move || other.look());
    if as_worker {
        executor.as_worker(|| spawn_two(&executor, &places));
    } else {
        spawn_two(&executor, &places);
    }
    let seen = looks.join().unwrap();
    let places = places.lock().unwrap();
    for (id, place) in seen {
        assert_eq!(place.line(), places[&id], "the place of another task");
    }
    executor.close_and_drain();
    executor.retire();
}

/// A page with a cell in it that a task has been in.
fn spawn_and_run(executor: &Executor, places: &Places) {
    let (task, line) = (executor.spawn(async {}), line!());
    places.lock().unwrap().insert(task.id(), line);
    drop(task);
    executor.run_one();
}

#[test]
fn a_look_at_a_cell_that_goes_from_task_to_task_tells_of_one() {
    model(3, || look_against_spawns(false, spawn_and_run));
}

#[test]
fn a_look_while_a_worker_makes_its_first_tasks_tells_of_one() {
    model(3, || look_against_spawns(true, |_, _| ()));
}

#[test]
fn a_task_that_is_there_all_the_while_is_seen() {
    model(2, || {
        let executor = Executor::new();
        let kept = executor.spawn(std::future::pending::<()>());
        executor.run_one();
        let other = executor.clone();
        let looks = thread::spawn(move || other.look());
        drop(executor.spawn(async {}));
        executor.run_one();
        let seen = looks.join().unwrap();
        assert!(seen.iter().any(|(id, _)| *id == kept.id()));
        drop(kept);
        executor.close_and_drain();
        executor.retire();
    });
}

#[test]
fn a_heartbeat_tells_of_one_poll() {
    model(3, || {
        let cells: [*const (); 3] = [1, 2, 3].map(std::ptr::without_provenance);
        let pulse = Arc::new(Pulse::default());
        let other = pulse.clone();
        let looks = thread::spawn(move || other.look());
        for (number, cell) in (1..).zip(cells) {
            pulse.poll(number, cell);
        }
        if let Some((beat, id, cell)) = looks.join().unwrap() {
            assert_eq!(beat, 2 * id - 1);
            assert_eq!(cell, cells[id as usize - 1].addr());
        }
    });
}
