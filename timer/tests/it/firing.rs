//! What wakers may do, and which of them are called.
use parking_lot::Mutex;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reactor_hook::DeadlineSource;
use timer::{Sleep, sleep};

use crate::support::{CountWakes, Manual, OnWake, ms, poll, watchdog};

type Shared = Arc<Mutex<Vec<Pin<Box<Sleep>>>>>;

#[test]
fn only_the_latest_waker_is_woken() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let mut sleep = pin!(sleep(ms(10)));
    let (first, first_waker) = CountWakes::new();
    let (latest, latest_waker) = CountWakes::new();
    assert!(poll(sleep.as_mut(), &first_waker).is_pending());
    assert!(poll(sleep.as_mut(), &latest_waker).is_pending());
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1, "the former waker is kept");
    manual.advance(ms(10));
    assert_eq!((first.take(), latest.take()), (0, 1));
    drop(latest_waker);
    assert_eq!(Arc::strong_count(&latest), 1, "the waker is kept after the fire");
}

#[test]
fn waker_that_drops_other_timers_meets_no_lock() {
    let _watchdog = watchdog();
    let manual = Manual::new();
    let _entered = manual.enter();
    let others: Shared = Arc::default();
    let (wakes, waker) = CountWakes::new();
    let mut killer = pin!(sleep(ms(5)));
    let doomed = others.clone();
    assert!(
        poll(killer.as_mut(), &OnWake::waker(move || drop(std::mem::take(&mut *doomed.lock())))).is_pending()
    );
    // In the same slot and the same batch, in another batch, and not yet due.
    for n in 0..200 {
        let mut other = Box::pin(sleep(ms(if n % 2 == 0 { 5 } else { 50 })));
        assert!(poll(other.as_mut(), &waker).is_pending());
        others.lock().push(other);
    }
    manual.advance(ms(5));
    assert!(wakes.take() <= 100);
    assert_eq!(manual.timers.len(), 0);
    manual.advance(ms(100));
    assert_eq!(wakes.take(), 0, "woken after the drop");
}

#[test]
fn waker_that_resets_and_arms_other_timers_meets_no_lock() {
    let _watchdog = watchdog();
    let manual = Manual::new();
    let _entered = manual.enter();
    let others: Shared = Arc::default();
    let (wakes, waker) = CountWakes::new();
    for _ in 0..100 {
        let mut other = Box::pin(sleep(ms(50)));
        assert!(poll(other.as_mut(), &waker).is_pending());
        others.lock().push(other);
    }
    let moved = others.clone();
    let mut mover = pin!(sleep(ms(5)));
    let mover_waker = OnWake::waker(move || {
        let mut others = moved.lock();
        for other in others.iter_mut() {
            let sooner = other.deadline() - ms(40);
            other.as_mut().reset(sooner);
        }
        others.push(Box::pin(sleep(ms(5))));
        assert!(poll(others.last_mut().unwrap().as_mut(), &waker).is_pending());
    });
    assert!(poll(mover.as_mut(), &mover_waker).is_pending());
    manual.advance(ms(5));
    assert_eq!(wakes.take(), 0);
    manual.advance(ms(5));
    assert_eq!(wakes.take(), 101);
}

#[test]
fn waker_that_panics_costs_the_others_nothing() {
    let _watchdog = watchdog();
    let manual = Manual::with_lanes(2);
    let _entered = manual.enter();
    let (wakes, waker) = CountWakes::new();
    let mut sleeps = Vec::new();
    for n in 0..100 {
        let mut sleep = Box::pin(sleep(ms(5)));
        let waker = if n % 7 == 0 { OnWake::waker(|| panic!("a waker's own fault")) } else { waker.clone() };
        assert!(poll(sleep.as_mut(), &waker).is_pending());
        sleeps.push(sleep);
    }
    manual.advance(ms(5));
    assert_eq!(wakes.take(), 100 - 100usize.div_ceil(7));
    assert!(sleeps.iter().all(|sleep| sleep.is_elapsed()));
    let mut next = pin!(sleep(ms(5)));
    assert!(poll(next.as_mut(), &waker).is_pending());
    manual.advance(ms(5));
    assert_eq!(wakes.take(), 1, "the wheel is usable afterwards");
}

#[test]
fn waker_whose_drop_panics_is_dropped_outside_the_lock() {
    struct Fragile;
    impl std::task::Wake for Fragile {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("a waker's own fault");
        }
    }
    let manual = Manual::new();
    let _entered = manual.enter();
    let mut victim = Box::pin(sleep(ms(5)));
    assert!(poll(victim.as_mut(), &Arc::new(Fragile).into()).is_pending());
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(victim)));
    assert!(dropped.is_err());
    assert_eq!(manual.timers.len(), 0);
}

#[test]
fn each_lane_has_its_own_wheel_and_anybody_fires_it() {
    let worker = Manual::with_lanes(2);
    let other = Manual::of(worker.timers.clone(), worker.clock.clone(), 1);
    let (wakes, waker) = CountWakes::new();
    let arm = |manual: &Manual, after| {
        let _entered = manual.enter();
        let mut sleep = Box::pin(sleep(ms(after)));
        assert!(poll(sleep.as_mut(), &waker).is_pending());
        sleep
    };
    let (_first, _second) = (arm(&worker, 5), arm(&other, 7));
    assert_eq!(worker.timers.next_deadline_of(0), Some(worker.now() + ms(5)));
    assert_eq!(worker.timers.next_deadline_of(1), Some(worker.now() + ms(7)));
    assert_eq!(worker.timers.next_deadline(), Some(worker.now() + ms(5)));
    let later = worker.now() + ms(10);
    worker.timers.fire_lane(1, later);
    assert_eq!((wakes.take(), worker.timers.len()), (1, 1));
    worker.timers.fire(later);
    assert_eq!((wakes.take(), worker.timers.len()), (1, 0));
}

#[test]
fn cancelling_the_earliest_takes_its_deadline_back() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (_, waker) = CountWakes::new();
    let mut far = pin!(sleep(ms(100_000)));
    let mut near = Box::pin(sleep(ms(20)));
    assert!(poll(far.as_mut(), &waker).is_pending());
    assert!(poll(near.as_mut(), &waker).is_pending());
    assert_eq!(manual.timers.next_deadline(), Some(manual.now() + ms(20)));
    drop(near);
    assert_eq!(manual.timers.next_deadline(), Some(manual.now() + ms(100_000)));
}

#[test]
fn budget_makes_ready_timers_give_way() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let polls = AtomicUsize::new(0);
    let (wakes, waker) = CountWakes::new();
    let mut greedy = pin!(async {
        loop {
            sleep(ms(0)).await;
            polls.fetch_add(1, Ordering::Relaxed);
        }
    });
    let _ =
        reactor_hook::budget::with_budget(reactor_hook::budget::PER_POLL, || poll(greedy.as_mut(), &waker))
            .is_pending();
    assert_eq!(polls.load(Ordering::Relaxed), usize::from(reactor_hook::budget::PER_POLL));
    assert_eq!(wakes.take(), 1);
}
