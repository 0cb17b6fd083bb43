//! Cells are recycled, counted and given back.
#[cfg(not(runtime_no_recycle))]
use std::time::{Duration, Instant};

use super::super::arena::{CHAIN, Cache, Home, KEPT, SIZES};
use super::*;

#[test]
fn homes_are_the_smallest_class_that_fits() {
    if cfg!(runtime_no_recycle) {
        return;
    }
    for (index, size) in SIZES.into_iter().enumerate() {
        let class = Home::Class(super::super::arena::Class(index));
        assert_eq!(Home::of(size, 8), class);
        assert_eq!(size % 8, 0);
        if size % 16 == 0 {
            assert_eq!(Home::of(size - 7, 16), class);
        }
    }
    assert_eq!(Home::of(88, 16), Home::of(96, 16));
    assert!(matches!(Home::of(2049, 8), Home::Alone { key_at: 2056, .. }));
    assert!(matches!(Home::of(96, 32), Home::Alone { key_at: 96, .. }));
}

#[test]
fn a_burst_is_recycled_and_given_back() {
    const TASKS: usize = 100 * CHAIN;
    let executor = Executor::new();
    executor.as_worker(|| {
        for _ in 0..3 {
            let handles: Vec<_> = (0..TASKS).map(|n| executor.spawn(async move { n })).collect();
            assert_eq!(executor.live(), TASKS);
            executor.run_all();
            for (n, handle) in handles.into_iter().enumerate() {
                assert_eq!(joined(handle).unwrap(), n);
            }
            assert_eq!(executor.arena().occupied(), 0);
        }
        if cfg!(runtime_no_recycle) {
            return;
        }
        let parked = executor.spawn(std::future::pending::<()>());
        executor.run_all();
        // Kept: what always is; two lists in the cache, spread over three pages at most; and the parked task's page.
        let freed = executor.arena().tidy_all();
        let kept = executor.arena().pages();
        assert!(freed + kept == 100 || freed + kept == 101, "{freed} freed, {kept} kept");
        assert!(kept <= KEPT[0] + 4, "{kept} pages");
        assert_eq!(executor.live(), 1);
        assert_eq!(executor.arena().tidy_all(), 0, "nothing has come since");
        let again: Vec<_> = (0..TASKS).map(|n| executor.spawn(async move { n })).collect();
        executor.run_all();
        assert_eq!(
            again.into_iter().map(|handle| joined(handle).unwrap()).sum::<usize>(),
            TASKS * (TASKS - 1) / 2
        );
        parked.abort();
        executor.run_all();
        drop(parked);
    });
    assert!(executor.arena().tidy_all() >= if cfg!(runtime_no_recycle) { 0 } else { 80 });
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn cells_freed_by_other_threads_come_back() {
    within_time(|| {
        let executor = Executor::new();
        executor.as_worker(|| {
            for _ in 0..20 {
                let handles: Vec<_> = (0..3 * CHAIN).map(|n| executor.spawn(async move { n })).collect();
                executor.run_all();
                with_threads(|scope| {
                    scope.spawn(move || {
                        handles.into_iter().for_each(|handle| assert!(joined(handle).is_ok()))
                    });
                });
                assert_eq!(executor.arena().occupied(), 0);
            }
        });
        executor.arena().tidy_all();
        assert!(end(executor).upgrade().is_none());
    });
}

#[test]
fn spawns_and_frees_on_many_threads_while_memory_is_given_back() {
    within_time(|| {
        let executor = Executor::new();
        let sum = Arc::new(AtomicUsize::new(0));
        let spawned = AtomicUsize::new(0);
        with_threads(|scope| {
            for thread in 0..4 {
                let (executor, sum, spawned) = (&executor, &sum, &spawned);
                scope.spawn(move || {
                    let body = || {
                        for round in 0..rounds(20_000) {
                            for _ in 0..40 {
                                let sum = sum.clone();
                                let large = [1_usize; 30];
                                spawned.fetch_add(2, Ordering::SeqCst);
                                drop(
                                    executor.spawn(async move { sum.fetch_add(large[7], Ordering::SeqCst) }),
                                );
                                let sum = sum_of(executor);
                                drop(executor.spawn(sum));
                            }
                            executor.run_all();
                            if round % 16 == thread {
                                executor.arena().tidy_all();
                                assert!(executor.live() <= 4 * 80);
                            }
                        }
                    };
                    // Two workers and two others.
                    if thread < 2 { executor.as_worker(body) } else { body() }
                });
            }
        });
        executor.run_all();
        assert_eq!(sum.load(Ordering::SeqCst) * 2, spawned.load(Ordering::SeqCst));
        assert_eq!(executor.arena().occupied(), 0);
        assert!(end(executor).upgrade().is_none());
    });

    fn sum_of(_: &Executor) -> impl Future<Output = usize> + Send + 'static {
        let bytes = [1_u8; 40];
        async move { bytes.iter().map(|byte| usize::from(*byte)).sum() }
    }
}

#[test]
fn a_closed_cache_gives_nothing_and_takes_nothing() {
    let executor = Executor::new();
    executor.as_worker(|| {
        let before = executor.spawn(async { 1 });
        executor.run_all();
        executor.close();
        // Released into a closed cache: goes past it.
        drop(before);
        let refused = executor.spawn(async { 2 });
        assert!(refused.is_finished());
        assert!(joined(refused).unwrap_err().is_cancelled());
        assert_eq!(executor.arena().occupied(), 0);
    });
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn debug_of_a_cache_counts_its_cells() {
    assert_eq!(format!("{:?}", Cache::new()), "Cache { free: 0, closed: false }");
}

/// Spawns and runs so many tasks of the smallest class.
#[cfg(not(runtime_no_recycle))]
fn burst(executor: &Executor, tasks: usize) {
    for _ in 0..tasks {
        drop(executor.spawn(std::future::ready(())));
    }
    executor.run_all();
}

#[test]
#[cfg(not(runtime_no_recycle))]
fn bursts_that_follow_one_another_find_the_cells_of_those_before() {
    let executor = Executor::new();
    executor.as_worker(|| {
        let mut now = Instant::now();
        let mut pages = 0;
        for round in 0..100 {
            burst(&executor, 100 * CHAIN);
            // Each time they are all free for almost a second.
            for _ in 0..4 {
                let _ = executor.arena().tidy(now);
                now += Duration::from_millis(199);
            }
            if round == 0 {
                pages = executor.arena().pages();
            }
            assert_eq!(executor.arena().pages(), pages, "in round {round}");
        }
        assert!(executor.arena().tidy_all() > 80);
    });
    assert!(end(executor).upgrade().is_none());
}

#[test]
#[cfg(not(runtime_no_recycle))]
fn a_burst_in_the_middle_of_giving_back_needs_no_new_pages() {
    let executor = Executor::new();
    executor.as_worker(|| {
        const TASKS: usize = 300 * CHAIN;
        // Up to where the pass is interrupted; more than there are steps at last.
        for steps in 0..30 {
            burst(&executor, TASKS);
            let pages = executor.arena().pages();
            let mut now = Instant::now();
            while executor.arena().tidy(now).is_some_and(|after| after >= Duration::from_millis(100)) {
                now += Duration::from_secs(1);
            }
            let mut goes_on = true;
            for _ in 0..steps {
                goes_on = executor.arena().tidy(now).is_some();
            }
            let freed = pages - executor.arena().pages();
            burst(&executor, TASKS);
            assert!(executor.arena().pages() <= pages + 1, "{freed} freed in {steps} steps");
            assert!(goes_on || freed > 250);
            executor.arena().tidy_all();
        }
    });
    assert!(end(executor).upgrade().is_none());
}

#[test]
#[cfg(not(runtime_no_recycle))]
fn a_page_with_a_task_in_it_stays_and_its_free_cells_are_used() {
    let executor = Executor::new();
    executor.as_worker(|| {
        let mut parked = Vec::new();
        for _ in 0..100 {
            for n in 0..CHAIN {
                let task = executor.spawn(std::future::pending::<()>());
                if n == 0 {
                    parked.push(task);
                } else {
                    task.abort();
                }
            }
        }
        executor.run_all();
        assert_eq!(executor.arena().tidy_all(), 0);
        assert_eq!(executor.live(), 100);
        burst(&executor, 99 * CHAIN);
        assert!(executor.arena().pages() <= 101);
        parked.iter().for_each(JoinHandle::abort);
        executor.run_all();
        drop(parked);
    });
    // Not before the worker has left: the last cells that it freed, one of each page, were in its cache.
    let freed = executor.arena().tidy_all();
    assert!(freed > 80, "{freed} pages");
    assert!(end(executor).upgrade().is_none());
}

#[test]
#[cfg(not(runtime_no_recycle))]
fn who_tidies_is_called_under_no_lock_while_the_cell_keeps_the_scheduler() {
    // The queue's `untidy` takes the outside lock, and panics.
    let call = |tasks: usize| {
        let executor = Executor::new();
        let calls = executor.called_to_tidy();
        let mut handles: Vec<_> = (0..tasks).map(|_| executor.spawn(async {})).collect();
        executor.run_all();
        // A chain that is short: the cells of full ones fill pages, and the last of them would not need to make room.
        executor.as_worker(|| handles.truncate(tasks - (CHAIN - 1)));
        let gone = end(executor);
        let last = handles.pop();
        drop(handles);
        let before = calls.load(Ordering::Relaxed);
        assert!(gone.upgrade().is_some());
        drop(last);
        assert!(gone.upgrade().is_none(), "the last cell was not counted out");
        (before, calls.load(Ordering::Relaxed))
    };
    within_time(|| {
        assert_eq!(call(4 * KEPT[0] * CHAIN), (1, 1));
        // As few as it takes: it is the very last release that calls.
        assert_eq!(call((2 * KEPT[0] + 1) * CHAIN), (0, 1));
        assert_eq!(call(2 * KEPT[0] * CHAIN), (0, 0));
    });
}
