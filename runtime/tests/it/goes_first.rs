//! Who awaits many lets eight of the queue go first: these and no others, and wherever one of them waits for it.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use runtime::task::yield_now;
use runtime::{Handle, Runtime};

use crate::support::{Gate, until, until_no_tasks, watchdog};

/// No supervisor: what is out of reach of all others stays there.
fn unsupervised(workers: usize) -> Runtime {
    Runtime::builder()
        .worker_threads(workers)
        .max_spare_threads(0)
        .stall_threshold(Duration::MAX)
        .build()
        .unwrap()
}

/// Polls of others between the completion of what a task awaits and the task, where `queued` others are there, the first of them
/// has a hundred more spawned from outside, and the eighth wakes somebody who would run next.
fn polls_before_who_awaits(queued: usize) -> Vec<usize> {
    let runtime = unsupervised(1);
    let handle = runtime.handle().clone();
    let waits = runtime.block_on(runtime.spawn(async move {
        let polls = Arc::new(AtomicUsize::new(0));
        let mut waits = Vec::new();
        for trial in 0..40 {
            // So that the look at the injector falls into another round.
            for _ in 0..trial {
                yield_now().await;
            }
            let completed_at = Arc::new(AtomicUsize::new(0));
            let (at, now) = (Arc::clone(&completed_at), Arc::clone(&polls));
            let awaited =
                runtime::spawn(async move { at.store(now.load(Ordering::Relaxed), Ordering::Relaxed) });
            for number in 0..queued {
                let (handle, itself, next) = (handle.clone(), counts(&polls), counts(&polls));
                let more: Vec<_> = (0..if number == 0 { 100 } else { 0 }).map(|_| counts(&polls)).collect();
                drop(runtime::spawn(async move {
                    itself.await;
                    if number == 0 {
                        let outside =
                            thread::spawn(move || more.into_iter().for_each(|task| drop(handle.spawn(task))));
                        outside.join().unwrap();
                    }
                    if number == 7 {
                        drop(runtime::spawn(next));
                    }
                }));
            }
            // What is in the slot when this task waits.
            drop(runtime::spawn(async {}));
            awaited.await.unwrap();
            waits.push(polls.load(Ordering::Relaxed) - completed_at.load(Ordering::Relaxed));
            while Handle::current().metrics().live_tasks > 1 {
                yield_now().await;
            }
        }
        waits
    }));
    // In the first trial it has not been woken so before.
    waits.unwrap().split_off(1)
}

fn counts(polls: &Arc<AtomicUsize>) -> impl Future<Output = ()> + Send + use<> {
    let polls = Arc::clone(polls);
    async move {
        polls.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn eight_go_first_and_nobody_who_becomes_ready_later() {
    let _watchdog = watchdog();
    for queued in [8, 9, 20] {
        let waits = polls_before_who_awaits(queued);
        // With eight in all it goes behind them, and the slot's, woken by one of them, is nobody's before that.
        assert!(waits.iter().all(|polls| (1..=9).contains(polls)), "{queued}: {waits:?}");
    }
}

#[test]
fn one_that_goes_first_and_waits_for_who_awaits_many_does_so_beside_an_idle_worker() {
    let _watchdog = watchdog();
    for queued in [1, 8, 9, 40] {
        let runtime = unsupervised(2);
        let (tx, rx) = mpsc::channel();
        drop(runtime.spawn(async move {
            for _ in 0..10 {
                let (started, go, joined) = (Gate::default(), Gate::default(), Gate::default());
                // Keeps the other worker until all is in place.
                let (tell, wait) = (started.clone(), go.clone());
                drop(runtime::spawn(async move {
                    tell.open();
                    wait.wait();
                }));
                // Displaces it, so that it can be stolen.
                drop(runtime::spawn(async {}));
                started.wait();
                let awaited = runtime::spawn(async {});
                let (free, wait) = (go.clone(), joined.clone());
                let first = runtime::spawn(async move {
                    free.open();
                    wait.wait();
                });
                for _ in 1..queued {
                    drop(runtime::spawn(async {}));
                }
                drop(runtime::spawn(async {}));
                awaited.await.unwrap();
                joined.open();
                first.await.unwrap();
            }
            tx.send(()).unwrap();
        }));
        rx.recv().unwrap();
        until_no_tasks(&runtime);
    }
}

#[test]
fn what_is_polled_last_of_many_that_are_awaited_is_found_again() {
    let _watchdog = watchdog();
    let runtime = unsupervised(2);
    let ended = Arc::new(AtomicUsize::new(0));
    for _ in 0..4 {
        let ended = Arc::clone(&ended);
        drop(runtime.spawn(async move {
            for tasks in 0..200 {
                let tasks: Vec<_> = (0..tasks).map(|number| runtime::spawn(async move { number })).collect();
                for (number, task) in tasks.into_iter().enumerate() {
                    assert_eq!(task.await.unwrap(), number);
                }
            }
            ended.fetch_add(1, Ordering::Relaxed);
        }));
    }
    until(|| ended.load(Ordering::Relaxed) == 4);
}

/// What runs next on a worker is its own, also after somebody who let others go first was taken from there.
#[test]
fn what_runs_next_is_left_to_its_worker_after_another_has_taken_who_let_others_go_first() {
    let _watchdog = watchdog();
    let runtime = unsupervised(2);
    let robbed = lets_go_first_and_is_taken(&runtime);
    until_no_tasks(&runtime);
    let mut trials = 0;
    while trials < 5 {
        // On the worker that was robbed; on the other one there is nothing to be seen.
        let (handle, (tx, rx)) = (runtime.handle().clone(), mpsc::channel());
        drop(runtime.spawn(async move {
            if thread::current().id() != robbed {
                return tx.send(None).unwrap();
            }
            let ran = Arc::new(AtomicUsize::new(0));
            let (displaced, next) = (Gate::default(), Arc::clone(&ran));
            let opens = displaced.clone();
            let (counts, before) = (handle.clone(), Arc::new(AtomicUsize::new(0)));
            let tells = Arc::clone(&before);
            drop(runtime::spawn(async move {
                // By the other worker, which parks after this.
                tells.store(parks(&counts), Ordering::Relaxed);
                opens.open();
            }));
            drop(runtime::spawn(async move {
                next.fetch_add(1, Ordering::Relaxed);
            }));
            displaced.wait();
            // The other worker has taken that, and finds nothing more, wherever it looks.
            until(|| parks(&handle) > before.load(Ordering::Relaxed));
            tx.send(Some(ran.load(Ordering::Relaxed))).unwrap();
        }));
        if let Some(ran) = rx.recv().unwrap() {
            assert_eq!(ran, 0, "it is to run after this poll");
            trials += 1;
        }
        until_no_tasks(&runtime);
    }
}

/// How often workers have parked.
fn parks(handle: &Handle) -> usize {
    handle.metrics().workers.iter().map(|worker| worker.parks).sum::<u64>() as usize
}

/// The thread of the worker from whose LIFO slot it was taken.
fn lets_go_first_and_is_taken(runtime: &Runtime) -> thread::ThreadId {
    let (tx, rx) = mpsc::channel();
    drop(runtime.spawn(async move {
        loop {
            // It has awaited one before.
            runtime::spawn(async {}).await.unwrap();
            let (started, go, joined) = (Gate::default(), Gate::default(), Gate::default());
            let (tell, wait) = (started.clone(), go.clone());
            drop(runtime::spawn(async move {
                tell.open();
                wait.wait();
            }));
            drop(runtime::spawn(async {}));
            started.wait();
            let awaited = runtime::spawn(async {});
            let (free, wait) = (go.clone(), joined.clone());
            let first = runtime::spawn(async move {
                free.open();
                wait.wait();
            });
            // More than eight: it waits in the slot.
            for _ in 0..40 {
                drop(runtime::spawn(async {}));
            }
            drop(runtime::spawn(async {}));
            let here = thread::current().id();
            awaited.await.unwrap();
            joined.open();
            first.await.unwrap();
            if thread::current().id() != here {
                return tx.send(here).unwrap();
            }
        }
    }));
    rx.recv().unwrap()
}
