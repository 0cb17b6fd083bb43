//! Promises of the task cell, one module each.
mod arena;
mod handles;
mod orders;
mod outcomes;
mod shutdown;
mod sizes;
mod timed;
mod wakes;
mod word;

use parking_lot::Mutex;
use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::queue::{Executor, Queue};
use super::{Id, JoinError, JoinHandle};

/// Aborts the process with the test's name if `test` has not returned within half a minute, or an hour of soaking.
fn within_time<R>(test: impl FnOnce() -> R) -> R {
    let name = std::thread::current().name().unwrap_or("test").to_owned();
    let (done, over) = mpsc::channel::<()>();
    let limit = Duration::from_secs(if rounds(100) == 100 { 3600 } else { 30 });
    let watchdog = std::thread::spawn(move || {
        if over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{name}: hangs");
            std::process::abort();
        }
    });
    let result = test();
    drop(done);
    watchdog.join().unwrap();
    result
}

/// Threads that are joined one by one at the end of `with_threads`. (The thread sanitizer sees a join; how
/// `thread::scope` waits for those that nobody joins it does not.)
struct Threads<'scope, 'env> {
    scope: &'scope std::thread::Scope<'scope, 'env>,
    running: Vec<std::thread::ScopedJoinHandle<'scope, ()>>,
}

impl<'scope> Threads<'scope, '_> {
    fn spawn(&mut self, body: impl FnOnce() + Send + 'scope) {
        self.running.push(self.scope.spawn(body));
    }
}

fn with_threads<'env, R>(body: impl for<'scope> FnOnce(&mut Threads<'scope, 'env>) -> R) -> R {
    std::thread::scope(|scope| {
        let mut threads = Threads { scope, running: Vec::new() };
        let result = body(&mut threads);
        threads.running.into_iter().for_each(|thread| thread.join().unwrap());
        result
    })
}

/// `full` with `RUNTIME_SOAK=1`, else a hundredth.
fn rounds(full: usize) -> usize {
    if std::env::var_os("RUNTIME_SOAK").is_some_and(|value| value == "1") { full } else { full / 100 }
}

/// A future that notes its polls and leaves its waker: pending until `remaining` is zero.
struct Counted {
    seen: Arc<Seen>,
    remaining: usize,
}

/// What a `Counted` did.
#[derive(Debug, Default)]
struct Seen {
    polls: AtomicUsize,
    future_drops: AtomicUsize,
    output_drops: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

/// The output of a `Counted`.
#[derive(Debug)]
struct Output(Arc<Seen>);

impl Seen {
    fn counts(&self) -> (usize, usize, usize) {
        (
            self.polls.load(Ordering::SeqCst),
            self.future_drops.load(Ordering::SeqCst),
            self.output_drops.load(Ordering::SeqCst),
        )
    }

    fn waker(&self) -> Waker {
        self.waker.lock().clone().expect("polled before")
    }
}

impl Counted {
    fn new(remaining: usize) -> (Arc<Seen>, Counted) {
        let seen = Arc::<Seen>::default();
        (seen.clone(), Counted { seen, remaining })
    }
}

impl Future for Counted {
    type Output = Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        self.seen.polls.fetch_add(1, Ordering::SeqCst);
        if self.remaining == 0 {
            return Poll::Ready(Output(self.seen.clone()));
        }
        self.remaining -= 1;
        *self.seen.waker.lock() = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.seen.future_drops.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.0.output_drops.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls a handle once, for nobody.
fn poll_once<T>(handle: &mut JoinHandle<T>) -> Poll<Result<T, JoinError>> {
    Pin::new(handle).poll(&mut Context::from_waker(Waker::noop()))
}

/// The output of a handle whose task is complete.
fn joined<T>(mut handle: JoinHandle<T>) -> Result<T, JoinError> {
    match poll_once(&mut handle) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the task is not complete"),
    }
}

fn message(error: JoinError) -> String {
    let payload: Box<dyn Any + Send> = error.into_panic();
    payload.downcast_ref::<&'static str>().map_or_else(|| "?".into(), |text| (*text).to_owned())
}

/// Ends an executor; the answer tells whether its queue and arena are still there.
fn end(executor: Executor) -> Weak<Queue> {
    executor.close_and_drain();
    assert_eq!(executor.live(), 0, "a task outlives the closing");
    let weak = Arc::downgrade(&executor.0);
    executor.retire();
    weak
}

/// Runs this test alone in another process, with `RUNTIME_TEST_CHILD` set; gives how that ended.
fn in_child_process(test: &str) -> std::process::ExitStatus {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("RUNTIME_TEST_CHILD", "1")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap()
}

fn is_child_process() -> bool {
    std::env::var_os("RUNTIME_TEST_CHILD").is_some()
}

/// An identifier for a `JoinError` made by hand.
fn some_id() -> Id {
    Id::next()
}
