//! Ready when the deadline has passed, and not before.
use std::pin::{Pin, pin};
use std::task::{Poll, Waker};

use futures::executor::block_on;
use futures::future::join_all;
use reactor_hook::DeadlineSource;
use timer::{Duration, Instant, Sleep, interval_at, sleep, sleep_until, timeout, timeout_at};

use crate::support::{CountWakes, Manual, Random, count, ms, poll, soak, watchdog};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn zero_and_past_deadlines_are_ready_at_the_first_poll() {
    let manual = Manual::new();
    let _entered = manual.enter();
    manual.advance(HOUR);
    let now = Instant::now();
    assert!(poll(pin!(sleep(Duration::ZERO)), Waker::noop()).is_ready());
    for past in [now, now - ms(1), now - Duration::from_secs(7200)] {
        let mut sleep = pin!(sleep_until(past));
        assert!(!sleep.is_elapsed());
        assert!(poll(sleep.as_mut(), Waker::noop()).is_ready());
        assert!(sleep.is_elapsed());
        assert!(poll(sleep.as_mut(), Waker::noop()).is_ready(), "once ready, always ready");
    }
    assert_eq!(manual.timers.len(), 0);
}

#[test]
fn no_poll_no_cost() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let unpolled = (sleep(HOUR), timeout(HOUR, std::future::pending::<()>()));
    assert_eq!(manual.timers.len(), 0);
    assert_eq!(manual.timers.next_deadline(), None);
    drop(unpolled);
}

#[test]
fn durations_and_instants_without_end_never_fire() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let far = Instant::from_std(manual.now()) + Duration::from_secs(u64::MAX >> 2);
    let mut sleeps: Vec<Pin<Box<Sleep>>> = vec![
        Box::pin(sleep(Duration::MAX)),
        Box::pin(sleep(Duration::MAX - Duration::from_nanos(1))),
        Box::pin(sleep_until(far)),
    ];
    let mut limited = pin!(timeout(Duration::MAX, std::future::pending::<()>()));
    let mut limited_at = pin!(timeout_at(far, std::future::pending::<()>()));
    let mut interval = interval_at(Instant::now(), Duration::MAX);
    let mut poll_all = || {
        for sleep in &mut sleeps {
            assert!(poll(sleep.as_mut(), Waker::noop()).is_pending());
        }
        assert!(poll(limited.as_mut(), Waker::noop()).is_pending());
        assert!(poll(limited_at.as_mut(), Waker::noop()).is_pending());
    };
    poll_all();
    assert!(poll(pin!(interval.tick()), Waker::noop()).is_ready());
    assert!(poll(pin!(interval.tick()), Waker::noop()).is_pending());
    for _ in 0..50 {
        manual.advance(HOUR * 24 * 365 * 5);
        poll_all();
        assert!(poll(pin!(interval.tick()), Waker::noop()).is_pending());
    }
    sleeps[0].as_mut().reset(Instant::now() + ms(1));
    manual.advance(ms(2));
    assert!(poll(sleeps[0].as_mut(), Waker::noop()).is_ready(), "reset from never");
}

#[test]
fn never_waits_on_a_foreign_executor_without_a_wake() {
    let _watchdog = watchdog();
    block_on(async {
        assert!(timeout(ms(20), sleep(Duration::MAX)).await.is_err());
        assert!(timeout(ms(20), sleep(Duration::from_secs(u64::MAX >> 3))).await.is_err());
    });
}

#[test]
fn three_years_of_short_sleeps_keep_to_the_tick() {
    let _watchdog = watchdog();
    let manual = Manual::new();
    let start = Instant::from_std(manual.now());
    manual.run(async {
        let step = Duration::from_millis(3_600_000 + 977);
        while start.elapsed() < HOUR * 24 * 365 * 3 {
            let before = Instant::now();
            sleep(step).await;
            assert_eq!(Instant::now() - before, step);
        }
    });
}

#[test]
fn sleeps_across_every_boundary_of_the_wheel_keep_to_the_tick() {
    // Instants end after 2⁴³ milliseconds.
    for shift in 1..43 {
        for before in [1u64, 63, 64, 65] {
            let manual = Manual::new();
            manual.advance(ms((1 << shift) - 1));
            manual.run(async {
                let start = Instant::now();
                sleep(ms(before)).await;
                assert_eq!(Instant::now() - start, ms(before), "across 2^{shift}");
                sleep(ms(1 << shift)).await;
                assert_eq!(Instant::now() - start, ms(before + (1 << shift)));
            });
        }
    }
}

#[test]
fn sub_millisecond_deadlines_are_rounded_up() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let mut sleep = pin!(sleep(Duration::from_micros(1)));
    assert!(poll(sleep.as_mut(), Waker::noop()).is_pending());
    manual.advance(Duration::from_micros(999));
    assert!(poll(sleep.as_mut(), Waker::noop()).is_pending());
    manual.advance(Duration::from_micros(1));
    assert!(poll(sleep.as_mut(), Waker::noop()).is_ready());
}

#[test]
fn random_sleeps_are_never_early_by_the_system_clock() {
    let _watchdog = watchdog();
    let mut random = Random::new();
    block_on(join_all((0..count(100_000)).map(|_| {
        let duration = Duration::from_micros(random.below(if soak() { 5_000_000 } else { 200_000 }));
        async move {
            let start = std::time::Instant::now();
            sleep(duration).await;
            assert!(start.elapsed() >= duration);
        }
    })));
}

#[test]
fn random_sleeps_are_on_the_tick_by_a_clock_that_is_turned() {
    let _watchdog = watchdog();
    let mut random = Random::new();
    let manual = Manual::new();
    let origin = Instant::from_std(manual.now());
    manual.run(join_all((0..count(100_000)).map(|_| {
        let duration = Duration::from_micros(random.skewed(40));
        async move {
            sleep(duration).await;
            let late = origin.elapsed() - duration;
            assert!(late < ms(1), "{late:?} late");
        }
    })));
}

#[test]
fn deadlines_a_tick_apart_are_woken_in_order() {
    let mut random = Random::new();
    let manual = Manual::new();
    let _entered = manual.enter();
    // Each a tick or more after the former, armed in any order, fired in a few leaps.
    let mut due = 0;
    let mut deadlines: Vec<u64> = (0..500)
        .map(|_| {
            due += 1 + random.skewed(20);
            due
        })
        .collect();
    for at in (1..deadlines.len()).rev() {
        deadlines.swap(at, random.below(at as u64 + 1) as usize);
    }
    let woken = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let now = Instant::now();
    let sleeps: Vec<_> = deadlines
        .iter()
        .map(|&deadline| {
            let mut sleep = Box::pin(sleep_until(now + ms(deadline)));
            let woken = woken.clone();
            let waker = crate::support::OnWake::waker(move || woken.lock().push(deadline));
            assert!(poll(sleep.as_mut(), &waker).is_pending());
            sleep
        })
        .collect();
    for _ in 0..4 {
        manual.advance(ms(due / 4 + 1));
    }
    let woken = woken.lock();
    assert_eq!(woken.len(), deadlines.len());
    assert!(woken.is_sorted(), "{woken:?}");
    drop(sleeps);
}

#[test]
fn deadline_counts_from_the_call_not_from_the_poll() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let mut sleep = pin!(sleep(ms(10)));
    manual.advance(ms(7));
    let (wakes, waker) = CountWakes::new();
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    manual.advance(ms(3));
    assert_eq!(wakes.take(), 1);
    assert_eq!(poll(sleep.as_mut(), &waker), Poll::Ready(()));
}

#[test]
fn sleep_first_polled_after_its_deadline_is_ready() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let mut sleep = pin!(sleep(ms(10)));
    manual.advance(ms(10));
    assert!(poll(sleep.as_mut(), Waker::noop()).is_ready());
    assert_eq!(manual.timers.len(), 0);
}
