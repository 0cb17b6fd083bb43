//! Both ways to wait keep what `Timer` promises.
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::super::alarm::Timer as _;
use super::SystemTimer;

const TICK: Duration = Duration::from_millis(5);

fn both() -> [Arc<SystemTimer>; 2] {
    [SystemTimer::new(), SystemTimer::plain()].map(Arc::new)
}

/// Waits on a thread of its own until the time is `until`, however often it wakes before, and says how long that took.
fn waits(timer: &Arc<SystemTimer>, until: Instant) -> thread::JoinHandle<Duration> {
    let (timer, began) = (Arc::clone(timer), Instant::now());
    thread::spawn(move || {
        while Instant::now() < until {
            timer.wait();
        }
        began.elapsed()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn linux_has_a_timer_that_is_set_without_a_wake_up() {
    assert!(SystemTimer::new().is_quiet() && !SystemTimer::plain().is_quiet());
}

#[test]
fn a_wait_ends_at_the_time_that_was_set_and_not_before() {
    for timer in both() {
        let until = Instant::now() + TICK;
        timer.set(timer.nanos(until));
        timer.wait();
        assert!(Instant::now() >= until, "{timer:?}");
    }
}

#[test]
fn a_time_that_is_past_is_over_at_once_and_once() {
    for timer in both() {
        timer.set(0);
        timer.wait();
        let until = Instant::now() + TICK;
        timer.set(timer.nanos(until));
        timer.wait();
        assert!(Instant::now() >= until, "{timer:?}");
    }
}

#[test]
fn one_who_waits_for_ever_is_set_a_time() {
    for timer in both() {
        let until = Instant::now() + TICK;
        let waiter = waits(&timer, until);
        timer.set(timer.nanos(until));
        assert!(waiter.join().unwrap() >= TICK);
    }
}

#[test]
fn one_who_waits_for_an_hour_is_set_a_sooner_time() {
    for timer in both() {
        timer.set(timer.nanos(Instant::now() + Duration::from_secs(3600)));
        let until = Instant::now() + TICK;
        let waiter = waits(&timer, until);
        timer.set(timer.nanos(until));
        waiter.join().unwrap();
    }
}

#[test]
fn a_time_that_is_put_off_does_not_come() {
    for timer in both() {
        timer.set(timer.nanos(Instant::now() + TICK));
        let until = Instant::now() + 4 * TICK;
        timer.set(timer.nanos(until));
        timer.wait();
        assert!(Instant::now() >= until, "{timer:?}");
    }
}

#[test]
fn a_time_that_the_clock_cannot_say_never_comes() {
    for timer in both() {
        timer.set(u64::MAX);
        let until = Instant::now() + TICK;
        let waiter = waits(&timer, until);
        timer.set(timer.nanos(until));
        waiter.join().unwrap();
    }
}

#[test]
fn nanoseconds_and_instants_are_the_reverse_of_each_other() {
    for timer in both() {
        let now = Instant::now();
        assert_eq!(timer.instant(timer.nanos(now)), now);
        assert_eq!(timer.nanos(now - Duration::from_secs(1)), 0);
    }
}
