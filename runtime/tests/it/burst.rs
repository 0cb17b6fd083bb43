//! What a burst of tasks took is given back when nobody needs it any more, and then the runtime sleeps.
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use reactor_hook::{LocalDriver, Turn, Unpark, drive_local};
use runtime::task::JoinHandle;
use runtime::{Builder, Runtime};

use crate::support::{child, count, live_bytes, process, until, until_no_tasks, watchdog};

const NAME: &str = "burst-test";

fn tasks() -> usize {
    count(100_000, 1_000_000)
}

fn build(builder: &mut Builder) -> Runtime {
    builder.thread_name(NAME).build().unwrap()
}

/// Bytes in use before a burst. Something of each kind has been used.
fn settled(runtime: &Runtime) -> isize {
    runtime.block_on(async { runtime::spawn(async {}).await.unwrap() });
    live_bytes()
}

/// Spawns tasks that wait for ever, and gives them up. The handles' memory is the caller's.
async fn burst() {
    let before = live_bytes();
    let parked: Vec<_> = (0..tasks()).map(|_| runtime::spawn(std::future::pending::<()>())).collect();
    assert!(live_bytes() - before >= (88 * tasks()) as isize);
    parked.iter().for_each(JoinHandle::abort);
    for task in parked {
        assert!(task.await.unwrap_err().is_cancelled());
    }
}

fn until_given_back(before: isize) {
    // A twentieth, and what is always kept.
    let most = (88 * tasks() / 20) as isize + (1 << 20);
    until(|| {
        // Not all the time: where there are few cores it is for others to run.
        thread::sleep(Duration::from_millis(10));
        live_bytes() - before < most
    });
}

/// From some moment on. What is measured is a span of time: hence the sleep.
fn until_asleep() {
    until(|| {
        let (threads, before) = process::context_switches(NAME);
        assert!(threads > 0, "no thread of the runtime found");
        thread::sleep(Duration::from_secs(2));
        process::context_switches(NAME) == (threads, before)
    });
}

#[test]
fn a_burst_on_workers_is_given_back_and_then_all_sleep() {
    let _watchdog = watchdog();
    child::run("burst::a_burst_on_workers_is_given_back_and_then_all_sleep", || {
        let runtime = build(Runtime::builder().worker_threads(2));
        let before = settled(&runtime);
        for _ in 0..2 {
            runtime.block_on(async { runtime::spawn(burst()).await.unwrap() });
            until_given_back(before);
            until_asleep();
        }
        // And works as before.
        runtime.block_on(burst());
    });
}

#[test]
fn without_a_supervisor_the_one_who_waits_gives_a_burst_back() {
    let _watchdog = watchdog();
    child::run("burst::without_a_supervisor_the_one_who_waits_gives_a_burst_back", || {
        let runtime = build(Runtime::builder().worker_threads(2).stall_threshold(Duration::MAX));
        let before = settled(&runtime);
        runtime.block_on(async { runtime::spawn(burst()).await.unwrap() });
        until_given_back(before);
        until_asleep();
    });
}

#[test]
fn a_runtime_without_workers_gives_a_burst_back_while_its_thread_waits() {
    let _watchdog = watchdog();
    child::run("burst::a_runtime_without_workers_gives_a_burst_back_while_its_thread_waits", || {
        let (told, tell) = mpsc::channel();
        let (end, ends) = futures::channel::oneshot::channel::<()>();
        let guest = thread::Builder::new().name(NAME.into()).spawn(move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            let before = settled(&runtime);
            runtime.block_on(async {
                burst().await;
                told.send(before).unwrap();
                ends.await.unwrap();
            });
        });
        until_given_back(tell.recv().unwrap());
        until_asleep();
        end.send(()).unwrap();
        guest.unwrap().join().unwrap();
    });
}

/// A reactor for its own thread, to which nothing happens.
#[derive(Default)]
struct Silent {
    told: Mutex<bool>,
    changed: Condvar,
}

impl Unpark for Silent {
    fn unpark(&self) {
        *self.told.lock() = true;
        self.changed.notify_all();
    }
}

struct SilentHere(Arc<Silent>);

impl LocalDriver for SilentHere {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        let mut told = self.0.told.lock();
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        while !*told {
            match deadline {
                None => self.0.changed.wait(&mut told),
                Some(deadline) if self.0.changed.wait_until(&mut told, deadline).timed_out() => break,
                Some(_) => {}
            }
        }
        *told = false;
        Turn::Used
    }

    fn unblocker(&self) -> Arc<dyn Unpark> {
        Arc::clone(&self.0) as Arc<dyn Unpark>
    }

    fn abandoned(&self) {}
}

#[test]
fn a_runtime_without_workers_gives_a_burst_back_while_its_thread_is_in_a_local_reactor() {
    let _watchdog = watchdog();
    child::run(
        "burst::a_runtime_without_workers_gives_a_burst_back_while_its_thread_is_in_a_local_reactor",
        || {
            let (told, tell) = mpsc::channel();
            let (end, mut ends) = futures::channel::oneshot::channel::<()>();
            let guest = thread::Builder::new().name(NAME.into()).spawn(move || {
                let runtime = Builder::new_current_thread().thread_name(NAME).build().unwrap();
                let before = settled(&runtime);
                let local = Rc::new(SilentHere(Arc::default()));
                runtime.block_on(async {
                    burst().await;
                    told.send(before).unwrap();
                    poll_fn(|cx| {
                        drive_local(&local).unwrap();
                        Pin::new(&mut ends).poll(cx)
                    })
                    .await
                    .unwrap();
                });
            });
            until_given_back(tell.recv().unwrap());
            until_asleep();
            end.send(()).unwrap();
            guest.unwrap().join().unwrap();
        },
    );
}

#[test]
fn handles_dropped_outside_while_all_sleep_are_given_back() {
    let _watchdog = watchdog();
    child::run("burst::handles_dropped_outside_while_all_sleep_are_given_back", || {
        let runtime = build(Runtime::builder().worker_threads(2));
        let before = settled(&runtime);
        let handles: Vec<_> = (0..tasks()).map(|_| runtime.spawn(async {})).collect();
        until_no_tasks(&runtime);
        until_asleep();
        drop(handles);
        until_given_back(before);
        until_asleep();
    });
}

#[test]
fn a_burst_of_closures_is_given_back() {
    let _watchdog = watchdog();
    child::run("burst::a_burst_of_closures_is_given_back", || {
        let runtime = build(
            Runtime::builder().worker_threads(1).max_blocking_threads(2).thread_keep_alive(Duration::ZERO),
        );
        let before = settled(&runtime);
        let closures: Vec<_> = (0..tasks() / 4).map(|_| runtime.spawn_blocking(|| ())).collect();
        runtime.block_on(async {
            for closure in closures {
                closure.await.unwrap();
            }
        });
        until_given_back(before);
    });
}
