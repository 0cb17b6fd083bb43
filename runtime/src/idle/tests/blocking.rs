//! Threads that really sleep, around the real injector.
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;

use super::super::{Idle, Park, Parker};
use crate::queue::tests::{Item, item};
use crate::queue::{Injector, Pushed};
use crate::watchdog::{rounds, watched};

struct Pool {
    idle: Idle,
    parkers: Vec<Parker>,
    injector: Injector<Item>,
    done: AtomicUsize,
    parks: AtomicUsize,
    closed: AtomicBool,
}

impl Pool {
    fn start(workers: usize) -> (Arc<Pool>, Vec<JoinHandle<()>>) {
        let pool = Arc::new(Pool {
            idle: Idle::new(workers),
            parkers: (0..workers).map(|_| Parker::new()).collect(),
            injector: Injector::new(),
            done: AtomicUsize::new(0),
            parks: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        let threads = (0..workers).map(|slot| {
            let pool = Arc::clone(&pool);
            std::thread::spawn(move || pool.work(slot))
        });
        let threads = threads.collect();
        (pool, threads)
    }

    fn work(&self, slot: usize) {
        self.parkers[slot].adopt();
        assert!(!self.idle.join(slot));
        let mut searching = false;
        while !self.closed.load(Ordering::Acquire) {
            searching = searching || self.idle.start_searching(slot);
            if searching {
                let batch = self.injector.pop_batch(4, 1);
                if !batch.is_empty() {
                    self.wake(self.idle.stop_searching(slot, || !self.injector.is_empty()));
                    searching = false;
                    self.done.fetch_add(batch.map(drop).count(), Ordering::Release);
                    continue;
                }
            }
            let has_work = || self.closed.load(Ordering::Acquire) || !self.injector.is_empty();
            searching = match self.idle.park(slot, searching, has_work) {
                Park::Sleep => {
                    self.parks.fetch_add(1, Ordering::Relaxed);
                    // May end for no reason: a test unparks those it has not claimed.
                    self.parkers[slot].park();
                    self.idle.leave(slot).searching
                }
                Park::WorkFound { .. } | Park::Claimed => true,
            };
        }
        if searching {
            self.wake(self.idle.stop_searching(slot, || false));
        }
        self.idle.retire(slot);
    }

    fn wake(&self, woken: Option<super::super::Woken>) {
        if let Some(woken) = woken {
            self.parkers[woken.slot].unpark(|| panic!("there is no driver"));
        }
    }

    fn push(&self, value: u64) {
        match self.injector.push(item(value)) {
            Pushed::First => self.wake(self.idle.notify()),
            Pushed::Behind => {}
            Pushed::Closed(_) => panic!("the injector is open"),
        }
    }

    fn wait_for(&self, done: usize) {
        while self.done.load(Ordering::Acquire) < done {
            std::thread::yield_now();
        }
    }

    fn stop(&self, threads: Vec<JoinHandle<()>>) {
        self.closed.store(true, Ordering::Release);
        for slot in 0..self.parkers.len() {
            self.wake(self.idle.claim(slot));
        }
        threads.into_iter().for_each(|thread| thread.join().expect("a worker does not panic"));
        assert_eq!((self.idle.parked(), self.idle.searching(), self.idle.awake()), (0, 0, 0));
    }
}

#[test]
fn work_pushed_while_the_last_searcher_parks_is_run() {
    watched("work_pushed_while_the_last_searcher_parks_is_run", || {
        for workers in [1, 2, 3] {
            let (pool, threads) = Pool::start(workers);
            for round in 0..rounds(1_000_000) {
                pool.push(round as u64);
                pool.wait_for(round + 1);
            }
            pool.stop(threads);
        }
    });
}

#[test]
fn work_of_many_pushers_is_run() {
    watched("work_of_many_pushers_is_run", || {
        let each = rounds(1_000_000);
        for workers in [1, 3, 60] {
            let (pool, threads) = Pool::start(workers);
            let barrier = Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        barrier.wait();
                        (0..each).for_each(|value| pool.push(value as u64));
                    });
                }
            });
            pool.wait_for(4 * each);
            pool.stop(threads);
        }
    });
}

#[test]
fn counters_stay_legal_when_all_are_woken_spuriously() {
    watched("counters_stay_legal_when_all_are_woken_spuriously", || {
        const WORKERS: usize = 4;
        // A worker whose token came late is on its way back to its park.
        let all_parked = |pool: &Pool| {
            while (pool.idle.parked(), pool.idle.searching(), pool.idle.awake()) != (WORKERS, 0, 0) {
                std::thread::yield_now();
            }
        };
        let (pool, threads) = Pool::start(WORKERS);
        for _ in 0..rounds(100_000) {
            all_parked(&pool);
            let before = pool.parks.load(Ordering::Relaxed);
            for parker in &pool.parkers {
                parker.unpark(|| panic!("there is no driver"));
            }
            while pool.parks.load(Ordering::Relaxed) == before {
                std::thread::yield_now();
            }
        }
        all_parked(&pool);
        pool.push(1);
        pool.wait_for(1);
        pool.stop(threads);
    });
}
