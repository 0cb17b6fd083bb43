//! T13, D3, D4, D10: the end of a scheduler, with everything that may still hold a cell.
use super::*;

/// D3.
#[test]
fn a_spawn_after_the_close_resolves_cancelled_and_drops_its_future_at_once() {
    for worker in [false, true] {
        let executor = Executor::new();
        let body = || {
            executor.close();
            let (seen, future) = Counted::new(0);
            let handle = executor.spawn(future);
            assert_eq!(seen.counts(), (0, 1, 0));
            assert!(handle.is_finished());
            let aborter = handle.abort_handle();
            aborter.abort();
            let error = joined(handle).map(drop).unwrap_err();
            assert!(error.is_cancelled() && error.id() == aborter.id());
            let (seen, future) = Counted::new(0);
            drop(executor.spawn(future));
            assert_eq!(seen.counts(), (0, 1, 0));
            let large = [0_u8; 5000];
            assert!(executor.spawn(async move { large[0] }).is_finished());
            aborter
        };
        let aborter = if worker { executor.as_worker(body) } else { body() };
        assert!(end(executor).upgrade().is_none());
        assert!(aborter.is_finished(), "known to its handles alone");
    }
}

/// D3.
#[test]
fn a_refused_future_that_panics_when_dropped_says_so() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("bomb"));
        }
    }
    let executor = Executor::new();
    executor.close();
    let bomb = Bomb;
    let handle = executor.spawn(async move {
        let _bomb = bomb;
    });
    assert_eq!(message(joined(handle).unwrap_err()), "bomb");
    assert!(end(executor).upgrade().is_none());
}

/// D4.
#[test]
fn closing_drops_every_future_once_whatever_their_drops_do() {
    struct Nasty {
        executor: Executor,
        wakers: Arc<Mutex<Vec<Waker>>>,
        drops: Arc<AtomicUsize>,
        lock: Arc<Mutex<()>>,
        panics: bool,
    }
    impl Drop for Nasty {
        fn drop(&mut self) {
            let _guard = self.lock.lock();
            self.drops.fetch_add(1, Ordering::SeqCst);
            for waker in &*self.wakers.lock() {
                waker.wake_by_ref();
            }
            assert!(self.executor.spawn(async {}).is_finished(), "refused");
            if self.panics {
                std::panic::resume_unwind(Box::new("nasty"));
            }
        }
    }
    within_time(|| {
        let executor = Executor::new();
        let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
        let drops = Arc::new(AtomicUsize::new(0));
        let lock: Arc<Mutex<()>> = Arc::default();
        let handles: Vec<_> = (0..200)
            .map(|n| {
                let nasty = Nasty {
                    executor: executor.clone(),
                    wakers: wakers.clone(),
                    drops: drops.clone(),
                    lock: lock.clone(),
                    panics: n % 3 == 0,
                };
                let room = vec![0_u8; n];
                let wakers = wakers.clone();
                executor.spawn(async move {
                    let _nasty = nasty;
                    std::future::poll_fn(|cx| {
                        wakers.lock().push(cx.waker().clone());
                        Poll::<()>::Pending
                    })
                    .await;
                    drop(room);
                })
            })
            .collect();
        // Half of them have run, the others are queued.
        for _ in 0..100 {
            executor.run_one();
        }
        executor.close_and_drain();
        assert_eq!(drops.load(Ordering::SeqCst), 200);
        for (n, handle) in handles.into_iter().enumerate() {
            let error = joined(handle).unwrap_err();
            assert_eq!(error.is_panic(), n % 3 == 0);
        }
        wakers.lock().clear();
        assert!(end(executor).upgrade().is_none());
    });
}

/// D10.
#[test]
fn a_waker_is_cloned_woken_and_dropped_on_another_thread_after_the_end() {
    let executor = Executor::new();
    let (seen, future) = Counted::new(1);
    drop(executor.spawn(future));
    executor.run_all();
    let weak = end(executor);
    assert_eq!(seen.counts(), (1, 1, 0));
    let waker = seen.waker.lock().take().unwrap();
    std::thread::spawn(move || {
        let clone = waker.clone();
        waker.wake_by_ref();
        waker.wake();
        assert!(clone.will_wake(&clone.clone()));
        drop(clone);
    })
    .join()
    .unwrap();
    assert_eq!(seen.counts(), (1, 1, 0));
    assert!(weak.upgrade().is_none(), "the last waker freed the scheduler");
}

#[test]
fn an_output_is_taken_after_the_end() {
    let executor = Executor::new();
    let small = executor.spawn(async { vec![1, 2, 3] });
    let bytes = [5_u8; 4000];
    let large = executor.spawn(async move { bytes });
    executor.run_all();
    let weak = end(executor);
    assert_eq!(joined(small).unwrap(), [1, 2, 3]);
    assert!(weak.upgrade().is_some());
    assert_eq!(joined(large).unwrap()[3999], 5);
    assert!(weak.upgrade().is_none());
}

/// T13.
#[test]
fn wakes_against_the_end_of_the_scheduler_touch_nothing_freed() {
    within_time(|| {
        let rounds = rounds(1_000_000);
        for round in 0..rounds {
            let executor = Executor::new();
            let (seen, future) = Counted::new(usize::MAX);
            let large = [0_u8; 3000];
            drop(executor.spawn(future));
            let alone = executor.spawn(async move {
                std::future::pending::<()>().await;
                large
            });
            executor.run_all();
            let waker = seen.waker.lock().take().unwrap();
            let gate = std::sync::Barrier::new(3);
            let weak = with_threads(|scope| {
                let clone = waker.clone();
                let (gate, seen) = (&gate, &seen);
                scope.spawn(move || {
                    gate.wait();
                    clone.wake_by_ref();
                    clone.wake();
                });
                scope.spawn(move || {
                    gate.wait();
                    waker.wake();
                    alone.abort();
                    drop(alone);
                });
                gate.wait();
                if round % 2 == 0 {
                    executor.run_all();
                    drop(seen.waker.lock().take());
                }
                end(executor)
            });
            drop(seen.waker.lock().take());
            assert!(weak.upgrade().is_none(), "round {round}");
            assert_eq!(seen.counts().1, 1);
        }
    });
}

#[test]
fn spawns_from_outside_against_the_close_run_or_resolve_cancelled() {
    within_time(|| {
        for _ in 0..rounds(100_000) {
            let executor = Executor::new();
            let gate = std::sync::Barrier::new(3);
            let handles = std::thread::scope(|scope| {
                let spawners: Vec<_> = (0..2)
                    .map(|_| {
                        scope.spawn(|| {
                            gate.wait();
                            (0..4).map(|n| executor.spawn(async move { n })).collect::<Vec<_>>()
                        })
                    })
                    .collect();
                gate.wait();
                executor.run_one();
                executor.close_and_drain();
                spawners.into_iter().flat_map(|spawner| spawner.join().unwrap()).collect::<Vec<_>>()
            });
            assert_eq!(executor.live(), 0);
            for handle in handles {
                assert!(handle.is_finished(), "a handle is left unresolved");
                match joined(handle) {
                    Ok(n) => assert!(n < 4),
                    Err(error) => assert!(error.is_cancelled()),
                }
            }
            assert!(end(executor).upgrade().is_none());
        }
    });
}
