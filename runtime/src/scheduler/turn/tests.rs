use std::time::Duration;

use super::{MUCH, TURN_EACH, TURN_EACH_IF_MUCH, next_interval, rounds_before_a_look};

#[test]
fn polls_that_take_long_bring_the_next_turn_nearer() {
    // 61 polls of 20 µs.
    assert_eq!(next_interval(61, Duration::from_micros(1220), TURN_EACH), 5);
    assert_eq!(next_interval(5, TURN_EACH, TURN_EACH), 5);
}

#[test]
fn there_is_a_poll_between_two_turns_however_long_it_takes() {
    assert_eq!(next_interval(61, Duration::from_secs(3600), TURN_EACH), 1);
    assert_eq!(next_interval(1, Duration::from_millis(1), TURN_EACH), 1);
}

#[test]
fn short_polls_put_the_next_turn_off_by_no_more_than_twice_as_many() {
    assert_eq!(next_interval(16, Duration::from_micros(20), TURN_EACH), 32);
    assert_eq!(next_interval(16, Duration::ZERO, TURN_EACH), 32);
    assert_eq!(next_interval(u32::MAX, Duration::ZERO, TURN_EACH), u32::MAX);
}

#[test]
fn with_much_queued_the_next_turn_is_farther_off() {
    let passed = Duration::from_micros(1220);
    assert_eq!(next_interval(61, passed, TURN_EACH_IF_MUCH), 20);
}

#[test]
fn a_look_that_follows_waits_until_no_more_than_much_is_queued_and_no_longer_than_any() {
    assert_eq!(rounds_before_a_look(0, 1, 61), 1);
    assert_eq!(rounds_before_a_look(MUCH, 2, 61), 2);
    assert_eq!(rounds_before_a_look(MUCH + 20, 1, 61), 20);
    assert_eq!(rounds_before_a_look(256, 1, 61), 61);
}
