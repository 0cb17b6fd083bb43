//! Cells are recycled, counted and given back.
use super::super::arena::{CHAIN, Cache, Home, SIZES};
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
fn a_burst_is_recycled_and_trimmed() {
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
        assert_eq!(executor.arena().trim(1000), 0, "not worth it");
        // Kept: two lists in the cache, spread over three pages at most, and the parked task's page.
        let freed = executor.arena().trim(0);
        assert!((96..=100).contains(&freed), "{freed} pages");
        assert_eq!(executor.live(), 1);
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
    assert!(executor.arena().trim(0) >= if cfg!(runtime_no_recycle) { 0 } else { 100 });
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
        executor.arena().trim(0);
        assert!(end(executor).upgrade().is_none());
    });
}

#[test]
fn spawns_and_frees_on_many_threads_with_trims_between() {
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
                                executor.arena().trim(0);
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
