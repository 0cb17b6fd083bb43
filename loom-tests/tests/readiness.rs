//! The readiness cell: no event is lost, no waker is used after it was dropped, and none is kept.
//!
//! The protocol is in `reactor/README.md`. What the kernel knows is an atomic that is set before the event is told.
#![cfg(runtime_loom)]

use std::mem::ManuallyDrop;
use std::sync::Arc as StdArc;
use std::task::{RawWaker, RawWakerVTable, Waker};

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;
use reactor::model::{Cell, Waiter};

/// A task's wakers. The memory outlives them, so that a use after the last drop is a finding and not a crash.
struct Probe {
    /// How many there are, the task's own included.
    wakers: AtomicUsize,
    woken: AtomicBool,
}

impl Probe {
    fn new() -> StdArc<Probe> {
        StdArc::new(Probe { wakers: AtomicUsize::new(1), woken: AtomicBool::new(false) })
    }

    /// The task's own waker.
    fn waker(self: &StdArc<Probe>) -> ManuallyDrop<Waker> {
        // SAFETY: the functions of the table keep the contract while the probe lives, which is as long as the model.
        ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(StdArc::as_ptr(self).cast(), &VTABLE)) })
    }

    /// Whether the task is to be polled again.
    fn take_woken(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }

    fn assert_no_waker_is_kept(&self) {
        assert_eq!(self.wakers.load(Ordering::Acquire), 1, "a waker is kept");
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn probe(data: *const ()) -> &'static Probe {
    // SAFETY: as in `Probe::waker`.
    unsafe { &*data.cast() }
}

fn clone(data: *const ()) -> RawWaker {
    probe(data).wakers.fetch_add(1, Ordering::AcqRel);
    RawWaker::new(data, &VTABLE)
}

fn wake(data: *const ()) {
    wake_by_ref(data);
    drop_waker(data);
}

fn wake_by_ref(data: *const ()) {
    let probe = probe(data);
    // Read-modify-writes, both: loom would put a store before the swap that missed it, and a load might see the count
    // of long ago.
    probe.woken.swap(true, Ordering::AcqRel);
    assert!(probe.wakers.fetch_add(0, Ordering::AcqRel) > 0, "a waker was used after it was dropped");
}

fn drop_waker(data: *const ()) {
    let before = probe(data).wakers.fetch_sub(1, Ordering::AcqRel);
    assert!(before > 0, "a waker was dropped twice");
}

/// The task is over: from here on a use of its waker is one too many, unless the cell has counted it.
fn end(probe: &Probe) {
    probe.wakers.fetch_sub(1, Ordering::AcqRel);
}

fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(f);
}

/// Polls again as often as it was woken. Whether it is done.
fn resume(cell: &Cell, waiter: &mut Waiter, probe: &StdArc<Probe>, op: impl Fn() -> bool) -> bool {
    while probe.take_woken() {
        if cell.poll(waiter, &probe.waker(), &op) {
            return true;
        }
    }
    false
}

/// One event against one waiter: look, try, clear, register.
fn an_event_is_not_lost(waiter: fn() -> Waiter) {
    model(3, move || {
        let cell = Arc::new(Cell::new());
        let arrived = Arc::new(AtomicBool::new(false));
        let driver = {
            let (cell, arrived) = (Arc::clone(&cell), Arc::clone(&arrived));
            thread::spawn(move || {
                arrived.store(true, Ordering::Relaxed);
                cell.event();
            })
        };
        let probe = Probe::new();
        let mut waiter = waiter();
        let op = || arrived.load(Ordering::Relaxed);
        let mut done = cell.poll(&mut waiter, &probe.waker(), op) || resume(&cell, &mut waiter, &probe, op);
        driver.join().unwrap();
        done = done || resume(&cell, &mut waiter, &probe, op);
        assert!(done, "the event was lost");
        cell.leave(&mut waiter);
        cell.close();
        probe.assert_no_waker_is_kept();
    });
}

#[test]
fn an_event_is_not_lost_by_a_poll_function() {
    an_event_is_not_lost(Waiter::shared);
}

#[test]
fn an_event_is_not_lost_by_a_future() {
    an_event_is_not_lost(Waiter::exclusive);
}

/// Two events, from a reactor that the source has left and from its new one, against a waiter that comes back with
/// the waker it has left there.
#[test]
fn an_event_during_a_wake_up_is_not_lost() {
    model(3, || {
        let cell = Arc::new(Cell::new());
        let arrived = Arc::new(AtomicUsize::new(0));
        let probe = Probe::new();
        let mut waiter = Waiter::shared();
        // Armed from the start: the first event wakes in place.
        assert!(!cell.poll(&mut waiter, &probe.waker(), || false));
        let drivers = [(); 2].map(|()| {
            let (cell, arrived) = (Arc::clone(&cell), Arc::clone(&arrived));
            thread::spawn(move || {
                arrived.fetch_add(1, Ordering::Relaxed);
                cell.event();
            })
        });
        let op = || arrived.load(Ordering::Relaxed) == 2;
        let mut done = resume(&cell, &mut waiter, &probe, op);
        for driver in drivers {
            driver.join().unwrap();
        }
        done = done || resume(&cell, &mut waiter, &probe, op);
        assert!(done, "the second event was lost");
        cell.close();
        probe.assert_no_waker_is_kept();
    });
}

/// The waker is replaced while an event uses it, and its task ends.
#[test]
fn a_waker_is_not_replaced_while_it_is_in_use() {
    model(3, || {
        let cell = Arc::new(Cell::new());
        let arrived = Arc::new(AtomicBool::new(false));
        let first = Probe::new();
        let mut waiter = Waiter::shared();
        assert!(!cell.poll(&mut waiter, &first.waker(), || false));
        end(&first);
        let driver = {
            let (cell, arrived) = (Arc::clone(&cell), Arc::clone(&arrived));
            thread::spawn(move || {
                // With nothing arrived, so that the waiter has a reason to register.
                cell.rouse();
                arrived.store(true, Ordering::Relaxed);
                cell.event();
            })
        };
        let second = Probe::new();
        let op = || arrived.load(Ordering::Relaxed);
        // Once: an executor would come back as often as it is woken, and each time might find it still in use.
        let mut done = cell.poll(&mut waiter, &second.waker(), op);
        driver.join().unwrap();
        done = done || resume(&cell, &mut waiter, &second, op);
        assert!(done, "the event woke the replaced waker alone");
        cell.close();
        assert_eq!(first.wakers.load(Ordering::Acquire), 0, "the replaced waker is kept");
        second.assert_no_waker_is_kept();
    });
}

/// Two events at once: the waker is in use until both are through.
#[test]
fn a_waker_is_not_replaced_while_another_event_uses_it() {
    model(3, || {
        let cell = Arc::new(Cell::new());
        let first = Probe::new();
        let mut waiter = Waiter::shared();
        assert!(!cell.poll(&mut waiter, &first.waker(), || false));
        let driver = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || cell.rouse())
        };
        let task = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                // Armed again, with the same waker, for the second event.
                assert!(!cell.poll(&mut waiter, &first.waker(), || false));
                end(&first);
                let second = Probe::new();
                assert!(!cell.poll(&mut waiter, &second.waker(), || false));
                (first, second)
            })
        };
        cell.rouse();
        let (first, second) = task.join().unwrap();
        driver.join().unwrap();
        cell.close();
        assert_eq!(first.wakers.load(Ordering::Acquire), 0, "the replaced waker is kept");
        second.assert_no_waker_is_kept();
    });
}

/// The owner goes while an event uses the waker.
#[test]
fn the_last_user_of_a_closed_cells_waker_drops_it() {
    model(3, || {
        let cell = Arc::new(Cell::new());
        let probe = Probe::new();
        let mut waiter = Waiter::shared();
        assert!(!cell.poll(&mut waiter, &probe.waker(), || false));
        end(&probe);
        let driver = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                cell.event();
                cell.rouse();
            })
        };
        cell.close();
        driver.join().unwrap();
        assert_eq!(probe.wakers.load(Ordering::Acquire), 0, "a waker is kept");
    });
}

/// Two futures in one direction: one has the slot, the other is on the cold list, whichever.
#[test]
fn two_futures_are_both_served() {
    model(3, || {
        let cell = Arc::new(Cell::new());
        let arrived = Arc::new(AtomicBool::new(false));
        let wait = {
            let (cell, arrived) = (Arc::clone(&cell), Arc::clone(&arrived));
            move || {
                let probe = Probe::new();
                let mut waiter = Waiter::exclusive();
                let done = cell.poll(&mut waiter, &probe.waker(), || arrived.load(Ordering::Relaxed));
                (probe, waiter, done)
            }
        };
        let other = thread::spawn(wait.clone());
        let driver = {
            let (cell, arrived) = (Arc::clone(&cell), Arc::clone(&arrived));
            thread::spawn(move || {
                arrived.store(true, Ordering::Relaxed);
                cell.event();
            })
        };
        let mine = wait();
        let theirs = other.join().unwrap();
        driver.join().unwrap();
        let both = [mine, theirs].map(|(probe, mut waiter, done)| {
            let op = || arrived.load(Ordering::Relaxed);
            assert!(done || resume(&cell, &mut waiter, &probe, op), "a future was not served");
            cell.leave(&mut waiter);
            probe
        });
        cell.close();
        both.iter().for_each(|probe| probe.assert_no_waker_is_kept());
    });
}

/// A future that goes takes nothing from the one that comes.
#[test]
fn a_cancelled_future_does_not_take_anothers_claim() {
    model(3, || {
        let cell = Arc::new(Cell::new());
        let arrived = Arc::new(AtomicBool::new(false));
        let first = Probe::new();
        let mut cancelled = Waiter::exclusive();
        assert!(!cell.poll(&mut cancelled, &first.waker(), || false));
        let driver = {
            let (cell, arrived) = (Arc::clone(&cell), Arc::clone(&arrived));
            thread::spawn(move || {
                cell.rouse();
                arrived.store(true, Ordering::Relaxed);
                cell.event();
            })
        };
        let other = {
            let (cell, arrived) = (Arc::clone(&cell), Arc::clone(&arrived));
            thread::spawn(move || {
                let probe = Probe::new();
                let mut waiter = Waiter::exclusive();
                let done = cell.poll(&mut waiter, &probe.waker(), || arrived.load(Ordering::Relaxed));
                (probe, waiter, done)
            })
        };
        cell.leave(&mut cancelled);
        let (probe, mut waiter, done) = other.join().unwrap();
        driver.join().unwrap();
        let op = || arrived.load(Ordering::Relaxed);
        assert!(done || resume(&cell, &mut waiter, &probe, op), "the claim was lost");
        cell.leave(&mut waiter);
        cell.close();
        first.assert_no_waker_is_kept();
        probe.assert_no_waker_is_kept();
    });
}

/// A future finds its own task's waker in the slot, and another comes and goes before it has armed it.
#[test]
fn a_claim_is_made_for_the_waker_that_is_in_the_slot() {
    model(3, || {
        let cell = Arc::new(Cell::new());
        let arrived = Arc::new(AtomicBool::new(false));
        let mine = Probe::new();
        let mut waiter = Waiter::exclusive();
        assert!(!cell.poll(&mut waiter, &mine.waker(), || false));
        cell.leave(&mut waiter);
        let other = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                let theirs = Probe::new();
                let mut passing = Waiter::exclusive();
                assert!(!cell.poll(&mut passing, &theirs.waker(), || false));
                cell.leave(&mut passing);
                theirs
            })
        };
        let op = || arrived.load(Ordering::Relaxed);
        let mut done = cell.poll(&mut waiter, &mine.waker(), op);
        let theirs = other.join().unwrap();
        arrived.store(true, Ordering::Relaxed);
        cell.event();
        done = done || resume(&cell, &mut waiter, &mine, op);
        assert!(done, "the claim was for another waker");
        cell.leave(&mut waiter);
        cell.close();
        mine.assert_no_waker_is_kept();
        theirs.assert_no_waker_is_kept();
    });
}
