//! What is submitted runs, within the cap, whatever its threads are about.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use parking_lot::Mutex;

use super::*;

#[test]
fn ten_times_the_cap_never_exceeds_it_and_all_finish() {
    watched("B1", || {
        const CAP: usize = 8;
        let pool = pool(CAP, Config::DEFAULT_KEEP_ALIVE);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // The first wave meets at a barrier: the cap is reached as well as kept.
        let barrier = Arc::new(Barrier::new(CAP));
        let (done, all) = mpsc::channel();
        for index in 0..10 * CAP {
            let (running, most, barrier) = (running.clone(), most.clone(), barrier.clone());
            let done = done.clone();
            let job = Job::new(move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                if index < CAP {
                    barrier.wait();
                }
                running.fetch_sub(1, Ordering::SeqCst);
                done.send(index).unwrap();
            });
            pool.submit(job).unwrap();
        }
        drop(done);
        let mut finished: Vec<_> = all.iter().collect();
        finished.sort_unstable();
        assert_eq!(finished, (0..10 * CAP).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), CAP);
        assert!(pool.metrics().threads <= CAP);
        close(&pool);
    });
}

#[test]
fn a_job_submitted_at_the_cap_while_the_last_thread_goes_idle_runs() {
    watched("B2", || {
        let pool = pool(1, Config::DEFAULT_KEEP_ALIVE);
        for _ in 0..rounds(1_000_000) {
            let (first, first_ran) = told();
            let (second, second_ran) = told();
            pool.submit(first).unwrap();
            // The one thread is about to look at an empty queue.
            assert!(first_ran.recv().unwrap().is_some());
            pool.submit(second).unwrap();
            assert!(second_ran.recv().unwrap().is_some());
        }
        assert_eq!(pool.metrics().threads, 1);
        close(&pool);
    });
}

#[test]
fn a_job_submitted_while_the_keep_alive_expires_runs() {
    watched("B3", || {
        let mut reused = 0;
        for keep_alive in [Duration::ZERO, Duration::from_micros(20), Duration::from_micros(60)] {
            let pool = pool(2, keep_alive);
            let mut last = None;
            for _ in 0..rounds(100_000) {
                let (job, ran) = told();
                pool.submit(job).unwrap();
                let thread = ran.recv().unwrap();
                assert!(thread.is_some(), "dropped");
                reused += usize::from(thread == last);
                last = thread;
            }
            wait_for(|| pool.metrics() == Counts::default());
            close(&pool);
        }
        println!("served by the same thread {reused} times");
    });
}

#[test]
fn idle_threads_leave_after_the_keep_alive() {
    watched("keep-alive", || {
        let pool = pool(4, Duration::from_millis(50));
        let barrier = Arc::new(Barrier::new(4));
        for _ in 0..4 {
            let barrier = barrier.clone();
            let job = Job::new(move || {
                barrier.wait();
            });
            pool.submit(job).unwrap();
        }
        wait_for(|| pool.metrics() == Counts::default());
        let (job, ran) = told();
        pool.submit(job).unwrap();
        assert!(ran.recv().unwrap().is_some());
        close(&pool);
    });
}

#[test]
fn two_closures_that_wait_for_one_another_meet_though_submitted_in_a_burst() {
    watched("chain", || {
        for _ in 0..rounds(5_000) {
            let pool = pool(3, Config::DEFAULT_KEEP_ALIVE);
            let barrier = Arc::new(Barrier::new(3));
            let (done, all) = mpsc::channel();
            for _ in 0..3 {
                let (barrier, done) = (barrier.clone(), done.clone());
                let job = Job::new(move || {
                    barrier.wait();
                    done.send(()).unwrap();
                });
                pool.submit(job).unwrap();
            }
            drop(done);
            assert_eq!(all.iter().count(), 3);
            close(&pool);
        }
    });
}

#[test]
fn a_burst_waits_for_the_thread_being_created_and_asks_for_no_second() {
    watched("burst", || {
        let (entered, in_create) = mpsc::channel();
        let (gate, opened) = mpsc::channel::<()>();
        let (entered, opened) = (Mutex::new(entered), Mutex::new(opened));
        let pool = Pool::with_create(
            Config::default(),
            Box::new(move |builder, body| {
                let _ = entered.lock().send(());
                let _ = opened.lock().recv();
                builder.spawn(body)
            }),
        );
        let (first, first_outcome) = told();
        let submitter = thread::spawn({
            let pool = pool.clone();
            move || pool.submit(first).unwrap()
        });
        in_create.recv().unwrap();
        let outcomes: Vec<_> = (0..100)
            .map(|_| {
                let (job, outcome) = told();
                pool.submit(job).unwrap();
                outcome
            })
            .collect();
        assert_eq!(pool.metrics(), Counts { threads: 1, idle: 0, queued: 101 });
        drop(gate);
        submitter.join().unwrap();
        assert!(first_outcome.recv().unwrap().is_some());
        assert!(outcomes.iter().all(|outcome| outcome.recv().unwrap().is_some()));
        close(&pool);
    });
}

#[test]
fn submitters_on_many_threads_lose_nothing_while_threads_come_and_go() {
    watched("storm", || {
        const SUBMITTERS: usize = 4;
        let each = rounds(1_000_000);
        let pool = pool(3, Duration::from_micros(30));
        let count = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..SUBMITTERS {
                scope.spawn(|| {
                    for _ in 0..each {
                        let count = Arc::clone(&count);
                        pool.submit(Job::new(move || {
                            drop(count.fetch_add(1, Ordering::Relaxed).to_string())
                        }))
                        .unwrap();
                    }
                });
            }
        });
        wait_for(|| count.load(Ordering::Relaxed) == SUBMITTERS * each);
        wait_for(|| pool.metrics() == Counts::default());
        close(&pool);
    });
}
