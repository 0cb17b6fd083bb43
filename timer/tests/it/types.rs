//! Sizes and auto traits.
use std::future::{Pending, Ready};
use std::mem::size_of;

use timer::error::Elapsed;
use timer::{Instant, Interval, MissedTickBehavior, Sleep, Timeout, Timers};

/// All that a timer takes, for nothing is allocated: links, tick, waker, home, state and deadline.
const SLEEP: usize = size_of::<Sleep>();
const TIMEOUT: usize = size_of::<Timeout<[u8; 1024]>>() - 1024;
const _: () = assert!(SLEEP <= 96 && TIMEOUT <= 96);

#[test]
fn timer_is_at_most_96_bytes_beside_its_future() {
    // 64-bit: what docs/performance.md says.
    if size_of::<usize>() == 8 {
        assert_eq!((SLEEP, TIMEOUT), (72, 88));
    }
}

#[test]
fn instants_end_where_nanoseconds_do() {
    let (std, year) = (std::time::Instant::now(), timer::Duration::from_secs(365 * 24 * 3600));
    let instant = Instant::from(std);
    assert_eq!((instant + 200 * year) - instant, 200 * year);
    assert!(instant + 300 * year > instant + 250 * year && instant.checked_add(300 * year).is_none());
    assert_eq!(instant + 300 * year, instant + timer::Duration::MAX);
    assert!(instant - 300 * year < instant - 250 * year && instant.checked_sub(600 * year).is_none());
    assert!((instant + timer::Duration::MAX).into_std() > std + 250 * year);
}

#[test]
fn everything_is_send_and_sync_and_only_what_lies_in_a_wheel_is_pinned() {
    fn shared<T: Send + Sync>() {}
    fn movable<T: Unpin>() {}
    shared::<Sleep>();
    shared::<Timeout<Ready<()>>>();
    shared::<Interval>();
    shared::<Instant>();
    shared::<Timers>();
    shared::<Elapsed>();
    shared::<MissedTickBehavior>();
    movable::<Interval>();
    movable::<Instant>();
    movable::<Timers>();

    trait AmbiguousIfUnpin<A> {
        fn check() {}
    }
    impl<T> AmbiguousIfUnpin<()> for T {}
    struct IsUnpin;
    impl<T: Unpin> AmbiguousIfUnpin<IsUnpin> for T {}
    <Sleep as AmbiguousIfUnpin<_>>::check();
    <Timeout<Pending<()>> as AmbiguousIfUnpin<_>>::check();
}

#[test]
fn instants_calculate_as_the_standard_library_s() {
    let std = std::time::Instant::now();
    let instant = Instant::from(std);
    let second = timer::Duration::from_secs(1);
    assert_eq!(std::time::Instant::from(instant + second), std + second);
    assert_eq!((instant + second) - instant, second);
    assert_eq!(instant - (instant + second), timer::Duration::ZERO);
    assert_eq!(instant.checked_duration_since(instant + second), None);
    assert_eq!(instant.saturating_duration_since(instant + second), timer::Duration::ZERO);
    assert_eq!(instant.checked_add(timer::Duration::MAX), None);
    let mut moved = instant;
    moved += second;
    moved -= second;
    assert_eq!(moved, instant);
    assert_eq!((instant + second) - second, instant);
    assert_eq!((instant + second).checked_sub(second), Some(instant));
    assert_eq!(instant.into_std(), std);
}
