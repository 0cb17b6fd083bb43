//! Named tasks: every way to spawn one, and what a name costs.
use std::future::pending;
use std::rc::Rc;

use runtime::task::{Builder, JoinSet, LocalSet};
use runtime::{TaskDump, TaskKind};

use crate::support::{Gate, OpenOnDrop, pool, until, until_no_tasks, watchdog};

fn named(runtime: &runtime::Runtime, name: &str) -> Option<TaskDump> {
    runtime.dump().into_iter().find(|task| task.name == Some(name))
}

#[test]
fn every_way_to_spawn_gives_the_name_and_the_callers_place() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let gate = Gate::default();
    let _opens = OpenOnDrop(gate.clone());
    let entered = runtime.enter();
    let first = line!() + 1;
    let shared = Builder::new().name("shared").spawn(pending::<()>()).unwrap();
    let on = Builder::new().name("on").spawn_on(pending::<()>(), runtime.handle()).unwrap();
    let pinned = Builder::new().name("pinned").spawn_pinned(pending::<()>).unwrap();
    let closed = gate.clone();
    let blocking =
        Builder::new().name(String::from("blocking")).spawn_blocking(move || closed.wait()).unwrap();
    let (closed, handle) = (gate.clone(), runtime.handle());
    let blocking_on =
        Builder::new().name("blocking_on").spawn_blocking_on(move || closed.wait(), handle).unwrap();
    let nameless = Builder::new().spawn(pending::<()>()).unwrap();
    let last = line!();
    drop(entered);
    for (name, id, kind) in [
        ("shared", shared.id(), TaskKind::Shared),
        ("on", on.id(), TaskKind::Shared),
        ("pinned", pinned.id(), TaskKind::Pinned),
        ("blocking", blocking.id(), TaskKind::Blocking),
        ("blocking_on", blocking_on.id(), TaskKind::Blocking),
    ] {
        let task = named(&runtime, name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!((task.id, task.kind), (id, kind), "{name}");
        assert_eq!(task.spawned_at.file(), file!());
        assert!((first..=last).contains(&task.spawned_at.line()), "{name}: {}", task.spawned_at);
    }
    let dump = runtime.dump();
    assert_eq!(dump.iter().find(|task| task.id == nameless.id()).unwrap().name, None);
    assert_eq!(dump.len(), 6);
    gate.open();
    for task in [&shared, &on, &pinned, &nameless] {
        task.abort();
    }
    until_no_tasks(&runtime);
    until(|| runtime.dump().is_empty());
}

#[test]
fn named_tasks_of_a_local_set_and_of_a_join_set_give_their_outputs() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let set = LocalSet::new();
    let sum = set.block_on(&runtime, async {
        let one = Builder::new().name("one").spawn_local(async { Rc::new(1) }).unwrap();
        let two = Builder::new().name("two").spawn_local_on(async { Rc::new(2) }, &set).unwrap();
        *one.await.unwrap() + *two.await.unwrap()
    });
    assert_eq!(sum, 3);
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        tasks.build_task().name("four").spawn(async { 4 }).unwrap();
        tasks.build_task().name("five").spawn_on(async { 5 }, runtime.handle()).unwrap();
        tasks.build_task().name("six").spawn_blocking(|| 6).unwrap();
        tasks.build_task().name("seven").spawn_blocking_on(|| 7, runtime.handle()).unwrap();
        assert_eq!(tasks.join_all().await.into_iter().sum::<i32>(), 22);
    });
}

#[test]
fn a_name_is_the_same_for_all_tasks_of_a_kind() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let tasks: Vec<_> = (0..100)
        .map(|_| Builder::new().name("kind").spawn_on(pending::<()>(), runtime.handle()).unwrap())
        .collect();
    let names: Vec<_> = runtime.dump().into_iter().filter_map(|task| task.name).collect();
    assert_eq!(names.len(), tasks.len());
    assert!(names.iter().all(|name| std::ptr::eq(*name, names[0])), "a name is kept once");
}
