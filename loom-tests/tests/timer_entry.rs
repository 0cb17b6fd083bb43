//! An entry's owner against the one who fires, and against the one who abandons. Protocol: timer/README.md, *The entry*
//! and *Where an entry goes*.
#![cfg(runtime_loom)]

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use reactor_hook::DeadlineSource;
use timer::Timers;
use timer::model::{Sleeper, at};

/// Counts its wakes; what it counts is written by whoever fires, so that a lost `Release` shows too.
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn waker() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count(AtomicUsize::new(0)));
    (count.clone(), count.into())
}

impl Count {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn model(f: impl Fn(Instant) + Send + Sync + 'static) {
    let origin = Instant::now();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || f(origin));
}

/// A sleeper armed for tick 5 in lane 0 of two, its waker, and a thread that fires at tick 5.
fn armed_and_firing(origin: Instant) -> (Arc<Timers>, Sleeper, Arc<Count>, Waker, thread::JoinHandle<()>) {
    let timers = Timers::with_origin(2, origin);
    let (count, waker) = waker();
    let mut sleeper = Sleeper::default();
    sleeper.arm(&timers, 0, 5, &waker);
    let firing = timers.clone();
    let firer = thread::spawn(move || firing.fire_lane(0, at(origin, 5)));
    (timers, sleeper, count, waker, firer)
}

#[test]
fn fire_against_drop_wakes_at_most_once_and_leaks_nothing() {
    model(|origin| {
        let (timers, sleeper, count, waker, firer) = armed_and_firing(origin);
        drop(sleeper);
        firer.join().unwrap();
        assert!(count.wakes() <= 1);
        assert_eq!(timers.len(), 0);
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1, "a waker was leaked");
    });
}

#[test]
fn fired_entry_is_the_owners_without_the_lock() {
    model(|origin| {
        let (timers, mut sleeper, count, waker, firer) = armed_and_firing(origin);
        if sleeper.is_fired() {
            // Another lock than the firer's: only the state orders this after what he did.
            sleeper.arm(&timers, 1, 7, &waker);
            timers.fire_lane(1, at(origin, 7));
            firer.join().unwrap();
            assert!(sleeper.is_fired());
            assert_eq!(count.wakes(), 2);
        } else {
            firer.join().unwrap();
            assert!(sleeper.is_fired());
            assert_eq!(count.wakes(), 1);
        }
        assert_eq!(timers.len(), 0);
    });
}

#[test]
fn pending_poll_means_that_its_waker_will_be_called() {
    model(|origin| {
        let (_timers, mut sleeper, first, _first_waker, firer) = armed_and_firing(origin);
        let (latest, latest_waker) = waker();
        let ready = sleeper.poll(&latest_waker, 5);
        firer.join().unwrap();
        assert!(sleeper.is_fired());
        if ready {
            assert_eq!((first.wakes(), latest.wakes()), (1, 0));
        } else {
            assert_eq!((first.wakes(), latest.wakes()), (0, 1));
        }
    });
}

#[test]
fn poll_with_the_same_waker_takes_no_lock_and_loses_no_wake() {
    model(|origin| {
        let (_timers, mut sleeper, count, waker, firer) = armed_and_firing(origin);
        let _ = sleeper.poll(&waker, 5);
        firer.join().unwrap();
        assert!(sleeper.is_fired());
        assert_eq!(count.wakes(), 1);
    });
}

#[test]
fn reset_against_fire_gives_one_fire_an_arm() {
    model(|origin| {
        let (timers, mut sleeper, count, waker, firer) = armed_and_firing(origin);
        let moved = sleeper.reset(9);
        firer.join().unwrap();
        if moved {
            assert!(sleeper.is_armed());
            assert_eq!(count.wakes(), 0, "fired at the former deadline");
        } else {
            assert_eq!(count.wakes(), 1);
            assert!(!sleeper.poll(&waker, 9));
        }
        timers.fire_lane(0, at(origin, 9));
        assert!(sleeper.is_fired());
        assert_eq!(count.wakes(), if moved { 1 } else { 2 });
        assert_eq!(timers.len(), 0);
    });
}

#[test]
fn entry_armed_while_the_keeper_leaves_is_orphaned_or_seen_unattended() {
    model(|origin| {
        let timers = Timers::with_origin(1, origin);
        assert!(timers.attendance().try_attend());
        let leaving = timers.clone();
        let keeper = thread::spawn(move || leaving.leave());
        let (count, waker) = waker();
        let mut sleeper = Sleeper::default();
        sleeper.arm(&timers, 0, 5, &waker);
        let kept = sleeper.is_kept();
        keeper.join().unwrap();
        if kept {
            assert!(sleeper.is_orphaned(), "nobody keeps its time, and it does not know");
            assert_eq!(count.wakes(), 1);
        } else {
            assert!(!sleeper.is_armed());
        }
        assert_eq!(timers.len(), 0);
    });
}
