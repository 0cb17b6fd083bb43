//! T3 to T8: wakes before, during and after polls, from everywhere.
#![expect(clippy::waker_clone_wake, reason = "a wake by value is what is tested")]
use std::sync::atomic::AtomicBool;

use super::super::Polled;
use super::*;

/// Of a task that yields in its poll.
fn yielding() -> Polled {
    let polled = Polled::new();
    polled.set_yielded();
    polled
}

/// T3.
#[test]
fn wakes_after_completion_poll_nothing_and_the_last_waker_frees_the_cell() {
    let executor = Executor::new();
    let (seen, future) = Counted::new(1);
    drop(executor.spawn(future));
    executor.run_all();
    let waker = seen.waker();
    waker.wake_by_ref();
    executor.run_all();
    assert_eq!(seen.counts(), (2, 1, 1));
    *seen.waker.lock() = None;
    for _ in 0..rounds(1_000_000) {
        waker.wake_by_ref();
        waker.clone().wake();
    }
    assert_eq!(executor.run_all(), 0);
    assert_eq!(seen.counts(), (2, 1, 1));
    assert_eq!(executor.arena().occupied(), 1);
    drop(waker);
    assert_eq!(executor.arena().occupied(), 0);
    assert!(end(executor).upgrade().is_none());
}

/// T4.
#[test]
fn wake_by_ref_during_poll_runs_again_once() {
    let executor = Executor::new();
    let polls = Arc::new(AtomicUsize::new(0));
    let count = polls.clone();
    drop(executor.spawn(std::future::poll_fn(move |cx| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            for _ in 0..3 {
                cx.waker().wake_by_ref();
                cx.waker().clone().wake();
            }
        }
        Poll::<()>::Pending
    })));
    assert_eq!(executor.run_all(), 2);
    assert_eq!(polls.load(Ordering::SeqCst), 2);
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn wakes_of_a_queued_task_are_one() {
    let executor = Executor::new();
    let (seen, future) = Counted::new(9);
    drop(executor.spawn(future));
    executor.run_all();
    for _ in 0..5 {
        seen.waker().wake_by_ref();
        seen.waker().wake();
    }
    assert_eq!(executor.run_all(), 1);
    assert_eq!(seen.counts().0, 2);
    *seen.waker.lock() = None;
    assert!(end(executor).upgrade().is_none());
}

/// T5.
#[test]
fn foreign_wakes_during_polls_are_seen_and_polls_never_overlap() {
    struct Watch {
        published: AtomicUsize,
        seen: AtomicUsize,
        polling: AtomicBool,
        waker: Mutex<Option<Waker>>,
    }
    within_time(|| {
        let executor = Executor::new();
        let watch = Arc::new(Watch {
            published: 0.into(),
            seen: 0.into(),
            polling: false.into(),
            waker: Mutex::new(None),
        });
        let polled = watch.clone();
        drop(executor.spawn(std::future::poll_fn(move |cx| {
            assert!(!polled.polling.swap(true, Ordering::SeqCst), "polls overlap");
            let mut waker = polled.waker.lock();
            if waker.is_none() {
                *waker = Some(cx.waker().clone());
            }
            drop(waker);
            // Relaxed on purpose: the word alone must order the wakers' stores before this load.
            let published = polled.published.load(Ordering::Relaxed);
            std::hint::spin_loop();
            polled.seen.store(published, Ordering::Relaxed);
            polled.polling.store(false, Ordering::SeqCst);
            Poll::<()>::Pending
        })));
        executor.run_all();
        let waker = watch.waker.lock().clone().unwrap();
        let wakes = rounds(2_000_000);
        let done = AtomicBool::new(false);
        with_threads(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    executor.as_worker(|| {
                        while !done.load(Ordering::SeqCst) {
                            if !executor.run_one() {
                                std::thread::yield_now();
                            }
                        }
                    });
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..wakes {
                        watch.published.fetch_add(1, Ordering::Relaxed);
                        waker.wake_by_ref();
                    }
                });
            }
            while watch.seen.load(Ordering::Relaxed) != 2 * wakes {
                std::thread::yield_now();
            }
            done.store(true, Ordering::SeqCst);
        });
        *watch.waker.lock() = None;
        drop(waker);
        assert!(end(executor).upgrade().is_none());
    });
}

/// T6.
#[test]
fn a_drop_that_wakes_and_spawns_polls_nothing_inline() {
    struct OnDrop(Executor, Waker, Arc<AtomicUsize>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.1.wake_by_ref();
            let ran = self.2.clone();
            drop(self.0.spawn(async move {
                ran.fetch_add(1, Ordering::SeqCst);
            }));
            assert_eq!(self.2.load(Ordering::SeqCst), 0, "polled inside of a drop");
        }
    }
    within_time(|| {
        let executor = Executor::new();
        let (seen, future) = Counted::new(9);
        drop(executor.spawn(future));
        executor.run_all();
        let ran = Arc::new(AtomicUsize::new(0));
        let on_drop = OnDrop(executor.clone(), seen.waker(), ran.clone());
        let handle = executor.spawn(async move {
            let _on_drop = on_drop;
            std::future::pending::<()>().await;
        });
        executor.run_all();
        handle.abort();
        assert!(executor.run_one(), "drops the future");
        assert_eq!((ran.load(Ordering::SeqCst), seen.counts().0), (0, 1));
        executor.run_all();
        assert_eq!((ran.load(Ordering::SeqCst), seen.counts().0), (1, 2));
        drop(handle);
        *seen.waker.lock() = None;
        assert!(end(executor).upgrade().is_none());
    });
}

/// T6.
#[test]
fn a_wake_under_the_users_lock_does_not_deadlock() {
    within_time(|| {
        let executor = Executor::new();
        let shared = Arc::new(Mutex::new(None::<Waker>));
        let polled = shared.clone();
        let polls = Arc::new(AtomicUsize::new(0));
        let count = polls.clone();
        drop(executor.spawn(std::future::poll_fn(move |cx| {
            count.fetch_add(1, Ordering::SeqCst);
            *polled.lock() = Some(cx.waker().clone());
            Poll::<()>::Pending
        })));
        executor.run_all();
        let guard = shared.lock();
        guard.as_ref().unwrap().wake_by_ref();
        guard.as_ref().unwrap().clone().wake();
        assert_eq!(polls.load(Ordering::SeqCst), 1);
        drop(guard);
        executor.run_all();
        assert_eq!(polls.load(Ordering::SeqCst), 2);
        *shared.lock() = None;
        assert!(end(executor).upgrade().is_none());
    });
}

/// T7.
#[test]
fn wakers_cloned_and_dropped_on_four_threads_free_the_cell_once() {
    within_time(|| {
        let executor = Executor::new();
        let (seen, future) = Counted::new(1);
        drop(executor.spawn(future));
        executor.run_all();
        let waker = seen.waker();
        with_threads(|scope| {
            for _ in 0..4 {
                let waker = waker.clone();
                scope.spawn(move || {
                    for _ in 0..rounds(10_000_000) {
                        drop(waker.clone());
                    }
                });
            }
        });
        waker.wake();
        executor.run_all();
        assert_eq!(executor.arena().occupied(), 1);
        with_threads(|scope| {
            for _ in 0..4 {
                let waker = seen.waker();
                scope.spawn(move || drop(waker));
            }
            *seen.waker.lock() = None;
        });
        assert_eq!(executor.arena().occupied(), 0);
        assert!(end(executor).upgrade().is_none());
    });
}

/// T8.
#[test]
fn will_wake_is_true_for_clones_and_false_across_tasks() {
    let executor = Executor::new();
    let (one, first) = Counted::new(1);
    let (two, second) = Counted::new(1);
    drop(executor.spawn(first));
    drop(executor.spawn(second));
    executor.run_all();
    assert!(one.waker().will_wake(&one.waker()));
    assert!(one.waker().clone().will_wake(&one.waker()));
    assert!(!one.waker().will_wake(&two.waker()));
    assert!(!one.waker().will_wake(Waker::noop()));
    *one.waker.lock() = None;
    *two.waker.lock() = None;
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn a_waker_lent_to_a_poll_wakes_the_same_task_as_its_clone() {
    let executor = Executor::new();
    let mut first: Option<Waker> = None;
    let handle = executor.spawn(std::future::poll_fn(move |cx| match &first {
        None => {
            first = Some(cx.waker().clone());
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Some(clone) => Poll::Ready(clone.will_wake(cx.waker())),
    }));
    executor.run_all();
    assert!(joined(handle).unwrap());
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn a_yield_keeps_the_task_for_the_next_poll_and_no_longer() {
    use super::super::Ran;
    let executor = Executor::new();
    let (seen, future) = Counted::new(2);
    drop(executor.spawn(future));
    let task = executor.next().unwrap();
    let Ran::Again(task) = task.run(&yielding(), None) else { panic!("it yielded") };
    // A wake while it is kept is one with the poll that comes anyway.
    seen.waker().wake();
    assert!(executor.next().is_none());
    assert!(matches!(task.run(&Polled::new(), None), Ran::Idle));
    seen.waker().wake();
    assert_eq!(executor.run_all(), 1);
    assert_eq!(seen.counts(), (3, 1, 1));
    *seen.waker.lock() = None;
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn a_yielding_task_that_is_aborted_is_dropped_instead_of_polled() {
    use super::super::Ran;
    let executor = Executor::new();
    let (seen, future) = Counted::new(2);
    let handle = executor.spawn(future);
    let Ran::Again(task) = executor.next().unwrap().run(&yielding(), None) else { panic!("it yielded") };
    handle.abort();
    assert!(executor.next().is_none(), "it is queued already");
    assert!(matches!(task.run(&Polled::new(), None), Ran::Done));
    *seen.waker.lock() = None;
    assert_eq!(seen.counts(), (1, 1, 0));
    assert!(joined(handle).unwrap_err().is_cancelled());
    assert!(end(executor).upgrade().is_none());
}
