//! The idle set and the parker, around a queue of one atomic. `runtime/src/idle/README.md` has the proof that these
//! models look into. A lost wake-up shows as a deadlock.
#![cfg(runtime_loom)]

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;
use runtime::model::idle::{Idle, Park, Parker, Woken};

fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Items without identity. It is looked at by plain loads, which may be stale, as those of a real queue.
struct Queue(AtomicUsize);

impl Queue {
    fn push(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    fn has_work(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }

    /// May miss an item that was pushed just now, as a real search may.
    fn pop(&self) -> bool {
        let len = self.0.load(Ordering::Relaxed);
        len > 0 && self.0.compare_exchange(len, len - 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}

struct Pool {
    idle: Idle,
    queue: Queue,
    /// The slots that take part: their numbers and parkers.
    slots: Vec<(usize, Parker)>,
}

impl Pool {
    /// `queued` items, and slots that all have a thread and run.
    fn new(slots: &[usize], queued: usize) -> Arc<Pool> {
        let idle = Idle::new(slots.iter().max().expect("a slot") + 1);
        slots.iter().for_each(|&slot| assert!(!idle.join(slot)));
        let slots = slots.iter().map(|&slot| (slot, Parker::new())).collect();
        Arc::new(Pool { idle, queue: Queue(AtomicUsize::new(queued)), slots })
    }

    fn parker(&self, slot: usize) -> &Parker {
        &self.slots.iter().find(|(number, _)| *number == slot).expect("a slot of the model").1
    }

    fn wake(&self, woken: Option<Woken>) {
        if let Some(woken) = woken {
            self.parker(woken.slot).unpark(|| panic!("nobody is in the driver"));
        }
    }

    fn push(&self) {
        self.queue.push();
        self.wake(self.idle.notify());
    }

    /// A worker that has run out of work: looks for one item, sleeping while there is none. It then keeps it for ever
    /// and never looks again, as one that is stuck in its poll. `searching`: counted so already.
    fn find_one(&self, slot: usize, mut searching: bool) {
        loop {
            searching = searching || self.idle.start_searching(slot);
            if searching && self.queue.pop() {
                self.wake(self.idle.stop_searching(slot, || self.queue.has_work()));
                return;
            }
            searching = self.sleep(slot, searching);
        }
    }

    /// Parks unless there is work. Whether it is counted as searching afterwards.
    fn sleep(&self, slot: usize, searching: bool) -> bool {
        match self.idle.park(slot, searching, || self.queue.has_work()) {
            Park::Sleep => self.asleep(slot),
            Park::WorkFound { .. } | Park::Claimed => true,
        }
    }

    fn asleep(&self, slot: usize) -> bool {
        self.parker(slot).park();
        self.idle.leave(slot).searching
    }

    /// Stays away for a time that is over when somebody calls, unless `called` by then. False: it is not to.
    fn nap(&self, slot: usize, others: u64, called: impl Fn() -> bool) -> bool {
        if !self.idle.begin_nap(slot, others) {
            return false;
        }
        while !called() {
            self.parker(slot).park();
        }
        self.idle.end_nap(slot);
        true
    }

    /// There is something for this slot alone.
    fn call(&self, slot: usize) {
        match self.idle.claim(slot) {
            None if self.idle.is_napping(slot) => {
                self.parker(slot).unpark(|| panic!("nobody is in the driver"))
            }
            woken => self.wake(woken),
        }
    }

    /// Parked before the model begins.
    fn park_at_first(&self, slot: usize) {
        assert_eq!(self.idle.park(slot, false, || false), Park::Sleep);
    }

    fn counts(&self) -> (usize, usize, usize) {
        (self.idle.parked(), self.idle.searching(), self.idle.awake())
    }
}

/// A thread for a slot.
fn worker(pool: &Arc<Pool>, slot: usize, life: impl FnOnce(&Pool) + 'static) -> thread::JoinHandle<()> {
    let pool = Arc::clone(pool);
    thread::spawn(move || {
        pool.parker(slot).adopt();
        life(&pool);
    })
}

#[test]
fn pusher_and_sleeper_do_not_miss_each_other() {
    check(3, || {
        let pool = Pool::new(&[0], 0);
        let sleeper = worker(&pool, 0, |pool| {
            let mut searching = false;
            while !pool.queue.pop() {
                searching = pool.sleep(0, searching);
            }
            if searching {
                assert_eq!(pool.idle.stop_searching(0, || false), None);
            }
        });
        pool.push();
        sleeper.join().unwrap();
        assert_eq!(pool.counts(), (0, 0, 1));
    });
}

#[test]
fn pusher_and_the_last_searcher_that_parks_do_not_miss_each_other() {
    check(3, || {
        let pool = Pool::new(&[0], 0);
        assert!(pool.idle.start_searching(0));
        let searcher = worker(&pool, 0, |pool| pool.find_one(0, true));
        pool.push();
        searcher.join().unwrap();
        assert_eq!(pool.counts(), (0, 0, 1));
    });
}

/// A searcher finds one of two items and gets stuck with it; the other's pusher may have relied on it.
fn searcher_passes_on(stuck: usize, parked: usize) {
    check(3, move || {
        let pool = Pool::new(&[stuck, parked], 1);
        pool.park_at_first(parked);
        assert!(pool.idle.start_searching(stuck));
        let finder = worker(&pool, stuck, move |pool| pool.find_one(stuck, true));
        let sleeper = worker(&pool, parked, move |pool| {
            let searching = pool.asleep(parked);
            pool.find_one(parked, searching);
        });
        pool.push();
        finder.join().unwrap();
        sleeper.join().unwrap();
        assert_eq!(pool.counts(), (0, 0, 2));
    });
}

#[test]
fn what_a_pusher_left_to_a_searcher_is_passed_on() {
    searcher_passes_on(0, 1);
}

#[test]
fn what_a_pusher_left_to_a_searcher_in_another_word_is_passed_on() {
    searcher_passes_on(48, 0);
}

#[test]
fn what_a_pusher_left_to_a_searcher_in_the_first_word_is_passed_on() {
    searcher_passes_on(0, 48);
}

#[test]
fn what_a_finder_has_moved_is_seen_by_the_last_searcher() {
    check(3, || {
        let pool = Pool::new(&[0, 1, 2], 0);
        assert!(pool.idle.start_searching(0));
        assert!(pool.idle.start_searching(1));
        let moved = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&moved);
        let finder = worker(&pool, 0, move |pool| {
            // What it has taken besides the one that it is stuck in from now on.
            own.store(true, Ordering::Release);
            pool.wake(pool.idle.stop_searching(0, || own.load(Ordering::Acquire)));
        });
        let last = pool.idle.park(1, true, || moved.load(Ordering::Acquire));
        finder.join().unwrap();
        assert!(last != Park::Sleep || pool.idle.parked() == 0, "nobody looks for what the finder has moved");
    });
}

#[test]
fn what_is_for_a_napper_alone_ends_its_nap() {
    check(3, || {
        let pool = Pool::new(&[0, 1], 0);
        let mail = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&mail);
        // Looked at by a plain load, as the flag of a local queue's inbox.
        let napper =
            worker(&pool, 0, move |pool| assert!(pool.nap(0, 1 << 1, || own.load(Ordering::Relaxed))));
        mail.store(true, Ordering::Relaxed);
        pool.call(0);
        napper.join().unwrap();
        assert_eq!(pool.counts(), (0, 0, 2));
    });
}

/// Each of these slots would leave the rest to the others, for longer than the model lasts.
fn all_would_nap(slots: &'static [usize]) {
    check(3, move || {
        let pool = Pool::new(slots, 0);
        let all: u64 = slots.iter().map(|&slot| 1 << slot).sum();
        let nap = move |pool: &Pool, slot: usize| pool.idle.begin_nap(slot, all & !(1 << slot));
        let others: Vec<_> = slots[1..]
            .iter()
            .map(|&slot| {
                let pool = Arc::clone(&pool);
                thread::spawn(move || nap(&pool, slot))
            })
            .collect();
        let first = nap(&pool, slots[0]);
        let napping = others.into_iter().map(|other| other.join().unwrap()).filter(|&naps| naps).count();
        let napping = napping + usize::from(first);
        assert!((1..slots.len()).contains(&napping), "{napping} nap: {:?}", pool.idle);
    });
}

#[test]
fn of_two_who_would_nap_one_stays_at_work() {
    all_would_nap(&[0, 1]);
}

#[test]
fn of_three_who_would_nap_one_stays_at_work() {
    all_would_nap(&[0, 1, 2]);
}

#[test]
fn nobody_naps_beside_one_who_is_parked() {
    check(3, || {
        let pool = Pool::new(&[0, 1], 0);
        pool.park_at_first(1);
        assert!(!pool.idle.begin_nap(0, 1 << 1));
        assert!(!pool.idle.is_napping(0));
    });
}

#[test]
fn what_is_pushed_beside_a_napper_is_found_by_another_who_parks_or_by_the_napper() {
    check(3, || {
        let pool = Pool::new(&[0, 1], 0);
        // One naps, and looks when that is over; its time passes at once. The other one looks for an item and finds it, or
        // the napper does: the pusher calls neither of them unless it is parked.
        let napper = worker(&pool, 0, move |pool| {
            if pool.idle.begin_nap(0, 1 << 1) {
                pool.idle.end_nap(0);
            }
            pool.find_one(0, false);
        });
        let other = worker(&pool, 1, |pool| pool.find_one(1, false));
        pool.push();
        pool.push();
        napper.join().unwrap();
        other.join().unwrap();
        assert_eq!(pool.counts(), (0, 0, 2));
    });
}

#[test]
fn two_sleepers_take_one_item_each() {
    check(3, || {
        let pool = Pool::new(&[0, 48], 0);
        let sleepers = [0, 48].map(|slot| worker(&pool, slot, move |pool| pool.find_one(slot, false)));
        pool.push();
        pool.push();
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
        assert_eq!(pool.counts(), (0, 0, 2));
    });
}

#[test]
fn one_slot_is_claimed_by_one_of_two() {
    check(3, || {
        let pool = Pool::new(&[0], 0);
        pool.park_at_first(0);
        let claims: Vec<_> = (0..2)
            .map(|_| {
                let pool = Arc::clone(&pool);
                thread::spawn(move || pool.idle.claim_any().is_some())
            })
            .collect();
        let left = pool.idle.leave(0);
        let claimed = claims.into_iter().map(|claim| claim.join().unwrap());
        let claimed = claimed.filter(|&claimed| claimed).count();
        assert_eq!(claimed, usize::from(left.searching));
        assert_eq!(pool.counts(), (0, claimed, 1));
    });
}

#[test]
fn the_supervisor_does_not_sleep_through_a_wake() {
    check(3, || {
        let pool = Pool::new(&[0], 0);
        pool.park_at_first(0);
        let claimer = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.idle.claim(0).expect("it is parked").supervisor_was_asleep)
        };
        let slept = pool.idle.supervisor_sleep();
        let told = claimer.join().unwrap();
        assert_eq!(slept, told);
    });
}

/// The driver as the pool sees it: one token, and a block that `unblock` ends, before or during.
struct Driver {
    held: AtomicBool,
    unblock: Notify,
}

impl Driver {
    fn new(held: bool) -> Driver {
        Driver { held: AtomicBool::new(held), unblock: Notify::new() }
    }

    fn try_take(&self) -> bool {
        // The look that may be stale comes first, as in the driver's own code.
        !self.held.load(Ordering::Relaxed)
            && self.held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn release(&self) {
        assert!(self.held.load(Ordering::Relaxed), "two holders");
        self.held.store(false, Ordering::Release);
    }
}

#[test]
fn a_driver_that_is_left_is_taken_by_a_sleeper() {
    check(3, || {
        let pool = Pool::new(&[0, 1], 0);
        let driver = Arc::new(Driver::new(true));
        let sleeper = {
            let driver = Arc::clone(&driver);
            worker(&pool, 1, move |pool| {
                let mut searching = false;
                loop {
                    let parked = pool.idle.park(1, searching, || false);
                    assert_eq!(parked, Park::Sleep);
                    if driver.try_take() {
                        break;
                    }
                    searching = pool.asleep(1);
                }
            })
        };
        // The holder leaves it, gets stuck in a poll, and nobody else looks after it.
        driver.release();
        pool.wake(pool.idle.claim_any());
        sleeper.join().unwrap();
        assert!(driver.held.load(Ordering::Relaxed));
    });
}

#[test]
fn a_wake_reaches_the_one_who_blocks_in_the_driver() {
    check(3, || {
        let pool = Pool::new(&[0], 0);
        let driver = Arc::new(Driver::new(false));
        let holder = {
            let driver = Arc::clone(&driver);
            worker(&pool, 0, move |pool| {
                let mut searching = false;
                while !pool.queue.pop() {
                    searching = match pool.idle.park(0, searching, || pool.queue.has_work()) {
                        Park::Sleep => {
                            assert!(driver.try_take());
                            if pool.parker(0).begin_driver() {
                                driver.unblock.wait();
                                pool.parker(0).end_driver();
                            }
                            driver.release();
                            pool.idle.leave(0).searching
                        }
                        Park::WorkFound { .. } | Park::Claimed => true,
                    };
                }
            })
        };
        pool.queue.push();
        if let Some(woken) = pool.idle.notify() {
            pool.parker(woken.slot).unpark(|| driver.unblock.notify());
        }
        holder.join().unwrap();
    });
}

#[test]
fn a_token_is_seen_with_what_was_written_before_it() {
    check(3, || {
        let parker = Arc::new(Parker::new());
        let written = Arc::new(loom::cell::UnsafeCell::new(0));
        parker.adopt();
        let unparker = {
            let (parker, written) = (Arc::clone(&parker), Arc::clone(&written));
            thread::spawn(move || {
                // SAFETY: the other thread reads after it has the token, which comes after.
                written.with_mut(|written| unsafe { *written = 7 });
                parker.unpark(|| panic!("nobody is in the driver"));
            })
        };
        parker.park();
        // SAFETY: the other thread wrote before it left the token, and is done.
        assert_eq!(written.with(|written| unsafe { *written }), 7);
        unparker.join().unwrap();
    });
}

#[test]
fn an_unpark_before_the_thread_is_known_is_heard() {
    check(3, || {
        let parker = Arc::new(Parker::new());
        let closed = Arc::new(AtomicUsize::new(0));
        let closer = {
            let (parker, closed) = (Arc::clone(&parker), Arc::clone(&closed));
            thread::spawn(move || {
                // Ordering: Release pairs with the Acquire below, as `close` with `is_closed`.
                closed.store(1, Ordering::Release);
                parker.unpark(|| panic!("nobody is in the driver"));
            })
        };
        parker.adopt();
        while closed.load(Ordering::Acquire) == 0 {
            parker.park();
        }
        closer.join().unwrap();
    });
}

#[test]
fn of_two_unparks_in_the_driver_one_unblocks_and_one_token_is_left() {
    check(3, || {
        let parker = Arc::new(Parker::new());
        let unblock = Arc::new(Notify::new());
        let unblocked = Arc::new(AtomicUsize::new(0));
        parker.adopt();
        let unparkers: Vec<_> = (0..2)
            .map(|_| {
                let (parker, unblock) = (Arc::clone(&parker), Arc::clone(&unblock));
                let unblocked = Arc::clone(&unblocked);
                thread::spawn(move || {
                    parker.unpark(|| {
                        unblocked.fetch_add(1, Ordering::Relaxed);
                        unblock.notify();
                    });
                })
            })
            .collect();
        while parker.begin_driver() {
            // May return for no reason, as a driver that has events does.
            unblock.wait();
            if parker.end_driver() {
                break;
            }
        }
        unparkers.into_iter().for_each(|unparker| unparker.join().unwrap());
        assert!(unblocked.load(Ordering::Relaxed) <= 1);
        // The second may have come after the first token was taken.
        if parker.begin_driver() {
            assert!(!parker.end_driver());
        }
    });
}
