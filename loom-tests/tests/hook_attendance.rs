//! Who drives: a waiter against the one who leaves, and waiters against each other. Protocol: reactor/hook/README.md,
//! *Attendance*.
#![cfg(runtime_loom)]

use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;
use reactor_hook::model::refuse_threads;
use reactor_hook::{Attendance, Driver, Frame, Placement, Turn, drive};

/// A driver whose waiters leave no more than a flag: only the fences order it with the attendance.
struct Bare {
    attendance: Attendance,
    waiting: [AtomicBool; 2],
    woken: [AtomicBool; 2],
}

impl Bare {
    fn new() -> Arc<Bare> {
        let flags = || [AtomicBool::new(false), AtomicBool::new(false)];
        Arc::new(Bare { attendance: Attendance::new(), waiting: flags(), woken: flags() })
    }

    fn attended() -> Arc<Bare> {
        let bare = Bare::new();
        assert!(bare.attendance.try_attend());
        bare
    }

    fn leave_waker(&self, waiter: usize) {
        self.waiting[waiter].store(true, Ordering::Relaxed);
    }

    /// As the end of a frame or of a thread.
    fn leave(&self) {
        self.attendance.vacate();
        self.abandoned();
    }

    /// After all is over: who was told that somebody drives is not left alone.
    fn assert_not_stranded(&self, waiter: usize) {
        let woken = self.woken[waiter].load(Ordering::Relaxed);
        assert!(woken || self.attendance.is_attended(), "waiter {waiter} relies on one who has left");
    }
}

impl Driver for Bare {
    fn name(&self) -> &'static str {
        "bare"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn block(&self, _: Option<Duration>) -> Turn {
        unreachable!("no thread is started")
    }

    fn unblock(&self) {}

    fn abandoned(&self) {
        for (waiting, woken) in self.waiting.iter().zip(&self.woken) {
            if waiting.load(Ordering::Relaxed) {
                woken.store(true, Ordering::Relaxed);
            }
        }
    }
}

fn model(preemptions: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(f);
}

#[test]
fn a_waiter_that_finds_it_attended_is_woken_by_the_one_who_leaves() {
    model(3, || {
        let driver = Bare::attended();
        let leaving = driver.clone();
        let leaver = thread::spawn(move || leaving.leave());
        driver.leave_waker(0);
        let relies = driver.attendance.is_attended();
        leaver.join().unwrap();
        if relies {
            driver.assert_not_stranded(0);
        }
    });
}

#[test]
fn a_waiter_that_only_asks_for_a_driver_is_woken_by_the_one_who_leaves() {
    model(3, || {
        let driver = Bare::attended();
        let leaving = driver.clone();
        let leaver = thread::spawn(move || leaving.leave());
        driver.leave_waker(0);
        refuse_threads(true);
        // Refused a thread, it knows that nobody drives.
        let relies = matches!(drive(&driver), Ok(Placement::Elsewhere));
        leaver.join().unwrap();
        if relies {
            driver.assert_not_stranded(0);
        }
    });
}

#[test]
fn a_waiter_is_woken_by_a_frame_that_drives_and_is_dropped() {
    model(3, || {
        let driver = Bare::new();
        let framing = driver.clone();
        let framed = thread::spawn(move || {
            let frame = Frame::open().build();
            let entered = frame.enter();
            let placed = drive(&framing).unwrap();
            assert_eq!(drive(&framing).unwrap(), placed);
            drop(entered);
            placed
        });
        driver.leave_waker(0);
        let relies = driver.attendance.is_attended();
        assert_eq!(framed.join().unwrap(), Placement::Here);
        if relies {
            driver.assert_not_stranded(0);
        }
    });
}

#[test]
fn of_two_waiters_that_find_it_vacant_one_attends() {
    model(3, || {
        let driver = Bare::new();
        let (mine, other) = (driver.clone(), driver.clone());
        let wait = |driver: Arc<Bare>, waiter| {
            driver.leave_waker(waiter);
            !driver.attendance.is_attended() && driver.attendance.try_attend()
        };
        let other = thread::spawn(move || wait(other, 1));
        let here = wait(mine, 0);
        let there = other.join().unwrap();
        assert!(here != there, "driven by {}", usize::from(here) + usize::from(there));
    });
}

#[test]
fn two_waiters_and_one_who_leaves_do_not_miss_each_other() {
    model(2, || {
        let driver = Bare::attended();
        let wait = |driver: &Bare, waiter| {
            driver.leave_waker(waiter);
            if !driver.attendance.is_attended() {
                // Who is refused here relies on the other.
                let _ = driver.attendance.try_attend();
            }
        };
        let (leaving, other) = (driver.clone(), driver.clone());
        let leaver = thread::spawn(move || leaving.leave());
        let other = thread::spawn(move || wait(&other, 1));
        wait(&driver, 0);
        leaver.join().unwrap();
        other.join().unwrap();
        driver.assert_not_stranded(0);
        driver.assert_not_stranded(1);
    });
}

#[test]
fn a_waiter_that_relies_on_a_refused_thread_is_woken() {
    model(3, || {
        let driver = Bare::new();
        let refusing = driver.clone();
        let refused = thread::spawn(move || {
            refuse_threads(true);
            refusing.leave_waker(1);
            drive(&refusing).is_err()
        });
        driver.leave_waker(0);
        // For good, unless the other has promised to.
        let attends = driver.attendance.try_attend();
        let was_refused = refused.join().unwrap();
        assert!(attends || was_refused, "neither drives");
        driver.assert_not_stranded(0);
        if !was_refused {
            driver.assert_not_stranded(1);
        }
    });
}

#[test]
fn what_one_did_while_driving_is_seen_by_the_next() {
    model(3, || {
        let attendance = Arc::new(Attendance::new());
        let turns = Arc::new(AtomicUsize::new(0));
        let drive = |attendance: &Attendance, turns: &AtomicUsize| {
            let attends = attendance.try_attend();
            if attends {
                // One writer at a time, who has to know what the former wrote.
                turns.store(turns.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                attendance.vacate();
            }
            usize::from(attends)
        };
        let (other, others) = (attendance.clone(), turns.clone());
        let other = thread::spawn(move || drive(&other, &others));
        let here = drive(&attendance, &turns);
        let there = other.join().unwrap();
        assert_eq!(turns.load(Ordering::Relaxed), here + there);
    });
}
