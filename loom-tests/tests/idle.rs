//! The idle set and the parker, around a queue of one atomic. `runtime/src/idle/README.md` has the proof that these
//! models look into. A lost wake-up shows as a deadlock.
#![cfg(runtime_loom)]

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;
use runtime::model::idle::{Idle, Left, Park, Parker, Watch, Woken};

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

    /// A push that its pusher would run itself, if it were not stuck in its poll.
    fn push_own(&self, watch: &Watch) {
        self.queue.push();
        self.wake(self.idle.notify_unless(|| watch.is_kept()));
    }

    /// As `sleep`, but for a limited time, which is over at once.
    fn nap(&self, slot: usize, watch: &Watch) -> bool {
        match self.idle.park(slot, false, || self.queue.has_work()) {
            Park::Sleep => {
                watch.begin();
                self.idle.end_watch(slot, watch).searching
            }
            Park::WorkFound { .. } | Park::Claimed => true,
        }
    }

    /// A push by one to whom it may have been left.
    fn push_left(&self, left: &Left) {
        self.queue.push();
        self.wake(self.idle.notify_unless(|| self.idle.is_any_awake(left.to())));
    }

    /// As `nap`, of one who leaves what there is to `to` if one of these is awake.
    fn leave(&self, slot: usize, left: &Left, to: u64) -> bool {
        left.begin(to);
        let mut leaves = true;
        let parked = self.idle.park(slot, false, || {
            if !self.idle.is_any_awake(to) {
                leaves = false;
                left.end();
            }
            !leaves && self.queue.has_work()
        });
        match parked {
            Park::Sleep if leaves => self.idle.end_left(slot, left).searching,
            Park::Sleep => self.asleep(slot),
            Park::WorkFound { .. } | Park::Claimed => {
                left.end();
                true
            }
        }
    }

    /// Goes on with something of its own, that nobody else may take, and is stuck in it.
    fn run_own(&self, slot: usize, searching: bool) {
        if searching {
            self.wake(self.idle.stop_searching(slot, || self.queue.has_work()));
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
fn what_a_pusher_left_to_a_watch_is_found_when_it_is_over() {
    check(3, || {
        let pool = Pool::new(&[0], 0);
        let watch = Arc::new(Watch::new());
        let kept = Arc::clone(&watch);
        let napper = worker(&pool, 0, move |pool| {
            let searching = pool.nap(0, &kept);
            pool.find_one(0, searching);
        });
        pool.push_own(&watch);
        napper.join().unwrap();
        assert_eq!(pool.counts(), (0, 0, 1));
    });
}

#[test]
fn what_a_pusher_left_to_a_watch_is_passed_on_by_one_who_runs_something_else() {
    check(3, || {
        let pool = Pool::new(&[0, 1], 0);
        let watch = Arc::new(Watch::new());
        pool.park_at_first(1);
        let kept = Arc::clone(&watch);
        let napper = worker(&pool, 0, move |pool| {
            let searching = pool.nap(0, &kept);
            pool.run_own(0, searching);
        });
        pool.push_own(&watch);
        napper.join().unwrap();
        // Whoever is parked now has no token, and the item is nobody's.
        assert_eq!(pool.idle.parked(), 0, "{:?}", pool.idle);
    });
}

#[test]
fn what_a_pusher_left_to_a_watch_is_passed_on_by_whichever_searcher_is_the_last() {
    check(3, || {
        let pool = Pool::new(&[0, 1, 2], 1);
        let watch = Arc::new(Watch::new());
        assert!(pool.idle.start_searching(1));
        pool.park_at_first(0);
        pool.park_at_first(2);
        watch.begin();
        let kept = Arc::clone(&watch);
        let napper = worker(&pool, 0, move |pool| {
            let leave = pool.idle.end_watch(0, &kept);
            pool.run_own(0, leave.searching);
        });
        let finder = worker(&pool, 1, |pool| pool.find_one(1, true));
        pool.push_own(&watch);
        napper.join().unwrap();
        finder.join().unwrap();
        assert!(!pool.queue.has_work() || pool.idle.parked() == 0, "an item is left, and nobody called");
    });
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
fn what_a_pusher_found_left_to_itself_is_found_when_the_nap_is_over() {
    check(3, || {
        let pool = Pool::new(&[0, 1, 2], 0);
        let left = Arc::new(Left::new());
        pool.park_at_first(2);
        let begun = Arc::clone(&left);
        let napper = worker(&pool, 0, move |pool| {
            let searching = pool.leave(0, &begun, 1 << 1);
            pool.run_own(0, searching);
        });
        // Slot 1, which is stuck in a poll.
        pool.push_left(&left);
        napper.join().unwrap();
        // Whoever is parked now has no token, and the item is nobody's.
        assert_eq!(pool.idle.parked(), 0, "{:?}", pool.idle);
    });
}

#[test]
fn what_was_pushed_from_outside_is_not_left_to_one_who_waits_as_well() {
    check(3, || {
        let pool = Pool::new(&[0, 1], 0);
        let left = Arc::new(Left::new());
        let begun = Arc::clone(&left);
        let napper = worker(&pool, 0, move |pool| {
            let searching = pool.leave(0, &begun, 1 << 1);
            pool.run_own(0, searching);
        });
        let other = worker(&pool, 1, |pool| pool.find_one(1, false));
        pool.push_left(&left);
        other.join().unwrap();
        // Nobody else calls the napper, if it waits as the other did.
        pool.wake(pool.idle.claim(0));
        napper.join().unwrap();
        assert!(!pool.queue.has_work());
    });
}

#[test]
fn what_one_pushes_who_was_still_parked_when_it_was_to_be_left_to_him_is_found() {
    check(3, || {
        let pool = Pool::new(&[0, 1], 0);
        let left = Arc::new(Left::new());
        pool.park_at_first(1);
        let begun = Arc::clone(&left);
        let napper = worker(&pool, 0, move |pool| {
            let searching = pool.leave(0, &begun, 1 << 1);
            pool.run_own(0, searching);
        });
        // It wakes by itself, and is stuck in a poll that has pushed this. If the other one waits by then, it waits for a call.
        let _ = pool.idle.leave(1);
        pool.push_left(&left);
        napper.join().unwrap();
    });
}

#[test]
fn what_a_finder_found_left_is_found_when_the_nap_is_over() {
    check(3, || {
        let pool = Pool::new(&[0, 1, 2], 2);
        let left = Arc::new(Left::new());
        pool.park_at_first(0);
        pool.park_at_first(2);
        left.begin(1 << 1);
        assert!(pool.idle.start_searching(1));
        let begun = Arc::clone(&left);
        let napper = worker(&pool, 0, move |pool| {
            let leave = pool.idle.end_left(0, &begun);
            pool.run_own(0, leave.searching);
        });
        // One of two items; it gets stuck with it.
        while !pool.queue.pop() {}
        let left_to = || pool.idle.is_any_awake(left.to());
        pool.wake(pool.idle.stop_searching(1, || !left_to() && pool.queue.has_work()));
        napper.join().unwrap();
        assert_eq!(pool.idle.parked(), 0, "{:?}", pool.idle);
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
