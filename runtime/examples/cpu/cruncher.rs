//! A reactor that computes: its futures leave closures with it, and where others block in `epoll_wait` it calls them.
//!
//! It is driven like any other, by whoever has a place for it, which on a pool is a thread of its own. No executor knows
//! of it.
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reactor_hook::{Attendance, Driver, Turn, drive};

/// Calls `f` on the thread that drives the reactor, and resolves to what it returns.
pub(crate) fn crunch(f: fn() -> u64) -> Crunch {
    Crunch { job: Arc::new(Mutex::new(Job { result: None, waker: None })), f: Some(f) }
}

struct Job {
    result: Option<u64>,
    waker: Option<Waker>,
}

/// See [`crunch`].
pub(crate) struct Crunch {
    job: Arc<Mutex<Job>>,
    /// Until the first poll.
    f: Option<fn() -> u64>,
}

impl Future for Crunch {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        let mut job = self.job.lock().unwrap();
        if let Some(result) = job.result.take() {
            return Poll::Ready(result);
        }
        job.waker = Some(cx.waker().clone());
        drop(job);
        if let Some(f) = self.f.take() {
            CRUNCHER.queue.lock().unwrap().jobs.push_back(Entry { f, job: Arc::clone(&self.job) });
            CRUNCHER.unblock();
        }
        drive(&CRUNCHER).expect("a thread can be had");
        Poll::Pending
    }
}

static CRUNCHER: LazyLock<Arc<Cruncher>> = LazyLock::new(|| {
    Arc::new(Cruncher { attendance: Attendance::new(), queue: Mutex::default(), changed: Condvar::new() })
});

struct Cruncher {
    attendance: Attendance,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Entry>,
    /// `unblock` was called since `block` last returned.
    unblocked: bool,
}

struct Entry {
    f: fn() -> u64,
    job: Arc<Mutex<Job>>,
}

impl Driver for Cruncher {
    fn name(&self) -> &'static str {
        "cruncher"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        let mut queue = self.queue.lock().unwrap();
        if queue.jobs.is_empty() && !queue.unblocked {
            queue = match timeout {
                None => self.changed.wait(queue).unwrap(),
                Some(timeout) => self.changed.wait_timeout(queue, timeout).unwrap().0,
            };
        }
        queue.unblocked = false;
        let Some(Entry { f, job }) = queue.jobs.pop_front() else {
            return Turn::Unused;
        };
        drop(queue);
        let result = f();
        let mut job = job.lock().unwrap();
        job.result = Some(result);
        let waker = job.waker.take();
        drop(job);
        if let Some(waker) = waker {
            waker.wake();
        }
        Turn::Used
    }

    fn unblock(&self) {
        self.queue.lock().unwrap().unblocked = true;
        self.changed.notify_one();
    }

    fn abandoned(&self) {
        let wakers: Vec<_> = {
            let queue = self.queue.lock().unwrap();
            queue.jobs.iter().filter_map(|entry| entry.job.lock().unwrap().waker.clone()).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}
