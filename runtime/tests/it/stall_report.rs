//! Stall reports: who is told of a task that keeps its worker, and of what.
use std::io::BufRead as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use runtime::task::{Builder, block_in_place};
use runtime::{Runtime, StallReport};

use crate::support::{Gate, OpenOnDrop, Tally, child, panic_silently, until, until_no_tasks, watchdog};

/// A runtime with one worker, and what it reports.
fn reporting(set: impl FnOnce(&mut runtime::Builder)) -> (Runtime, mpsc::Receiver<StallReport>) {
    let (tx, rx) = mpsc::channel();
    let mut builder = Runtime::builder();
    builder.worker_threads(1).on_stall(move |report| drop(tx.send(report.clone())));
    set(&mut builder);
    (builder.build().unwrap(), rx)
}

#[test]
fn a_stall_is_told_when_it_is_found_and_when_it_is_over() {
    let _watchdog = watchdog();
    let (runtime, reports) = reporting(|_| ());
    let gate = Gate::default();
    let _opens = OpenOnDrop(gate.clone());
    let line = line!() + 1;
    let task = Builder::new().name("blocker").spawn_on(blocked(&gate), runtime.handle()).unwrap();
    let found = reports.recv().unwrap();
    assert_eq!((found.id, found.name, found.worker, found.over), (task.id(), Some("blocker"), 0, false));
    assert_eq!((found.spawned_at.file(), found.spawned_at.line()), (file!(), line));
    assert!(found.lasted >= Duration::from_millis(10), "{found:?}");
    assert_eq!((found.unreported, found.thread.as_ref()), (0, None));
    until(|| runtime.metrics().stalled_workers == 1);
    assert!(runtime.metrics().stalls >= 1);
    // While it is stuck a dump says so.
    let dump = runtime.dump();
    assert!(dump.iter().any(|entry| entry.id == task.id() && entry.polled_for.is_some()), "{dump}");
    let text = found.to_string();
    assert!(text.contains("`blocker`") && text.contains("has kept worker 0 in one poll"), "{text}");
    gate.open();
    let over = reports.recv().unwrap();
    assert_eq!((over.id, over.name, over.over), (task.id(), Some("blocker"), true));
    assert!(over.lasted >= found.lasted, "{over:?} after {found:?}");
    assert!(over.to_string().contains("came out of"), "{over}");
    until(|| runtime.metrics().stalled_workers == 0);
    until_no_tasks(&runtime);
}

fn blocked(gate: &Gate) -> impl Future<Output = ()> + Send + use<> {
    let gate = gate.clone();
    async move { gate.wait() }
}

#[test]
fn of_the_stalls_of_one_place_one_is_told_at_a_time() {
    let _watchdog = watchdog();
    let (runtime, reports) = reporting(|builder| {
        builder.worker_threads(4);
    });
    let gate = Gate::default();
    let _opens = OpenOnDrop(gate.clone());
    for _ in 0..4 {
        drop(runtime.spawn(blocked(&gate)));
    }
    until(|| runtime.metrics().stalled_workers == 4);
    gate.open();
    until_no_tasks(&runtime);
    drop(runtime);
    let reports: Vec<_> = reports.iter().collect();
    let told = reports.iter().filter(|report| !report.over).count();
    let unreported: u64 = reports.iter().map(|report| report.unreported).sum();
    // On a machine so slow that a second passed between two of them, more are told.
    assert!((1..4).contains(&told) || unreported == 0, "{reports:?}");
}

/// Whoever would free them waits for a thread, and nobody asked for reports: it is the last that is heard of the program.
#[test]
fn that_no_thread_is_left_is_said_once_though_nobody_asked() {
    const NAME: &str = "stall_report::that_no_thread_is_left_is_said_once_though_nobody_asked";
    const SPARES: usize = 3;
    let _watchdog = watchdog();
    if child::is(NAME) {
        let runtime = Runtime::builder().worker_threads(2).max_spare_threads(SPARES).build().unwrap();
        let (tx, rx) = mpsc::channel::<()>();
        let rx = std::sync::Arc::new(parking_lot::Mutex::new(rx));
        let blocked = Tally::default();
        for _ in 0..2 + SPARES {
            let (rx, blocked) = (rx.clone(), blocked.clone());
            drop(runtime.spawn(async move {
                blocked.add();
                rx.lock().recv().unwrap_err();
            }));
        }
        until(|| blocked.get() == 2 + SPARES);
        drop(runtime.spawn(async move { drop(tx) }));
        // For ever: the parent ends this.
        loop {
            std::thread::park();
        }
    }
    let mut child = child::command(NAME).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let said: Vec<_> =
        lines.filter(|line| line.contains("runtime: ") || line.contains("help: ")).take(3).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let text = said.join("\n");
    assert!(said[0].contains("all 3 spare threads are taken: 5 threads are blocked"), "{text}");
    assert!(said[0].contains(&format!("spawned at {}", file!())), "{text}");
    assert!(
        said[1].contains("`spawn_blocking`") && said[2].contains("`Builder::max_spare_threads`"),
        "{text}"
    );
}

/// As the one before, where the system has no threads for spares.
#[test]
fn that_no_thread_is_left_is_said_where_spares_are_refused() {
    const NAME: &str = "stall_report::that_no_thread_is_left_is_said_where_spares_are_refused";
    let _watchdog = watchdog();
    if child::is(NAME) {
        let refuse = std::sync::Arc::new(AtomicBool::new(false));
        let refuses = refuse.clone();
        // No thread has a NUL in its name: it is refused like one for which there is no memory.
        let name = move || (if refuses.load(Ordering::Relaxed) { "\0" } else { "worker" }).to_owned();
        let runtime = Runtime::builder().worker_threads(2).thread_name_fn(name).build().unwrap();
        refuse.store(true, Ordering::Relaxed);
        let (gate, blocked) = (Gate::default(), Tally::default());
        for _ in 0..2 {
            let (gate, blocked) = (gate.clone(), blocked.clone());
            drop(runtime.spawn(async move {
                blocked.add();
                gate.wait();
            }));
        }
        until(|| blocked.get() == 2);
        drop(runtime.spawn(async move { gate.open() }));
        // For ever: the parent ends this.
        loop {
            std::thread::park();
        }
    }
    let mut child = child::command(NAME).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut said = lines.filter(|line| line.contains("runtime: "));
    let (first, second) = (said.next().unwrap(), said.next().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first.contains("no thread could be started"), "{first}");
    assert!(second.contains("2 threads are blocked by their tasks, no other can be started"), "{second}");
    assert!(second.contains(&format!("spawned at {}", file!())), "{second}");
}

#[test]
fn who_blocks_in_place_is_not_told_on() {
    let _watchdog = watchdog();
    let (runtime, reports) = reporting(|_| ());
    let (gate, started) = (Gate::default(), Tally::default());
    let _opens = OpenOnDrop(gate.clone());
    let task = runtime.spawn({
        let (gate, started) = (gate.clone(), started.clone());
        async move {
            block_in_place(|| {
                started.add();
                gate.wait();
            });
        }
    });
    until(|| started.get() == 1);
    let before = runtime.metrics().stalls;
    // Its poll has been found to be long.
    until(|| runtime.metrics().stalls > before || before > 0);
    gate.open();
    runtime.block_on(task).unwrap();
    drop(runtime);
    assert_eq!(reports.iter().count(), 0);
}

#[test]
fn a_callback_that_panics_keeps_nobody_from_being_told() {
    let _watchdog = watchdog();
    let calls = Tally::default();
    let counted = calls.clone();
    let runtime = Runtime::builder()
        .worker_threads(2)
        .on_stall(move |_| {
            counted.add();
            panic_silently();
        })
        .build()
        .unwrap();
    let gate = Gate::default();
    let _opens = OpenOnDrop(gate.clone());
    drop(runtime.spawn(blocked(&gate)));
    until(|| calls.get() == 1);
    drop(runtime.spawn(blocked(&gate)));
    until(|| calls.get() == 2);
    gate.open();
    until_no_tasks(&runtime);
    until(|| calls.get() == 4);
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_thread_does_is_told_if_asked_for() {
    let _watchdog = watchdog();
    let (runtime, reports) = reporting(|builder| {
        builder.stall_thread_state(true);
    });
    let gate = Gate::default();
    let _opens = OpenOnDrop(gate.clone());
    drop(runtime.spawn(blocked(&gate)));
    let thread = reports.recv().unwrap().thread.expect("Linux tells");
    assert_eq!(thread.state, 'S', "{thread}");
    assert!(thread.to_string().contains("it sleeps"), "{thread}");
    gate.open();
    until_no_tasks(&runtime);
}

/// What is under the attribute speaks up in a debug build; a runtime of a builder does not unless asked.
#[test]
fn a_debug_build_of_main_prints_stalls_and_a_builder_does_not() {
    const TEST: &str = "stall_report::a_debug_build_of_main_prints_stalls_and_a_builder_does_not";
    const BUILDER: &str = "RUNTIME_TEST_BUILDER";

    /// Until the stall has been found; the report was made by then, or is made before the runtime has gone.
    async fn stall() {
        let gate = Gate::default();
        let task = runtime::spawn(blocked(&gate));
        let runtime = runtime::Handle::current();
        until(|| runtime.metrics().stalled_workers == 1);
        gate.open();
        task.await.unwrap();
    }

    #[runtime::main(worker_threads = 1)]
    async fn under_the_attribute() {
        stall().await;
    }

    let _watchdog = watchdog();
    if child::is(TEST) {
        match std::env::var_os(BUILDER) {
            Some(_) => Runtime::builder().worker_threads(1).build().unwrap().block_on(stall()),
            None => under_the_attribute(),
        }
        return;
    }
    let text_of = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let text = text_of(&mut child::command(TEST));
    if cfg!(debug_assertions) {
        assert!(text.contains("has kept worker 0 in one poll"), "{text}");
        assert!(
            text.contains(file!()) && text.contains("help: ") && text.contains("spawn_blocking"),
            "{text}"
        );
    } else {
        assert!(!text.contains("in one poll"), "{text}");
    }
    let text = text_of(child::command(TEST).env(BUILDER, ""));
    assert!(!text.contains("in one poll"), "{text}");
}

/// Passes the events on, each as its level, target and fields.
#[cfg(feature = "tracing")]
struct Recorder(mpsc::Sender<String>);

#[cfg(feature = "tracing")]
impl tracing::Subscriber for Recorder {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "runtime::stall"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = format!("{} {}:", event.metadata().level(), event.metadata().target());
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            text += &format!(" {field}={value:?};");
        });
        drop(self.0.send(text));
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        unreachable!("stalls are events")
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
#[cfg(feature = "tracing")]
fn with_the_feature_a_stall_is_an_event_of_tracing() {
    let _watchdog = watchdog();
    // The subscriber is the process's.
    child::run("stall_report::with_the_feature_a_stall_is_an_event_of_tracing", || {
        let (tx, events) = mpsc::channel();
        tracing::subscriber::set_global_default(Recorder(tx)).unwrap();
        // Nothing is asked of the builder.
        let runtime = Runtime::builder().worker_threads(1).build().unwrap();
        let gate = Gate::default();
        let _opens = OpenOnDrop(gate.clone());
        let line = line!() + 1;
        let task = Builder::new().name("blocker").spawn_on(blocked(&gate), runtime.handle()).unwrap();
        let found = events.recv().unwrap();
        gate.open();
        let over = events.recv().unwrap();
        for (event, message) in [
            (found, "a task keeps its worker in one poll"),
            (over, "came out of a poll that kept its worker"),
        ] {
            assert!(event.starts_with("WARN runtime::stall:"), "{event}");
            for part in [
                message.to_owned(),
                format!("id={};", task.id()),
                "name=\"blocker\";".to_owned(),
                format!("spawned_at={}:{line}:", file!()),
                "worker=0;".to_owned(),
                "lasted=0.".to_owned(),
            ] {
                assert!(event.contains(&part), "no `{part}` in: {event}");
            }
        }
        until_no_tasks(&runtime);
    });
}

// The report of a panic takes its time, with a backtrace 100 ms and more.
#[test]
fn a_poll_that_panics_is_not_told_on_but_counted() {
    child::run("stall_report::a_poll_that_panics_is_not_told_on_but_counted", || {
        let _watchdog = watchdog();
        let found = Gate::default();
        let slow = found.clone();
        std::panic::set_hook(Box::new(move |_| slow.wait()));
        let (runtime, reports) = reporting(|_| ());
        let task = runtime.spawn(async { panic!("reported for long") });
        until(|| runtime.metrics().stalls > 0);
        found.open();
        assert!(runtime.block_on(task).unwrap_err().is_panic());
        // Nobody sets his own in between, so the next is noted too; but this one blocks, and has not panicked.
        let (gate, stalls) = (Gate::default(), runtime.metrics().stalls);
        let _opens = OpenOnDrop(gate.clone());
        let blocker = runtime.spawn(blocked(&gate));
        until(|| runtime.metrics().stalls > stalls);
        let told = reports.recv().unwrap();
        assert_eq!((told.id, told.over), (blocker.id(), false));
    });
}

// A panic that was caught long ago.
#[test]
fn a_poll_that_has_caught_a_panic_and_blocks_then_is_told_on_after_a_second() {
    child::run(
        "stall_report::a_poll_that_has_caught_a_panic_and_blocks_then_is_told_on_after_a_second",
        || {
            let _watchdog = watchdog();
            std::panic::set_hook(Box::new(|_| ()));
            let (runtime, reports) = reporting(|_| ());
            let gate = Gate::default();
            let _opens = OpenOnDrop(gate.clone());
            let blocks = gate.clone();
            let task = runtime.spawn(async move {
                assert!(std::panic::catch_unwind(|| panic!("caught")).is_err());
                blocks.wait();
            });
            let told = reports.recv().unwrap();
            assert_eq!((told.id, told.over), (task.id(), false));
            assert!(told.lasted >= Duration::from_secs(1), "{told:?}");
        },
    );
}

#[test]
fn who_keeps_a_runtime_from_ending_is_told_and_seen_in_a_dump() {
    let _watchdog = watchdog();
    let (runtime, reports) = reporting(|_| ());
    let handle = runtime.handle().clone();
    let (gate, started) = (Gate::default(), Tally::default());
    let _opens = OpenOnDrop(gate.clone());
    let task = runtime.spawn({
        let (gate, started) = (gate.clone(), started.clone());
        async move {
            started.add();
            gate.wait();
        }
    });
    until(|| started.get() == 1);
    // At once: on a machine that is not very slow nobody has found it by then.
    runtime.shutdown_background();
    let found = reports.recv().unwrap();
    assert_eq!((found.id, found.over), (task.id(), false));
    assert!(handle.metrics().stalls >= 1);
    // From sample to sample for longer.
    let polled_for = || handle.dump().iter().find(|entry| entry.id == task.id()).unwrap().polled_for;
    until(|| polled_for().is_some_and(|time| time >= Duration::from_millis(100)));
    gate.open();
    let over = reports.recv().unwrap();
    assert_eq!((over.id, over.over), (task.id(), true));
    assert!(over.lasted >= Duration::from_millis(100), "{over:?}");
    until(|| handle.metrics().stalled_workers == 0);
}
