//! Another deadline: earlier, later, past, after the fire.
use std::pin::pin;
use std::task::Waker;

use timer::{Instant, sleep};

use crate::support::{CountWakes, Manual, Random, count, ms, poll, watchdog};

#[test]
fn reset_without_another_poll_wakes_at_the_new_deadline() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (wakes, waker) = CountWakes::new();
    let mut sleep = pin!(sleep(ms(100)));
    assert!(poll(sleep.as_mut(), &waker).is_pending());

    sleep.as_mut().reset(Instant::now() + ms(200));
    manual.advance(ms(150));
    assert_eq!(wakes.take(), 0, "later");
    manual.advance(ms(50));
    assert_eq!(wakes.take(), 1, "later");

    sleep.as_mut().reset(Instant::now() + ms(100));
    assert!(!sleep.is_elapsed());
    assert!(poll(sleep.as_mut(), &waker).is_pending(), "after the fire");
    sleep.as_mut().reset(Instant::now() + ms(10));
    assert_eq!(sleep.deadline(), Instant::now() + ms(10));
    manual.advance(ms(10));
    assert_eq!(wakes.take(), 1, "earlier");
    manual.advance(ms(200));
    assert_eq!(wakes.take(), 0, "the former deadline");
}

#[test]
fn reset_to_the_past_is_ready_at_the_next_poll_and_wakes_without_one() {
    let manual = Manual::new();
    let _entered = manual.enter();
    manual.advance(ms(1000));
    let (wakes, waker) = CountWakes::new();
    let mut polled = pin!(sleep(ms(100)));
    let mut left_alone = pin!(sleep(ms(100)));
    assert!(poll(polled.as_mut(), &waker).is_pending());
    assert!(poll(left_alone.as_mut(), &waker).is_pending());
    polled.as_mut().reset(Instant::now() - ms(500));
    left_alone.as_mut().reset(Instant::now() - ms(500));
    assert!(poll(polled.as_mut(), &waker).is_ready());
    manual.fire();
    assert_eq!(wakes.take(), 1);
    assert!(left_alone.is_elapsed());
    assert_eq!(manual.timers.len(), 0);
}

#[test]
fn reset_before_the_first_poll_only_sets_the_deadline() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let mut sleep = pin!(sleep(ms(100)));
    sleep.as_mut().reset(Instant::now() + ms(5));
    assert_eq!(manual.timers.len(), 0);
    assert!(poll(sleep.as_mut(), Waker::noop()).is_pending());
    manual.advance(ms(5));
    assert!(poll(sleep.as_mut(), Waker::noop()).is_ready());
}

#[test]
fn each_arm_fires_once_however_it_is_reset() {
    let _watchdog = watchdog();
    let mut random = Random::new();
    let manual = Manual::new();
    let _entered = manual.enter();
    let (wakes, waker) = CountWakes::new();
    let mut sleep = pin!(sleep(ms(1)));
    // What is expected of it: its deadline, while it is armed with the waker.
    let mut armed: Option<Instant> = None;
    for _ in 0..count(1_000_000) {
        match random.below(4) {
            0 => {
                let now = Instant::now();
                let deadline = match random.below(3) {
                    0 => now + ms(random.skewed(16)),
                    1 => now - ms(random.below(500)),
                    _ => now,
                };
                sleep.as_mut().reset(deadline);
                if armed.is_some() {
                    armed = Some(deadline);
                }
            }
            1 => {
                let due = sleep.deadline() <= Instant::now();
                let ready = poll(sleep.as_mut(), &waker).is_ready();
                assert_eq!(ready, due);
                armed = (!ready).then(|| sleep.deadline());
            }
            2 => manual.advance(ms(random.below(100))),
            _ => {
                manual.advance_to_next();
            }
        }
        manual.fire();
        let due = armed.is_some_and(|deadline| deadline <= Instant::now());
        assert_eq!(wakes.take(), usize::from(due));
        if due {
            armed = None;
        }
    }
}
