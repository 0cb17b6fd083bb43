//! Wakes: when, from where, and how often they lead to a poll.
use parking_lot::Mutex;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures::channel::oneshot;
use runtime::task::JoinHandle;

use crate::support::{
    OnDrop, Tally, WORKERS, WakeCount, count, panic_silently, pool, until, until_no_tasks, watchdog,
};

/// The waker of a task that runs on `runtime` and then waits for ever, counting its polls.
fn waiting_task(runtime: &runtime::Runtime, polls: &Tally) -> (Waker, JoinHandle<()>) {
    let (tx, rx) = mpsc::channel();
    let polls = polls.clone();
    let handle = runtime.spawn(poll_fn(move |cx| {
        polls.add();
        drop(tx.send(cx.waker().clone()));
        Poll::Pending
    }));
    (rx.recv().unwrap(), handle)
}

// T3
#[test]
fn a_wake_after_completion_polls_nothing_and_the_last_waker_frees_the_task() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for _ in 0..count(100, 10_000) {
        let polls = Tally::default();
        let dropped = Tally::default();
        let (tx, rx) = mpsc::channel();
        let (counted, guard) = (polls.clone(), dropped.on_drop());
        let handle = runtime.spawn(poll_fn(move |cx| {
            let _held = &guard;
            counted.add();
            tx.send(cx.waker().clone()).unwrap();
            Poll::Ready(())
        }));
        let waker = rx.recv().unwrap();
        runtime.block_on(handle).unwrap();
        assert_eq!(dropped.get(), 1);
        for _ in 0..100 {
            waker.wake_by_ref();
            let copy = waker.clone();
            copy.wake();
        }
        waker.wake();
        assert_eq!(polls.get(), 1);
    }
    until_no_tasks(&runtime);
}

// T4
#[test]
fn a_wake_by_ref_during_a_poll_leads_to_one_more_poll() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let polls = Tally::default();
        let counted = polls.clone();
        let (tx, rx) = mpsc::channel();
        let handle = runtime.spawn(poll_fn(move |cx| {
            match counted.add() {
                // However often it is woken meanwhile.
                0 => {
                    cx.waker().wake_by_ref();
                    cx.waker().wake_by_ref();
                    let copy = cx.waker().clone();
                    copy.wake();
                }
                1 => tx.send(cx.waker().clone()).unwrap(),
                _ => return Poll::Ready(()),
            }
            Poll::Pending
        }));
        let waker = rx.recv().unwrap();
        // A task behind it in the same queue has run: so would have a third poll.
        runtime.block_on(runtime.spawn(async {})).unwrap();
        if workers == 1 {
            assert_eq!(polls.get(), 2);
        }
        waker.wake();
        runtime.block_on(handle).unwrap();
        assert_eq!(polls.get(), 3);
    }
}

// T5
#[test]
fn a_foreign_wake_during_a_poll_leads_to_another_and_polls_never_overlap() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let rounds = count(1_000, 100_000);
        let (to_waker, wakers) = mpsc::channel::<Waker>();
        let (woken_tx, woken) = mpsc::channel();
        let foreign = thread::spawn(move || {
            for waker in wakers {
                waker.wake();
                woken_tx.send(()).unwrap();
            }
        });
        let in_poll = AtomicBool::new(false);
        let mut polls = 0;
        let handle = runtime.spawn(poll_fn(move |cx| {
            assert!(!in_poll.swap(true, Ordering::SeqCst), "two polls at a time");
            polls += 1;
            if polls <= rounds {
                to_waker.send(cx.waker().clone()).unwrap();
                // The wake has happened before this poll ends; it must count.
                woken.recv().unwrap();
            }
            in_poll.store(false, Ordering::SeqCst);
            if polls <= rounds { Poll::Pending } else { Poll::Ready(polls) }
        }));
        assert_eq!(runtime.block_on(handle).unwrap(), rounds + 1);
        foreign.join().unwrap();
    }
}

// T6
#[test]
fn a_wake_under_the_callers_lock_never_polls_inline() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let lock = Arc::new(Mutex::new(None::<Waker>));
        let shared = Arc::clone(&lock);
        let (tx, rx) = mpsc::channel();
        let waiting = runtime.spawn(poll_fn(move |cx| {
            // Polled inline by the thread that wakes it, this would deadlock.
            let mut slot = shared.lock();
            let first = slot.replace(cx.waker().clone()).is_none();
            tx.send(()).unwrap();
            if first { Poll::Pending } else { Poll::Ready(()) }
        }));
        rx.recv().unwrap();
        let shared = Arc::clone(&lock);
        let waking = runtime.spawn(async move {
            let slot = shared.lock();
            slot.as_ref().unwrap().wake_by_ref();
            let copy = slot.as_ref().unwrap().clone();
            copy.wake();
        });
        runtime.block_on(async { (waking.await.unwrap(), waiting.await.unwrap()) });
    }
}

// T6
#[test]
fn a_wake_or_a_spawn_from_a_futures_drop_works() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let (woken_tx, woken_rx) = oneshot::channel::<()>();
        let (spawned_tx, spawned_rx) = oneshot::channel::<()>();
        let polls = Tally::default();
        let (waker, waiting) = waiting_task(&runtime, &polls);
        let guard = OnDrop::new(move || {
            waker.wake();
            drop(woken_tx);
            drop(runtime::spawn(async move { spawned_tx.send(()).unwrap() }));
        });
        let victim = runtime.spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        victim.abort();
        runtime.block_on(async {
            assert!(victim.await.unwrap_err().is_cancelled());
            assert!(woken_rx.await.is_err());
            spawned_rx.await.unwrap();
        });
        until(|| polls.get() == 2);
        waiting.abort();
        until_no_tasks(&runtime);
    }
}

// T8
#[test]
fn will_wake_is_true_for_clones_and_false_across_tasks() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let polls = Tally::default();
    let (first, one) = waiting_task(&runtime, &polls);
    let (second, two) = waiting_task(&runtime, &polls);
    assert!(first.will_wake(&first.clone()));
    assert!(first.clone().clone().will_wake(&first));
    assert!(!first.will_wake(&second));
    assert!(!second.will_wake(Waker::noop()));
    // The context's own waker and its clones, over several polls.
    let seen = Arc::new(Mutex::new(None::<Waker>));
    let kept = Arc::clone(&seen);
    runtime
        .block_on(runtime.spawn(poll_fn(move |cx| {
            let mut kept = kept.lock();
            match kept.as_ref() {
                None => {
                    *kept = Some(cx.waker().clone());
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Some(waker) => {
                    assert!(waker.will_wake(cx.waker()));
                    assert!(cx.waker().will_wake(waker));
                    Poll::Ready(())
                }
            }
        })))
        .unwrap();
    one.abort();
    two.abort();
    until_no_tasks(&runtime);
}

struct PanickingWaker(Tally);

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.add();
        panic_silently();
    }
}

// T12
#[test]
fn a_join_waker_that_panics_harms_neither_task_nor_worker() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let (go, wait) = oneshot::channel::<()>();
        let handle = runtime.spawn(async move {
            wait.await.unwrap();
            7
        });
        let wakes = Tally::default();
        let waker = Waker::from(Arc::new(PanickingWaker(wakes.clone())));
        let mut handle = pin!(handle);
        assert!(handle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        go.send(()).unwrap();
        until(|| wakes.get() == 1);
        assert_eq!(runtime.block_on(handle).unwrap(), 7);
        assert_eq!(runtime.block_on(runtime.spawn(async { 8 })).unwrap(), 8);
    }
}

/// Polls with a given waker, and is ready whatever comes of it.
struct PollWith<F>(Pin<Box<F>>, Waker);

impl<F: Future> Future for PollWith<F> {
    type Output = Poll<F::Output>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        Poll::Ready(this.0.as_mut().poll(&mut Context::from_waker(&this.1)))
    }
}

// T12
#[test]
fn a_timers_waker_that_panics_does_not_keep_the_others_from_being_woken() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        // A machine that is busy may need longer until all of them wait.
        let all_waited = [20, 200, 2_000, 20_000].into_iter().any(|millis| {
            let deadline = runtime::time::Instant::now() + std::time::Duration::from_millis(millis);
            let (waiting, panicked) = (Tally::default(), Tally::default());
            let sleepers: Vec<_> = (0..100)
                .map(|index| {
                    let waker = Waker::from(Arc::new(PanickingWaker(panicked.clone())));
                    let waiting = waiting.clone();
                    runtime.spawn(async move {
                        if index % 10 == 5 {
                            // Left behind with a waker that panics when its time comes.
                            let mut bad = PollWith(Box::pin(runtime::time::sleep_until(deadline)), waker);
                            if (&mut bad).await.is_pending() {
                                waiting.add();
                            }
                            runtime::time::sleep_until(deadline).await;
                            // Not dropped before it has fired.
                            while Pin::new(&mut bad).await.is_pending() {
                                runtime::task::yield_now().await;
                            }
                        } else {
                            runtime::time::sleep_until(deadline).await;
                        }
                    })
                })
                .collect();
            runtime.block_on(async {
                for sleeper in sleepers {
                    sleeper.await.unwrap();
                }
            });
            // A timer has fired before its waker is called.
            until(|| panicked.get() == waiting.get());
            assert_eq!(runtime.block_on(runtime.spawn(async { 8 })).unwrap(), 8);
            waiting.get() == 10
        });
        assert!(all_waited);
    }
}

// T14
#[test]
fn tasks_that_join_each_other_in_a_chain_all_resolve() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let (go, wait) = oneshot::channel::<()>();
        let length = count(1_000, 100_000);
        let mut last = runtime.spawn(async move {
            wait.await.unwrap();
            0
        });
        for _ in 0..length {
            last = runtime.spawn(async move { last.await.unwrap() + 1 });
        }
        go.send(()).unwrap();
        assert_eq!(runtime.block_on(last).unwrap(), length);
        until_no_tasks(&runtime);
    }
}

// T14
#[test]
fn two_tasks_that_wait_for_each_other_end_with_an_abort_and_leak_nothing() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for _ in 0..100 {
        let dropped = Tally::default();
        let slots: [Arc<Mutex<Option<JoinHandle<()>>>>; 2] = Default::default();
        let tasks = [0, 1].map(|index| {
            let (other, guard) = (Arc::clone(&slots[1 - index]), dropped.on_drop());
            runtime.spawn(async move {
                let _guard = guard;
                let handle = loop {
                    if let Some(handle) = other.lock().take() {
                        break handle;
                    }
                    runtime::task::yield_now().await;
                };
                drop(handle.await);
            })
        });
        let aborts = [tasks[0].abort_handle(), tasks[1].abort_handle()];
        for (slot, task) in slots.iter().zip(tasks) {
            *slot.lock() = Some(task);
        }
        until(|| slots.iter().all(|slot| slot.lock().is_none()));
        aborts[0].abort();
        // The other sees its join end.
        until(|| aborts.iter().all(|abort| abort.is_finished()));
        assert_eq!(dropped.get(), 2);
    }
    until_no_tasks(&runtime);
}

// T14
#[test]
fn only_the_latest_join_waker_is_woken_and_none_is_leaked() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for _ in 0..count(200, 20_000) {
        let (go, wait) = oneshot::channel::<()>();
        let mut handle = Box::pin(runtime.spawn(async move {
            wait.await.unwrap();
        }));
        let mut former = Vec::new();
        for _ in 0..3 {
            let (wakes, waker) = WakeCount::new();
            assert!(handle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            former.push(wakes);
        }
        let (latest, waker) = WakeCount::new();
        assert!(handle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        for wakes in &former {
            assert_eq!(Arc::strong_count(wakes), 1, "a replaced waker is dropped");
        }
        go.send(()).unwrap();
        until(|| latest.get() == 1);
        assert!(former.iter().all(|wakes| wakes.get() == 0));
        runtime.block_on(&mut handle).unwrap();
        drop(handle);
        until(|| Arc::strong_count(&latest) == 1);
    }
}

// T14
#[test]
fn a_join_waker_replaced_while_the_task_completes_is_not_lost() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let rounds = count(2_000, 200_000);
    let resolved = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        for _ in 0..rounds {
            let mut handle = runtime::spawn(runtime::task::yield_now());
            // Each poll brings another waker: a new task polls the handle each time.
            let resolved = Arc::clone(&resolved);
            loop {
                let joiner = runtime::spawn(async move {
                    let done = poll_fn(|cx| Poll::Ready(Pin::new(&mut handle).poll(cx).is_ready())).await;
                    (!done).then_some(handle)
                });
                match joiner.await.unwrap() {
                    Some(pending) => handle = pending,
                    None => break,
                }
                if let Some(result) = poll_fn(|cx| match Pin::new(&mut handle).poll(cx) {
                    Poll::Ready(result) => Poll::Ready(Some(result)),
                    Poll::Pending => Poll::Ready(None),
                })
                .await
                {
                    result.unwrap();
                    break;
                }
            }
            resolved.fetch_add(1, Ordering::SeqCst);
        }
    });
    assert_eq!(resolved.load(Ordering::SeqCst), rounds);
}
