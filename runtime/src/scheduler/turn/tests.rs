use std::time::Duration;

use super::{TURN_EACH, next_interval};

#[test]
fn polls_that_take_long_bring_the_next_turn_nearer() {
    // 61 polls of 20 µs.
    assert_eq!(next_interval(61, Duration::from_micros(1220)), 5);
    assert_eq!(next_interval(5, TURN_EACH), 5);
}

#[test]
fn there_is_a_poll_between_two_turns_however_long_it_takes() {
    assert_eq!(next_interval(61, Duration::from_secs(3600)), 1);
    assert_eq!(next_interval(1, Duration::from_millis(1)), 1);
}

#[test]
fn short_polls_put_the_next_turn_off_by_no_more_than_twice_as_many() {
    assert_eq!(next_interval(16, Duration::from_micros(20)), 32);
    assert_eq!(next_interval(16, Duration::ZERO), 32);
    assert_eq!(next_interval(u32::MAX, Duration::ZERO), u32::MAX);
}
