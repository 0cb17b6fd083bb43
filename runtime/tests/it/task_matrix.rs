//! Every way to end a task, crossed with every way to hold or let go of its handle.
use parking_lot::{Condvar, Mutex};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use runtime::Runtime;
use runtime::task::{AbortHandle, JoinError, JoinHandle};

use crate::support::{Tally, panic_silently, pool, until, until_no_tasks, watchdog};

/// What the future does when it is let go on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Ready,
    PanicInPoll,
    PanicInDrop,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Join {
    Awaited,
    DroppedAtOnce,
    DroppedWhilePending,
    PolledThenDropped,
    DroppedWhenFinished,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Abort {
    Never,
    ByAnotherThread,
    ByAnotherTask,
    ByItselfThenPending,
    ByItselfThenReady,
    WhenFinished,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    ending: Ending,
    output_panics: bool,
    join: Join,
    abort: Abort,
}

impl Case {
    fn all() -> Vec<Case> {
        let mut cases = Vec::new();
        for ending in [Ending::Ready, Ending::PanicInPoll, Ending::PanicInDrop] {
            for output_panics in [false, true] {
                for join in [
                    Join::Awaited,
                    Join::DroppedAtOnce,
                    Join::DroppedWhilePending,
                    Join::PolledThenDropped,
                    Join::DroppedWhenFinished,
                ] {
                    for abort in [
                        Abort::Never,
                        Abort::ByAnotherThread,
                        Abort::ByAnotherTask,
                        Abort::ByItselfThenPending,
                        Abort::ByItselfThenReady,
                        Abort::WhenFinished,
                    ] {
                        cases.push(Case { ending, output_panics, join, abort });
                    }
                }
            }
        }
        cases
    }

    fn is_aborted_while_pending(&self) -> bool {
        matches!(self.abort, Abort::ByAnotherThread | Abort::ByAnotherTask | Abort::ByItselfThenPending)
    }
}

#[derive(Default)]
struct Log {
    polls: Tally,
    futures_dropped: Tally,
    outputs_made: Tally,
    outputs_dropped: Tally,
    step: Mutex<Step>,
    stepped: Condvar,
}

#[derive(Default)]
struct Step {
    /// Set by the task: where its waker is.
    waker: Option<Waker>,
    /// Set by the test: the next poll ends it.
    go_on: bool,
    abort: Option<AbortHandle>,
}

struct Subject {
    case: Case,
    log: Arc<Log>,
}

struct Output {
    panics: bool,
    log: Arc<Log>,
}

impl Future for Subject {
    type Output = Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        let log = &self.log;
        log.polls.add();
        let mut step = log.step.lock();
        while step.abort.is_none() {
            log.stepped.wait(&mut step);
        }
        if !step.go_on {
            if self.case.abort == Abort::ByItselfThenPending {
                step.abort.as_ref().unwrap().abort();
            }
            step.waker = Some(cx.waker().clone());
            log.stepped.notify_all();
            return Poll::Pending;
        }
        if self.case.abort == Abort::ByItselfThenReady {
            step.abort.as_ref().unwrap().abort();
        }
        drop(step);
        if self.case.ending == Ending::PanicInPoll {
            panic_silently();
        }
        log.outputs_made.add();
        Poll::Ready(Output { panics: self.case.output_panics, log: Arc::clone(log) })
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.log.futures_dropped.add();
        if self.case.ending == Ending::PanicInDrop {
            panic_silently();
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.log.outputs_dropped.add();
        if self.panics {
            panic_silently();
        }
    }
}

fn poll_once(handle: &mut JoinHandle<Output>) -> Poll<Result<Output, JoinError>> {
    pin!(handle).poll(&mut Context::from_waker(Waker::noop()))
}

fn run(runtime: &Runtime, case: Case) {
    let log = Arc::new(Log::default());
    let mut handle = Some(runtime.spawn(Subject { case, log: Arc::clone(&log) }));
    let abort = handle.as_ref().unwrap().abort_handle();
    if case.join == Join::DroppedAtOnce {
        handle = None;
    }

    log.step.lock().abort = Some(abort.clone());
    log.stepped.notify_all();
    let waker = {
        let mut step = log.step.lock();
        while step.waker.is_none() {
            log.stepped.wait(&mut step);
        }
        step.waker.take().unwrap()
    };

    match case.join {
        Join::DroppedWhilePending => handle = None,
        Join::PolledThenDropped => {
            // Aborted by itself it may be finished already: then the answer is its error.
            let polled = poll_once(handle.as_mut().unwrap());
            assert!(polled.is_pending() || case.abort == Abort::ByItselfThenPending);
            handle = None;
        }
        _ => {}
    }

    match case.abort {
        Abort::ByAnotherThread => abort.abort(),
        Abort::ByAnotherTask => {
            let abort = abort.clone();
            runtime.block_on(runtime.spawn(async move { abort.abort() })).unwrap();
        }
        Abort::ByItselfThenPending => {}
        Abort::Never | Abort::ByItselfThenReady | Abort::WhenFinished => {
            log.step.lock().go_on = true;
            waker.wake_by_ref();
        }
    }
    until(|| abort.is_finished());
    assert_eq!(log.futures_dropped.get(), 1, "dropped before the task counts as finished");
    if case.abort == Abort::WhenFinished {
        abort.abort();
    }

    let aborted = case.is_aborted_while_pending();
    assert_eq!(log.polls.get(), if aborted { 1 } else { 2 });
    assert_eq!(log.outputs_made.get(), usize::from(!aborted && case.ending != Ending::PanicInPoll));

    let id = abort.id();
    if case.join == Join::Awaited {
        let result = runtime.block_on(handle.take().unwrap());
        match result {
            Ok(output) => {
                assert!(!aborted && case.ending == Ending::Ready, "it must not succeed");
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(output)));
                assert_eq!(dropped.is_err(), case.output_panics);
            }
            Err(error) => {
                assert_eq!(error.id(), id);
                assert_ne!(error.is_cancelled(), error.is_panic(), "one of the two");
                // A future that panics as it is dropped has panicked, aborted or not.
                let panicked = case.ending == Ending::PanicInDrop || !aborted;
                assert_eq!(error.is_panic(), panicked, "{error}");
                assert!(aborted || case.ending != Ending::Ready, "it must succeed: {error}");
            }
        }
    }
    drop(handle);

    until(|| log.outputs_dropped.get() == log.outputs_made.get());
    drop(waker);
    drop(abort);
    until(|| Arc::strong_count(&log) == 1);
    assert_eq!(log.futures_dropped.get(), 1);
    assert!(log.outputs_dropped.get() <= 1);
    assert_eq!(log.outputs_dropped.get(), log.outputs_made.get());
}

fn run_all(runtime: &Runtime) {
    for case in Case::all() {
        println!("{case:?}");
        run(runtime, case);
        assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7, "the workers are usable");
    }
    until_no_tasks(runtime);
}

// T1
#[test]
fn a_task_ends_once_however_it_ends_one_worker() {
    let _watchdog = watchdog();
    run_all(&pool(1));
}

// T1
#[test]
fn a_task_ends_once_however_it_ends_two_workers() {
    let _watchdog = watchdog();
    run_all(&pool(2));
}

// T1
#[test]
fn a_task_ends_once_however_it_ends_many_workers() {
    let _watchdog = watchdog();
    run_all(&pool(64));
}

// T1
#[test]
fn a_task_aborted_before_its_first_poll_is_never_polled() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let polled = Tally::default();
    let dropped = Tally::default();
    let (polls, guard) = (polled.clone(), dropped.on_drop());
    // The one worker is busy with the task that spawns and aborts.
    let result = runtime.block_on(runtime.spawn(async move {
        let victim = runtime::spawn(async move {
            let _guard = guard;
            polls.add();
        });
        victim.abort();
        victim.abort();
        victim.await
    }));
    assert!(result.unwrap().unwrap_err().is_cancelled());
    assert_eq!((polled.get(), dropped.get()), (0, 1));
}

// T1, T11
#[test]
fn an_output_that_panics_when_its_handle_drops_it_harms_nobody() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    struct Grenade(#[expect(dead_code, reason = "counts its drop")] crate::support::CountDrop);
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic_silently();
        }
    }
    for _ in 0..100 {
        let dropped = Tally::default();
        let guard = dropped.on_drop();
        let handle = runtime.spawn(async move { Grenade(guard) });
        until(|| handle.is_finished());
        drop(handle);
        assert_eq!(dropped.get(), 1, "dropped with the handle");
    }
    assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
}
