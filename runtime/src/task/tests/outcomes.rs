//! T1, T10, T11: one future drop, one output drop, and the right `JoinError`, whatever happens when.
use std::panic::resume_unwind;
use std::sync::OnceLock;

use super::super::AbortHandle;
use super::*;

/// Where a handle is dropped, if it is not used up by being joined.
#[derive(Clone, Copy, Debug, PartialEq)]
enum DropHandle {
    AtOnce,
    WhileIdle,
    AfterCompletion,
    AfterTheExecutor,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Abort {
    Never,
    BeforeRun,
    DuringPoll,
    WhileIdle,
    AfterCompletion,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Handle,
    AbortHandle,
    OtherThread,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    worker: bool,
    pending_first: bool,
    panics_in_poll: bool,
    future_drop_panics: bool,
    output_drop_panics: bool,
    polled_early: bool,
    joined: bool,
    drop_handle: DropHandle,
    abort: Abort,
    by: By,
}

#[derive(Default)]
struct Log {
    future_drops: AtomicUsize,
    outputs: AtomicUsize,
    output_drops: AtomicUsize,
    waker: Mutex<Option<Waker>>,
    aborter: OnceLock<AbortHandle>,
}

struct Subject {
    case: Case,
    polls: usize,
    log: Arc<Log>,
}

struct Value(bool, Arc<Log>);

/// Without the panic hook, which would print thousands of lines. Not while unwinding: that would abort.
fn raise(text: &'static str) {
    if !std::thread::panicking() {
        resume_unwind(Box::new(text));
    }
}

impl Future for Subject {
    type Output = Value;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Value> {
        self.polls += 1;
        if self.polls == 1 && self.case.abort == Abort::DuringPoll {
            let log = self.log.clone();
            abort_by(self.case.by, move || log.aborter.get().unwrap().abort());
        }
        if self.polls == 1 && self.case.pending_first {
            *self.log.waker.lock() = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if self.case.panics_in_poll {
            raise("in poll");
        }
        self.log.outputs.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Value(self.case.output_drop_panics, self.log.clone()))
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.log.future_drops.fetch_add(1, Ordering::SeqCst);
        if self.case.future_drop_panics {
            raise("in drop");
        }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.1.output_drops.fetch_add(1, Ordering::SeqCst);
        if self.0 {
            raise("in the output's drop");
        }
    }
}

fn abort_by(by: By, abort: impl FnOnce() + Send + 'static) {
    match by {
        By::OtherThread => std::thread::spawn(abort).join().unwrap(),
        _ => abort(),
    }
}

fn play(case: Case) {
    let executor = Executor::new();
    let ended = if case.worker {
        let inside = executor.clone();
        let kept = executor.as_worker(move || play_on(case, &inside));
        finish(executor, kept, case)
    } else {
        let kept = play_on(case, &executor);
        finish(executor, kept, case)
    };
    assert!(ended.upgrade().is_none(), "{case:?}: the last handle frees the scheduler");
}

/// Plays the case; gives back what outlives the executor.
fn play_on(case: Case, executor: &Executor) -> (Arc<Log>, Option<JoinHandle<Value>>) {
    let log = Arc::<Log>::default();
    let mut handle = Some(executor.spawn(Subject { case, polls: 0, log: log.clone() }));
    let aborter = handle.as_ref().unwrap().abort_handle();
    assert!(log.aborter.set(aborter.clone()).is_ok());

    let abort = |at: Abort, handle: &Option<JoinHandle<Value>>| {
        if case.abort == at {
            match (case.by, handle) {
                (By::Handle, Some(handle)) => handle.abort(),
                _ => {
                    let aborter = aborter.clone();
                    abort_by(case.by, move || aborter.abort());
                }
            }
        }
    };
    let drop_handle = |at: DropHandle, handle: &mut Option<JoinHandle<Value>>| {
        if case.drop_handle == at && !case.joined {
            drop(handle.take());
        }
    };

    if let (true, Some(handle)) = (case.polled_early, &mut handle) {
        assert!(poll_once(handle).is_pending());
    }
    abort(Abort::BeforeRun, &handle);
    drop_handle(DropHandle::AtOnce, &mut handle);
    assert!(executor.run_one());
    abort(Abort::WhileIdle, &handle);
    drop_handle(DropHandle::WhileIdle, &mut handle);
    if let Some(waker) = log.waker.lock().take() {
        waker.wake();
    }
    executor.run_all();
    assert!(aborter.is_finished(), "{case:?}");
    abort(Abort::AfterCompletion, &handle);
    assert_eq!(executor.run_all(), 0, "{case:?}: nothing to run after completion");

    let cancelled = match case.abort {
        Abort::BeforeRun => true,
        Abort::DuringPoll | Abort::WhileIdle => case.pending_first,
        Abort::Never | Abort::AfterCompletion => false,
    };
    let panic = match (cancelled, case.panics_in_poll, case.future_drop_panics) {
        (false, true, _) => Some("in poll"),
        (_, _, true) => Some("in drop"),
        _ => None,
    };
    assert_eq!(executor.panics(), usize::from(panic.is_some()), "{case:?}");
    if case.joined {
        let result = joined(handle.take().unwrap());
        match (panic, cancelled, result) {
            (Some(text), _, Err(error)) => assert_eq!(message(error), text, "{case:?}"),
            (None, true, Err(error)) => assert!(error.is_cancelled(), "{case:?}"),
            (None, false, Ok(value)) => {
                assert_eq!(log.output_drops.load(Ordering::SeqCst), 0, "{case:?}: dropped under the joiner");
                super::super::quiet::quietly(|| drop(value));
            }
            (_, _, result) => panic!("{case:?} gave {:?}", result.map(|_| ())),
        }
    }
    drop_handle(DropHandle::AfterCompletion, &mut handle);

    // A task that panicked has left its worker usable.
    assert_eq!(executor.live(), 0, "{case:?}");
    let after = executor.spawn(async { 1 });
    executor.run_all();
    assert_eq!(joined(after).unwrap(), 1, "{case:?}");
    (log, handle)
}

fn finish(executor: Executor, kept: (Arc<Log>, Option<JoinHandle<Value>>), case: Case) -> Weak<Queue> {
    let weak = end(executor);
    let (log, handle) = kept;
    assert!(weak.upgrade().is_some(), "{case:?}: an abort handle is left");
    drop(handle);
    assert_eq!(log.future_drops.load(Ordering::SeqCst), 1, "{case:?}");
    assert_eq!(log.output_drops.load(Ordering::SeqCst), log.outputs.load(Ordering::SeqCst), "{case:?}");
    // With it goes the last abort handle, which refers to the task.
    drop(log);
    weak
}

/// T1, T11.
#[test]
fn futures_and_outputs_are_dropped_once_and_the_error_is_right_in_every_combination() {
    within_time(|| {
        const BOTH: [bool; 2] = [false, true];
        let mut cases = 0;
        for bits in 0..1 << 7 {
            let bit = |index: usize| BOTH[(bits >> index) & 1];
            for drop_handle in [
                DropHandle::AtOnce,
                DropHandle::WhileIdle,
                DropHandle::AfterCompletion,
                DropHandle::AfterTheExecutor,
            ] {
                for abort in [
                    Abort::Never,
                    Abort::BeforeRun,
                    Abort::DuringPoll,
                    Abort::WhileIdle,
                    Abort::AfterCompletion,
                ] {
                    for by in [By::Handle, By::AbortHandle, By::OtherThread] {
                        let joined = bit(6);
                        let redundant = (joined && drop_handle != DropHandle::AtOnce)
                            || (abort == Abort::Never && by != By::Handle);
                        if redundant {
                            continue;
                        }
                        cases += 1;
                        play(Case {
                            worker: bit(0),
                            pending_first: bit(1),
                            panics_in_poll: bit(2),
                            future_drop_panics: bit(3),
                            output_drop_panics: bit(4),
                            polled_early: bit(5),
                            joined,
                            drop_handle,
                            abort,
                            by,
                        });
                    }
                }
            }
        }
        assert_eq!(cases, 64 * 13 * 5);
    });
}

/// T10.
#[test]
fn abort_against_completion_has_exactly_one_outcome() {
    within_time(|| {
        let mut outcomes = [0; 2];
        for _ in 0..rounds(100_000) {
            let executor = Executor::new();
            let (seen, future) = Counted::new(1);
            let handle = executor.spawn(future);
            executor.run_all();
            let aborter = handle.abort_handle();
            seen.waker().wake();
            let gate = std::sync::Barrier::new(2);
            with_threads(|scope| {
                scope.spawn(|| {
                    gate.wait();
                    aborter.abort();
                });
                gate.wait();
                executor.run_all();
            });
            executor.run_all();
            *seen.waker.lock() = None;
            drop(aborter);
            match joined(handle) {
                Ok(output) => {
                    outcomes[0] += 1;
                    assert_eq!(seen.counts(), (2, 1, 0));
                    drop(output);
                    assert_eq!(seen.counts(), (2, 1, 1));
                }
                Err(error) => {
                    outcomes[1] += 1;
                    assert!(error.is_cancelled());
                    assert_eq!(seen.counts(), (1, 1, 0));
                }
            }
            assert!(end(executor).upgrade().is_none());
        }
        println!("completed {}, cancelled {}", outcomes[0], outcomes[1]);
    });
}

/// T11.
#[test]
fn an_output_that_panics_when_the_handle_drops_it_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            raise("bomb");
        }
    }
    let executor = Executor::new();
    let complete = executor.spawn(async { Bomb });
    let detached = executor.spawn(async { Bomb });
    drop(detached);
    executor.run_all();
    drop(complete);
    assert_eq!(executor.arena().occupied(), 0);
    assert!(end(executor).upgrade().is_none());
}

/// A payload whose own drop panics is the user's code as well.
#[test]
fn a_panic_payload_that_panics_when_dropped_harms_nobody() {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            raise("payload");
        }
    }
    let executor = Executor::new();
    drop(executor.spawn(async { resume_unwind(Box::new(Payload)) }));
    executor.run_all();
    assert_eq!(executor.arena().occupied(), 0);
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn a_join_error_says_what_happened() {
    let id = some_id();
    let cancelled = JoinError::cancelled(id);
    assert!(cancelled.is_cancelled() && !cancelled.is_panic());
    assert_eq!(cancelled.id(), id);
    assert_eq!(cancelled.to_string(), format!("task {id} was cancelled"));
    assert_eq!(format!("{cancelled:?}"), format!("JoinError::Cancelled(Id({id}))"));
    assert!(cancelled.try_into_panic().is_err());

    let panicked = JoinError::panic(id, Box::new(String::from("it broke")));
    assert!(panicked.is_panic() && !panicked.is_cancelled());
    assert_eq!(panicked.to_string(), format!("task {id} panicked with message \"it broke\""));
    assert_eq!(format!("{panicked:?}"), format!("JoinError::Panic(Id({id}), \"it broke\")"));
    assert!(std::io::Error::from(panicked).to_string().contains("it broke"));

    let opaque = JoinError::panic(id, Box::new(7_u8));
    assert_eq!(opaque.to_string(), format!("task {id} panicked"));
    assert_eq!(*opaque.into_panic().downcast::<u8>().unwrap(), 7);
}

#[test]
#[should_panic(expected = "help: ask `is_panic()`")]
fn into_panic_of_a_cancelled_task_says_what_to_do() {
    drop(JoinError::cancelled(some_id()).into_panic());
}
