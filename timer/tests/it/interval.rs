//! Sequences of ticks.
use std::pin::pin;
use std::task::{Poll, Waker};

use timer::{Duration, Instant, Interval, MissedTickBehavior, interval, interval_at};

use crate::support::{CountWakes, Manual, ms, poll};

fn take(interval: &mut Interval, waker: &Waker) -> Option<Instant> {
    match poll(pin!(interval.tick()), waker) {
        Poll::Ready(due) => Some(due),
        Poll::Pending => None,
    }
}

/// When ticks are taken and when they were due, in milliseconds, if the third is taken `late` and then each as it comes.
fn sequence(behavior: MissedTickBehavior, late: u64) -> Vec<(u64, u64)> {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (_, waker) = CountWakes::new();
    let start = Instant::now();
    let mut interval = interval(ms(50));
    interval.set_missed_tick_behavior(behavior);
    let mut taken = Vec::new();
    while taken.len() < 8 {
        while let Some(due) = take(&mut interval, &waker) {
            taken.push((start.elapsed().as_millis() as u64, (due - start).as_millis() as u64));
            if taken.len() == 2 {
                break;
            }
        }
        manual.advance(ms(if taken.len() == 2 { 50 + late } else { 1 }));
    }
    taken.truncate(8);
    taken
}

#[test]
fn burst_catches_up() {
    let missed_two =
        [(0, 0), (50, 50), (220, 100), (220, 150), (220, 200), (250, 250), (300, 300), (350, 350)];
    assert_eq!(sequence(MissedTickBehavior::Burst, 120), missed_two);
}

#[test]
fn delay_goes_on_from_the_late_tick() {
    let missed_two =
        [(0, 0), (50, 50), (220, 100), (270, 270), (320, 320), (370, 370), (420, 420), (470, 470)];
    assert_eq!(sequence(MissedTickBehavior::Delay, 120), missed_two);
}

#[test]
fn skip_stays_on_the_grid() {
    let missed_two =
        [(0, 0), (50, 50), (220, 100), (250, 250), (300, 300), (350, 350), (400, 400), (450, 450)];
    assert_eq!(sequence(MissedTickBehavior::Skip, 120), missed_two);
    let exactly = [(0, 0), (50, 50), (200, 100), (250, 250), (300, 300), (350, 350), (400, 400), (450, 450)];
    assert_eq!(sequence(MissedTickBehavior::Skip, 100), exactly);
}

#[test]
fn tick_a_little_late_was_not_missed() {
    use MissedTickBehavior::{Burst, Delay, Skip};
    for behavior in [Burst, Delay, Skip] {
        let ticks = sequence(behavior, 4);
        assert_eq!(ticks[2..4], [(104, 100), (150, 150)], "{behavior:?}");
    }
}

#[test]
fn many_periods_late_takes_as_many_ticks_as_each_behaviour_says() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (_, waker) = CountWakes::new();
    for (behavior, expected) in
        [(MissedTickBehavior::Burst, 1_001), (MissedTickBehavior::Delay, 1), (MissedTickBehavior::Skip, 1)]
    {
        let mut interval = interval(ms(10));
        interval.set_missed_tick_behavior(behavior);
        assert_eq!(interval.missed_tick_behavior(), behavior);
        manual.advance(ms(10_000));
        let mut ticks = 0;
        while take(&mut interval, &waker).is_some() {
            ticks += 1;
        }
        assert_eq!(ticks, expected, "{behavior:?}");
    }
}

#[test]
fn resets_set_the_next_tick() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (wakes, waker) = CountWakes::new();
    let start = Instant::now() + ms(30);
    let mut interval = interval_at(start, ms(50));
    assert_eq!(interval.period(), ms(50));
    assert_eq!(take(&mut interval, &waker), None);
    manual.advance(ms(30));
    assert_eq!(wakes.take(), 1);
    assert_eq!(take(&mut interval, &waker), Some(start));
    manual.advance(ms(20));
    interval.reset();
    manual.advance(ms(49));
    assert_eq!(take(&mut interval, &waker), None);
    manual.advance(ms(1));
    assert_eq!(take(&mut interval, &waker), Some(start + ms(70)));
    interval.reset_immediately();
    assert_eq!(take(&mut interval, &waker), Some(start + ms(70)));
    interval.reset_after(ms(5));
    assert_eq!(take(&mut interval, &waker), None);
    manual.advance(ms(5));
    assert_eq!(take(&mut interval, &waker), Some(start + ms(75)));
    interval.reset_at(start);
    assert_eq!(take(&mut interval, &waker), Some(start), "in the past");
}

#[test]
fn cancelled_tick_is_not_lost() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (_, waker) = CountWakes::new();
    let mut interval = interval(ms(50));
    let first = take(&mut interval, &waker).unwrap();
    assert_eq!(take(&mut interval, &waker), None);
    manual.advance(ms(50));
    assert_eq!(take(&mut interval, &waker), Some(first + ms(50)));
}

#[test]
#[should_panic(expected = "must be non-zero")]
fn period_of_zero_is_refused() {
    let _ = interval(Duration::ZERO);
}

#[test]
#[should_panic(expected = "must be non-zero")]
fn period_of_zero_at_an_instant_is_refused() {
    let _ = interval_at(Instant::now(), Duration::ZERO);
}
