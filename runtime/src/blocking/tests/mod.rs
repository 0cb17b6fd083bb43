//! What the pool promises, B1 to B10, on real threads.
mod ending;
mod failing;
mod running;

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::pool::Refused;
use super::presence::Remaining;
use super::{Config, Counts, Job, Pool};
use crate::watchdog::{rounds, watched};

const HANG: Duration = Duration::from_secs(30);

fn pool(cap: usize, keep_alive: Duration) -> Pool {
    Pool::new(Config { cap, keep_alive, ..Config::default() })
}

fn close(pool: &Pool) {
    pool.shutdown();
    assert_eq!(pool.join(Some(HANG)), Remaining::default());
}

/// Sends its outcome when it runs, `None` when it is dropped before.
struct Told {
    result: Option<ThreadId>,
    to: Sender<Option<ThreadId>>,
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.to.send(self.result);
    }
}

fn told() -> (Job, Receiver<Option<ThreadId>>) {
    let (to, outcome) = mpsc::channel();
    let told = Told { result: None, to };
    let job = Job::new(move || {
        let mut told = told;
        told.result = Some(thread::current().id());
    });
    (job, outcome)
}

/// A job that says that it runs, and then waits until the sender is dropped.
fn gated() -> (Job, Receiver<()>, Sender<()>) {
    let (started, is_started) = mpsc::channel();
    let (gate, opened) = mpsc::channel::<()>();
    let job = Job::new(move || {
        started.send(()).unwrap();
        let _ = opened.recv();
    });
    (job, is_started, gate)
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}
