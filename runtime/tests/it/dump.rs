//! The task dump: what it says of each task, also while nobody can answer.
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use runtime::task::{Builder, spawn_pinned, yield_now};
use runtime::{Dump, Runtime, TaskDump, TaskKind, TaskState};

use crate::support::{
    Gate, OpenOnDrop, Rng, Tally, count, pool, pool_without_spares, until, until_no_tasks, watchdog,
};

fn entry(dump: &Dump, id: runtime::task::Id) -> TaskDump {
    dump.iter().find(|task| task.id == id).cloned().unwrap_or_else(|| panic!("{id} is missing in {dump}"))
}

#[test]
fn idle_queued_polled_and_cancelled_tasks_are_told_apart_while_every_worker_is_stuck() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(2);
    let gate = Gate::default();
    let _opens = OpenOnDrop(gate.clone());
    let idle = Builder::new().name("idle").spawn_on(pending::<()>(), runtime.handle()).unwrap();
    let pinned = runtime.spawn_pinned(pending::<()>);
    until(|| runtime.dump().iter().all(|task| task.state == TaskState::Idle));
    let blocked = Tally::default();
    let blockers: Vec<_> = (0..2)
        .map(|_| {
            let (gate, blocked) = (gate.clone(), blocked.clone());
            runtime.spawn(async move {
                blocked.add();
                gate.wait();
            })
        })
        .collect();
    until(|| blocked.get() == 2);
    let queued = runtime.spawn(async {});
    let cancelled = runtime.spawn(async {});
    cancelled.abort();
    let closure = {
        let (gate, blocked) = (gate.clone(), blocked.clone());
        runtime.spawn_blocking(move || {
            blocked.add();
            gate.wait();
        })
    };
    until(|| blocked.get() == 3);

    let dump = runtime.handle().dump();
    assert_eq!(dump.len(), 7, "{dump}");
    let state = |id| (entry(&dump, id).kind, entry(&dump, id).state);
    assert_eq!(state(idle.id()), (TaskKind::Shared, TaskState::Idle));
    assert_eq!(entry(&dump, idle.id()).name, Some("idle"));
    assert_eq!(state(pinned.id()), (TaskKind::Pinned, TaskState::Idle));
    assert_eq!(state(queued.id()), (TaskKind::Shared, TaskState::Queued));
    assert_eq!(state(cancelled.id()), (TaskKind::Shared, TaskState::Cancelled));
    assert_eq!(state(closure.id()), (TaskKind::Blocking, TaskState::Polling { worker: None }));
    let mut workers: Vec<_> = blockers.iter().map(|task| state(task.id())).collect();
    workers.sort_by_key(|(_, state)| format!("{state:?}"));
    let polling = |worker| (TaskKind::Shared, TaskState::Polling { worker: Some(worker) });
    assert_eq!(workers, [polling(0), polling(1)]);
    // The supervisor has met them before long, and says for how long already.
    let stuck = |dump: &Dump| blockers.iter().all(|task| entry(dump, task.id()).polled_for.is_some());
    until(|| stuck(&runtime.dump()));
    let text = runtime.dump().to_string();
    for part in
        ["7 tasks", "`idle`: idle", "polled by worker 0 for", "a closure: running", "cancelled", file!()]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    gate.open();
}

/// How exact they are is a matter of time: `latency.rs` measures it.
#[test]
fn the_age_of_every_task_is_known_and_none_is_older_than_its_runtime() {
    let _watchdog = watchdog();
    for workers in [1, 2, 1, 2, 1, 2] {
        let built = Instant::now();
        let runtime = Runtime::builder().worker_threads(workers).build().unwrap();
        let age = |id| entry(&runtime.dump(), id).age;
        let local = async { runtime::task::spawn_local(pending::<()>()).id() };
        for id in [
            runtime.spawn(pending::<()>()).id(),
            runtime.block_on(runtime.spawn(async { runtime::spawn(pending::<()>()).id() })).unwrap(),
            runtime.block_on(runtime.spawn_pinned(|| local)).unwrap(),
        ] {
            let age = age(id).expect("younger than the runtime");
            assert!(age <= built.elapsed(), "{age:?}");
        }
    }
}

#[test]
fn a_runtime_without_workers_is_dumped_without_ages() {
    let _watchdog = watchdog();
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    let idle = runtime.spawn(pending::<()>());
    assert_eq!(entry(&runtime.dump(), idle.id()).state, TaskState::Queued);
    let this = runtime.handle().clone();
    let dump = runtime.block_on(runtime.spawn(async move { this.dump() })).unwrap();
    assert_eq!(dump.len(), 2);
    assert_eq!(entry(&dump, idle.id()).state, TaskState::Idle);
    let itself = dump.iter().find(|task| task.id != idle.id()).unwrap();
    assert_eq!((itself.state, itself.age), (TaskState::Polling { worker: None }, None));
    assert!(itself.to_string().contains("polled by the thread in `block_on`"), "{itself}");
}

#[test]
fn a_runtime_that_has_ended_has_an_empty_dump() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let handle = runtime.handle().clone();
    let tasks: Vec<_> = (0..100).map(|_| runtime.spawn(pending::<()>())).collect();
    assert_eq!(handle.dump().len(), 100);
    drop(runtime);
    assert!(handle.dump().is_empty());
    drop(tasks);
    assert_eq!(handle.dump().to_string(), "0 tasks");
}

/// A task that is there all the while is in every dump, with its own name and place, whatever cells come and go around it;
/// and whatever is in a dump is what one of ours was: never the name of one with the identifier or place of another.
#[test]
fn dumps_against_spawns_and_ends_tell_of_each_task_what_is_its_own() {
    let _watchdog = watchdog();
    for poll_times in [false, true] {
        let runtime = Runtime::builder().worker_threads(2).poll_times(poll_times).build().unwrap();
        dump_against_spawns_and_ends(&runtime, poll_times);
    }
}

fn dump_against_spawns_and_ends(runtime: &Runtime, poll_times: bool) {
    let (mut rng, stop) = (Rng::new(), Arc::new(AtomicBool::new(false)));
    let entered = runtime.enter();
    let kept: Vec<_> = (0..200)
        .map(|n| {
            let large = [n; 500];
            match n % 3 {
                0 => Builder::new().name("kept").spawn(pending::<()>()).unwrap(),
                1 => Builder::new().name("kept").spawn_pinned(pending::<()>).unwrap(),
                // In an allocation of its own.
                _ => Builder::new()
                    .name("kept")
                    .spawn(async move {
                        pending::<()>().await;
                        std::hint::black_box(&large);
                    })
                    .unwrap(),
            }
        })
        .collect();
    // Of each kind one place, which is the name's alone.
    let come_and_go = |kind: usize| match kind {
        0 => drop(Builder::new().name("0").spawn(async {}).unwrap()),
        1 => drop(Builder::new().name("1").spawn(yield_now()).unwrap()),
        2 => Builder::new().name("2").spawn(pending::<()>()).unwrap().abort(),
        3 => drop(Builder::new().name("3").spawn_pinned(|| async {}).unwrap()),
        4 => {
            let large = [0_u8; 2_000];
            drop(Builder::new().name("4").spawn(async move { _ = std::hint::black_box(&large) }).unwrap());
        }
        5 => drop(runtime::spawn(async {})),
        _ => drop(spawn_pinned(|| async {})),
    };
    drop(entered);
    let churn = {
        let stop = Arc::clone(&stop);
        move |mut rng: Rng| async move {
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..100 {
                    come_and_go(rng.below(7));
                }
                yield_now().await;
            }
        }
    };
    let mut tasks = Vec::new();
    for _ in 0..2 {
        tasks.push(runtime.spawn(churn.clone()(rng.fork())));
    }
    let outside = {
        let (handle, churn, rng) = (runtime.handle().clone(), churn, rng.fork());
        std::thread::spawn(move || handle.block_on(churn(rng)))
    };
    let mut places = std::collections::HashMap::new();
    for _ in 0..count(100, 10_000) {
        let dump = runtime.dump();
        let mut ids = dump.iter().map(|task| task.id);
        let first = ids.next().unwrap();
        ids.try_fold(first, |last, id| (id > last).then_some(id)).expect("in order, and each once");
        let ids: std::collections::HashSet<_> = dump.iter().map(|task| task.id).collect();
        assert!(kept.iter().all(|task| ids.contains(&task.id())), "a task is missing");
        for task in &dump {
            assert_eq!(task.spawned_at.file(), file!());
            // One that ends meanwhile may not have them any more.
            if task.polls.is_some() || task.name == Some("kept") {
                assert_eq!(task.polls.is_some(), poll_times, "{task}");
            }
            assert_eq!(task.name == Some("kept"), kept.iter().any(|kept| kept.id() == task.id), "{task}");
            if let Some(name) = task.name.filter(|name| *name != "kept") {
                assert_eq!(*places.entry(name).or_insert(task.spawned_at), task.spawned_at);
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    outside.join().unwrap();
    for task in kept {
        task.abort();
    }
    until_no_tasks(runtime);
}

#[test]
fn polls_are_counted_and_timed_where_the_builder_asks_for_it_and_nowhere_else() {
    let _watchdog = watchdog();
    async fn polled_four_times() {
        for _ in 0..3 {
            yield_now().await;
        }
        pending::<()>().await;
    }
    let long = Duration::from_millis(2);
    for mut builder in [runtime::Builder::new_multi_thread(), runtime::Builder::new_current_thread()] {
        if format!("{builder:?}").contains("MultiThread") {
            builder.worker_threads(2);
        }
        let runtime = builder.poll_times(true).build().unwrap();
        let busy = runtime.spawn(async move {
            let began = Instant::now();
            while began.elapsed() < long {
                std::hint::spin_loop();
            }
            yield_now().await;
            pending::<()>().await;
        });
        let gate = Gate::default();
        let _opens = OpenOnDrop(gate.clone());
        let closure = runtime.spawn_blocking(move || gate.wait());
        let polls = |id| entry(&runtime.dump(), id).polls;
        runtime.block_on(async {
            // From the thread in `block_on`, from a task, pinned, and from a pinned one.
            let from_task = runtime::spawn(async { runtime::spawn(polled_four_times()).id() });
            let from_pinned = spawn_pinned(|| async { runtime::task::spawn_local(polled_four_times()).id() });
            let tasks = [
                runtime::spawn(polled_four_times()).id(),
                spawn_pinned(polled_four_times).id(),
                from_task.await.unwrap(),
                from_pinned.await.unwrap(),
            ];
            let count = |id| polls(id).expect("a task that is there").polls;
            while count(busy.id()) < 2 || tasks.iter().any(|task| count(*task) < 4) {
                yield_now().await;
            }
            let times = polls(busy.id()).unwrap();
            assert_eq!(times.polls, 2);
            assert!(times.longest >= long && times.busy >= times.longest, "{times:?}");
            for task in tasks {
                assert_eq!(count(task), 4);
            }
            assert_eq!(polls(closure.id()), None, "a closure is not polled");
            let text = entry(&runtime.dump(), busy.id()).to_string();
            assert!(text.contains(": idle; 2 polls before, "), "{text}");
        });
    }
    let plain = pool(1);
    drop(plain.spawn(pending::<()>()));
    assert_eq!(plain.dump().len(), 1);
    assert!(plain.dump().iter().all(|task| task.polls.is_none()));
}
