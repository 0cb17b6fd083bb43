//! Each state and each step, on one thread, with a timer that only remembers.
use std::cell::Cell;

use super::{ASLEEP, Alarm, FIXED, Ordering, PAST, Timer, Woken};

const PERIOD: u64 = 100;
const LONGEST: u64 = 1000;

/// What it was set to last, if it has not gone off since.
#[derive(Default)]
struct Remembers(Cell<Option<u64>>);

impl Timer for Remembers {
    fn set(&self, at: u64) {
        self.0.set(Some(at));
    }

    fn wait(&self) {
        assert!(self.0.take().is_some(), "for ever");
    }
}

fn alarm() -> Alarm<Remembers> {
    Alarm::new(Remembers::default(), PERIOD, LONGEST)
}

/// Waits until 1000, or 5000 if others wish.
fn waiting() -> Alarm<Remembers> {
    let alarm = alarm();
    alarm.set(1000, 5000);
    alarm
}

fn asleep() -> Alarm<Remembers> {
    let alarm = alarm();
    alarm.fall_asleep();
    alarm
}

/// What the word says, and what the timer is set to.
fn state(alarm: &Alarm<Remembers>) -> (u64, Option<u64>) {
    (alarm.at.load(Ordering::Relaxed), alarm.timer().0.get())
}

const NOTHING: Woken = Woken { called: false, since: None };

#[test]
fn what_is_fixed_is_moved_by_nobody() {
    let alarm = alarm();
    alarm.set(1000, 1000);
    assert_eq!(state(&alarm), (FIXED, Some(1000)));
    for now in [0, 999, 2000] {
        assert!(!alarm.postpone(now));
        alarm.arm(now);
    }
    assert_eq!(state(&alarm), (FIXED, Some(1000)));
    assert_eq!(alarm.wait(), NOTHING);
}

#[test]
fn a_time_is_put_off_from_half_a_period_before_it() {
    let alarm = waiting();
    assert_eq!(state(&alarm), (1000, Some(1000)));
    for now in [0, 900, 950] {
        assert!(!alarm.postpone(now), "{now}");
    }
    assert!(alarm.postpone(951));
    assert_eq!(state(&alarm), (1051, Some(1051)));
    assert!(!alarm.postpone(1000));
    assert!(alarm.postpone(1002));
    assert_eq!(state(&alarm), (1102, Some(1102)));
}

#[test]
fn a_time_is_put_off_no_longer_than_is_allowed() {
    let alarm = alarm();
    alarm.set(1000, 1090);
    assert!(!alarm.postpone(991));
    assert!(alarm.postpone(990));
    assert!(!alarm.postpone(1080));
    assert_eq!(state(&alarm), (1090, Some(1090)));
}

#[test]
fn whoever_was_held_up_moves_nothing_back() {
    let alarm = waiting();
    assert!(!alarm.postpone(u64::MAX), "later than is allowed");
    assert!(!alarm.postpone(0));
    alarm.arm(10);
    assert_eq!(state(&alarm), (1000, Some(1000)));
}

#[test]
fn one_who_sleeps_is_armed_once() {
    let alarm = asleep();
    assert_eq!(state(&alarm), (ASLEEP, None));
    assert!(!alarm.postpone(500));
    assert_eq!(state(&alarm), (ASLEEP, None));
    alarm.arm(500);
    alarm.arm(600);
    assert_eq!(state(&alarm), (600, Some(600)));
    assert_eq!(alarm.wait(), Woken { called: false, since: Some(500) });
    assert_eq!(state(&alarm), (FIXED, None));
}

#[test]
fn one_who_sleeps_for_a_limited_time_is_armed_all_the_same() {
    let alarm = asleep();
    alarm.set(9000, 9000);
    assert_eq!(state(&alarm), (ASLEEP, Some(9000)));
    alarm.arm(500);
    assert_eq!(state(&alarm), (600, Some(600)));
}

#[test]
fn who_does_not_fall_asleep_after_all_is_armed_by_nobody() {
    let alarm = asleep();
    assert_eq!(alarm.get_up(), NOTHING);
    alarm.arm(500);
    assert_eq!(state(&alarm), (FIXED, None));
}

#[test]
fn a_call_ends_the_present_wait_or_the_next() {
    for alarm in [alarm(), waiting(), asleep()] {
        alarm.call();
        assert_eq!(alarm.timer().0.get(), Some(PAST));
        // Set once more, by the supervisor itself.
        alarm.set(2000, 2000);
        assert!(alarm.wait().called);
        alarm.set(3000, 3000);
        assert_eq!(alarm.wait(), NOTHING, "once");
    }
}

#[test]
fn whoever_sets_the_timer_after_a_call_hands_it_on() {
    let alarm = waiting();
    alarm.call();
    assert!(alarm.postpone(990));
    assert_eq!(state(&alarm), (1090, Some(PAST)));
    let alarm = asleep();
    alarm.call();
    alarm.arm(990);
    assert_eq!(state(&alarm), (1090, Some(PAST)));
    assert!(alarm.wait().called);
}

#[test]
fn the_end_of_time_is_no_state() {
    let alarm = Alarm::new(Remembers::default(), u64::MAX, u64::MAX);
    alarm.set(u64::MAX - 1, u64::MAX);
    assert!(!alarm.postpone(u64::MAX));
    alarm.fall_asleep();
    alarm.arm(u64::MAX);
    assert_eq!(state(&alarm), (ASLEEP - 1, Some(ASLEEP - 1)));
}

#[test]
fn debug_decodes_the_word() {
    assert_eq!(format!("{:?}", alarm()), "Alarm { at: \"fixed\", called: false, .. }");
    assert_eq!(format!("{:?}", waiting()), "Alarm { at: 1000, called: false, .. }");
    let alarm = asleep();
    alarm.call();
    assert_eq!(format!("{alarm:?}"), "Alarm { at: \"asleep\", called: true, .. }");
}

#[test]
fn after_a_sleep_however_long_it_is_put_off_for_a_while() {
    let alarm = waiting();
    let _ = alarm.wait();
    alarm.fall_asleep();
    alarm.arm(90_000);
    assert_eq!(state(&alarm), (90_100, Some(90_100)));
    // Until a while has passed since it was armed, each time from half a period before.
    for now in (90_090..).step_by(90).take(10) {
        assert!(alarm.postpone(now), "{now}");
        assert_eq!(state(&alarm), (now + PERIOD, Some(now + PERIOD)));
    }
    assert!(!alarm.postpone(90_990));
}
