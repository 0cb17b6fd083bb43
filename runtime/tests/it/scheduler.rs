//! Work queued is work done: by somebody, once, soon.
use parking_lot::Mutex;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::channel::{mpsc as channel, oneshot};
use runtime::Runtime;

use crate::support::{Rng, WORKERS, count, pool, pool_without_spares, until, until_no_tasks, watchdog};

/// What no exchange may take, however busy the machine is.
const STALL: Duration = Duration::from_secs(1);

// S1
#[test]
fn outside_and_task_play_ping_pong_without_a_stall() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let rounds = count(if workers == 2 { 30_000 } else { 5_000 }, 5_000_000);
        let (ping, mut pings) = channel::unbounded();
        let (pong, pongs) = mpsc::channel();
        let echo = runtime.spawn(async move {
            while let Some(n) = pings.next().await {
                pong.send(n).unwrap();
            }
        });
        let mut longest = Duration::ZERO;
        for n in 0..rounds {
            let sent = Instant::now();
            ping.unbounded_send(n).unwrap();
            assert_eq!(pongs.recv().unwrap(), n);
            longest = longest.max(sent.elapsed());
        }
        assert!(longest < STALL, "{workers} workers: a round took {longest:?}");
        drop(ping);
        runtime.block_on(echo).unwrap();
    }
}

async fn spawn_and_join(rounds: usize) -> Duration {
    let mut longest = Duration::ZERO;
    for n in 0..rounds {
        let began = Instant::now();
        assert_eq!(runtime::spawn(async move { n }).await.unwrap(), n);
        longest = longest.max(began.elapsed());
    }
    longest
}

// S1
#[test]
fn spawn_and_join_one_at_a_time_without_a_stall() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let rounds = count(100_000, 10_000_000);
        let inside = runtime.block_on(runtime.spawn(spawn_and_join(rounds))).unwrap();
        // The thread in `block_on` is a guest: its spawns may run on it, or be stolen.
        let as_guest = runtime.block_on(spawn_and_join(rounds / 4));
        assert!(inside < STALL && as_guest < STALL, "{workers} workers: {inside:?}, {as_guest:?}");
        until_no_tasks(&runtime);
    }
}

// S5
#[test]
fn of_one_owners_tasks_the_thieves_run_each_exactly_once() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let items = count(100_000, 10_000_000);
        let runs: Arc<[AtomicU8]> = (0..items).map(|_| AtomicU8::new(0)).collect();
        let done = Arc::new(AtomicUsize::new(0));
        let (runs_inside, done_inside) = (Arc::clone(&runs), Arc::clone(&done));
        runtime
            .block_on(runtime.spawn(async move {
                for index in 0..items {
                    let (runs, done) = (Arc::clone(&runs_inside), Arc::clone(&done_inside));
                    drop(runtime::spawn(async move {
                        runs[index].fetch_add(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                    }));
                    if index % 1_000 == 0 {
                        runtime::task::yield_now().await;
                    }
                }
            }))
            .unwrap();
        until(|| done.load(Ordering::SeqCst) >= items);
        until_no_tasks(&runtime);
        assert!(runs.iter().all(|runs| runs.load(Ordering::SeqCst) == 1));
    }
}

// S6
#[test]
fn ten_times_the_local_capacity_spawned_in_one_poll_loses_nothing() {
    let _watchdog = watchdog();
    const CAPACITY: usize = 256;
    for workers in WORKERS {
        let runtime = pool(workers);
        for _ in 0..count(20, 2_000) {
            let spawner = runtime.spawn(async {
                let handles: Vec<_> =
                    (0..10 * CAPACITY).map(|index| runtime::spawn(async move { index })).collect();
                for (index, handle) in handles.into_iter().enumerate() {
                    assert_eq!(handle.await.unwrap(), index);
                }
            });
            runtime.block_on(spawner).unwrap();
            // The same by the guest.
            runtime.block_on(async {
                let handles: Vec<_> =
                    (0..10 * CAPACITY).map(|index| runtime::spawn(async move { index })).collect();
                for (index, handle) in handles.into_iter().enumerate() {
                    assert_eq!(handle.await.unwrap(), index);
                }
            });
        }
        until_no_tasks(&runtime);
    }
}

// S7
#[test]
fn with_one_producer_and_one_worker_the_injector_is_in_order() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let items = count(20_000, 1_000_000);
    let handles: Vec<_> = (0..items)
        .map(|index| {
            let order = Arc::clone(&order);
            runtime.spawn(async move { order.lock().push(index) })
        })
        .collect();
    until(|| handles.iter().all(|handle| handle.is_finished()));
    assert!(order.lock().iter().copied().eq(0..items));
}

// S9, P3
#[test]
fn spurious_unparks_of_every_worker_leave_the_pool_in_order() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let threads = Arc::new(Mutex::new(Vec::<Thread>::new()));
        let started = Arc::clone(&threads);
        let runtime = Runtime::builder()
            .worker_threads(workers)
            .on_thread_start(move || started.lock().push(thread::current()))
            .build()
            .unwrap();
        until(|| threads.lock().len() >= workers);
        let threads = threads.lock().clone();
        for round in 0..count(2_000, 100_000) {
            threads.iter().for_each(Thread::unpark);
            if round % 10 == 0 {
                let (tx, rx) = mpsc::channel();
                drop(runtime.spawn(async move { tx.send(()).unwrap() }));
                rx.recv().unwrap();
            }
        }
        assert!(runtime.block_on(runtime.spawn(spawn_and_join(100))).unwrap() < STALL);
        until_no_tasks(&runtime);
    }
}

// S13
#[test]
fn after_a_storm_of_wakes_from_eight_threads_a_poll_follows_the_last() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        for _ in 0..count(10, 1_000) {
            let published = Arc::new(AtomicUsize::new(0));
            let seen = Arc::new(AtomicUsize::new(0));
            let (tx, rx) = mpsc::channel::<Waker>();
            let (from, to) = (Arc::clone(&published), Arc::clone(&seen));
            let mut tx = Some(tx);
            let task = runtime.spawn(poll_fn(move |cx| {
                to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
                if let Some(tx) = tx.take() {
                    tx.send(cx.waker().clone()).unwrap();
                }
                Poll::<()>::Pending
            }));
            let waker = rx.recv().unwrap();
            let start = Arc::new(Barrier::new(8));
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    let (waker, published, start) =
                        (waker.clone(), Arc::clone(&published), Arc::clone(&start));
                    thread::spawn(move || {
                        start.wait();
                        for _ in 0..500 {
                            // Relaxed: it is the wake that must carry it over.
                            published.fetch_add(1, Ordering::Relaxed);
                            waker.wake_by_ref();
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            until(|| seen.load(Ordering::Relaxed) == 8 * 500);
            task.abort();
        }
        until_no_tasks(&runtime);
    }
}

// S14
#[test]
fn a_spawn_at_the_instant_the_last_searcher_parks_runs() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for workers in WORKERS {
        let runtime = pool(workers);
        let (tx, rx) = mpsc::channel();
        let mut longest = Duration::ZERO;
        for _ in 0..count(10_000, 1_000_000) {
            let tx = tx.clone();
            let spawned = Instant::now();
            drop(runtime.spawn(async move { tx.send(()).unwrap() }));
            rx.recv().unwrap();
            longest = longest.max(spawned.elapsed());
            // Up to about the time that the worker takes to look everywhere and park.
            rng.spin(3_000);
        }
        assert!(longest < STALL, "{workers} workers: a spawn took {longest:?}");
    }
}

#[test]
fn spawns_from_many_threads_at_once_all_run() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = Arc::new(pool(workers));
        let done = Arc::new(AtomicUsize::new(0));
        let each = count(5_000, 500_000);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (handle, done) = (runtime.handle().clone(), Arc::clone(&done));
                thread::spawn(move || {
                    for _ in 0..each {
                        let done = Arc::clone(&done);
                        drop(handle.spawn(async move {
                            done.fetch_add(1, Ordering::SeqCst);
                        }));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        until(|| done.load(Ordering::SeqCst) == 4 * each);
        until_no_tasks(&runtime);
    }
}

#[test]
fn a_tree_of_tasks_that_spawn_and_await_their_children_is_counted_right() {
    let _watchdog = watchdog();
    fn tree(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return 1;
            }
            let (left, right) = (runtime::spawn(tree(depth - 1)), runtime::spawn(tree(depth - 1)));
            left.await.unwrap() + right.await.unwrap()
        })
    }
    for workers in WORKERS {
        let runtime = pool(workers);
        let depth = 14;
        assert_eq!(runtime.block_on(runtime.spawn(tree(depth))).unwrap(), 1 << depth);
        assert_eq!(runtime.block_on(tree(depth)), 1 << depth);
        until_no_tasks(&runtime);
    }
}

#[test]
fn a_ring_of_tasks_passes_its_token_round() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        const LENGTH: usize = 100;
        let (mut first, mut before) = channel::channel::<usize>(1);
        for _ in 1..LENGTH {
            let (mut tx, rx) = channel::channel(1);
            let mut from = std::mem::replace(&mut before, rx);
            drop(runtime.spawn(async move {
                while let Some(token) = from.next().await {
                    if poll_fn(|cx| tx.poll_ready(cx)).await.is_err() || tx.start_send(token + 1).is_err() {
                        return;
                    }
                }
            }));
        }
        let rounds = count(200, 20_000);
        let (done, wait) = oneshot::channel();
        drop(runtime.spawn(async move {
            let mut token = 0;
            for _ in 0..rounds {
                poll_fn(|cx| first.poll_ready(cx)).await.unwrap();
                first.start_send(token + 1).unwrap();
                token = before.next().await.unwrap();
            }
            done.send(token).unwrap();
        }));
        assert_eq!(runtime.block_on(wait).unwrap(), rounds * LENGTH);
        until_no_tasks(&runtime);
    }
}
