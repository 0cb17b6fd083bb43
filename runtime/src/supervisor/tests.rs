//! What a sample makes of a heartbeat, and what the books say at each step.
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::cover::{By, Cover, StandIn};
use super::thread::pause;
use super::timer::SystemTimer;
use super::watch::{Seen, Watch};

const PERIOD: Duration = Duration::from_millis(5);
const THRESHOLD: Duration = Duration::from_millis(10);

fn sample(watch: &mut Watch, beat: u64) -> Seen {
    watch.sample(beat, PERIOD, THRESHOLD)
}

#[test]
fn a_slot_between_polls_is_never_stuck() {
    let mut watch = Watch::default();
    for _ in 0..10 {
        assert_eq!(sample(&mut watch, 2), Seen::Moved);
    }
    assert!(watch.is_in_order() && !watch.is_stuck());
}

#[test]
fn polls_that_follow_one_another_are_never_stuck() {
    let mut watch = Watch::default();
    for beat in (1..100).step_by(2) {
        assert_eq!(sample(&mut watch, beat), Seen::Moved);
    }
    assert!(watch.is_in_order());
}

#[test]
fn one_poll_is_stuck_after_the_threshold_and_first_only_once() {
    let mut watch = Watch::default();
    assert_eq!(sample(&mut watch, 7), Seen::Moved);
    assert_eq!(sample(&mut watch, 7), Seen::Slow);
    assert!(!watch.is_in_order() && !watch.is_stuck());
    assert_eq!(sample(&mut watch, 7), Seen::Stuck { first: true });
    assert_eq!(sample(&mut watch, 7), Seen::Stuck { first: false });
    assert_eq!(sample(&mut watch, 9), Seen::Moved);
    assert!(watch.is_in_order());
}

/// A process that was stopped for long counts what its samples count, not what the clock says.
#[test]
fn a_sample_adds_what_it_is_told_to_and_no_more() {
    let mut watch = Watch::default();
    let _ = sample(&mut watch, 1);
    assert_eq!(sample(&mut watch, 1), Seen::Slow);
}

#[test]
fn a_stuck_slot_is_covered_once_and_uncovered_once_it_has_moved() {
    let mut watch = Watch::default();
    for _ in 0..3 {
        let _ = sample(&mut watch, 1);
    }
    assert!(watch.is_stuck() && !watch.is_covered());
    watch.set_covered();
    assert!(watch.is_covered());
    assert!(!watch.is_in_order());
    let _ = sample(&mut watch, 3);
    assert!(!watch.is_in_order(), "uncovered first");
    assert!(watch.take_covered() && !watch.take_covered());
    assert!(watch.is_in_order());
}

/// Two workers, the guest, two spares.
fn books() -> Cover {
    Cover::new(3..5)
}

#[test]
fn a_covered_slot_gets_a_spare_and_a_second_wish_none() {
    let cover = books();
    assert_eq!(cover.cover(0, By::Supervisor), StandIn::Start(3));
    assert_eq!(cover.cover(0, By::Supervisor), StandIn::Nobody);
    assert_eq!(cover.cover(1, By::Itself), StandIn::Start(4));
    assert_eq!((cover.active(), cover.has_surplus()), (2, false));
}

#[test]
fn above_the_cap_a_slot_is_covered_by_the_next_spare_that_is_over() {
    let cover = books();
    let _ = (cover.cover(0, By::Supervisor), cover.cover(1, By::Supervisor));
    assert_eq!(cover.cover(3, By::Itself), StandIn::Nobody);
    assert_eq!(cover.uncover(0, By::Supervisor), 0, "its spare serves slot 3 now");
    assert_eq!(cover.uncover(1, By::Supervisor), 1);
}

#[test]
fn a_stuck_spare_asks_for_two_and_gives_both_back() {
    let cover = Cover::new(3..7);
    assert_eq!(cover.cover(0, By::Supervisor), StandIn::Start(3));
    assert_eq!(cover.cover(3, By::Supervisor), StandIn::Start(4));
    assert_eq!(cover.retry(), StandIn::Start(5));
    assert_eq!(cover.retry(), StandIn::Nobody);
    // Blocks in place meanwhile: the label changes, what was asked for does not.
    assert_eq!(cover.cover(3, By::Itself), StandIn::Nobody);
    assert_eq!(cover.uncover(3, By::Itself), 2);
    assert!(cover.linger(5) && cover.linger(4));
    assert!(!cover.linger(3), "worker 0 is still covered");
}

#[test]
fn a_label_that_was_taken_over_is_uncovered_by_its_new_owner_only() {
    let cover = books();
    assert_eq!(cover.cover(0, By::Supervisor), StandIn::Start(3));
    assert_eq!(cover.cover(0, By::Itself), StandIn::Nobody);
    assert_eq!(cover.uncover(0, By::Supervisor), 0);
    assert!(!cover.has_surplus());
    assert_eq!(cover.uncover(0, By::Itself), 1);
    assert_eq!(cover.uncover(0, By::Supervisor), 0, "nothing is left of it");
}

#[test]
fn a_surplus_spare_lingers_and_is_resumed_or_leaves() {
    let cover = books();
    assert_eq!(cover.cover(0, By::Supervisor), StandIn::Start(3));
    assert!(!cover.linger(3), "it is needed");
    assert_eq!(cover.uncover(0, By::Supervisor), 1);
    assert!(cover.linger(3));
    assert_eq!(cover.cover(1, By::Supervisor), StandIn::Resume(3));
    assert!(!cover.stop_lingering(3), "it was resumed");
    assert_eq!(cover.uncover(1, By::Supervisor), 1);
    assert!(cover.linger(3) && cover.stop_lingering(3));
    cover.freed(3);
    assert_eq!(cover.cover(0, By::Itself), StandIn::Start(3));
}

#[test]
fn a_refused_thread_leaves_the_cover_to_be_tried_again() {
    let cover = books();
    assert_eq!(cover.cover(0, By::Supervisor), StandIn::Start(3));
    cover.refused(3);
    assert_eq!(cover.active(), 0);
    assert_eq!(cover.retry(), StandIn::Start(3));
    assert_eq!(cover.retry(), StandIn::Nobody);
    assert_eq!(cover.uncover(0, By::Supervisor), 1);
}

fn alarms() -> [Arc<Alarm<SystemTimer>>; 2] {
    let period = u64::try_from(PERIOD.as_nanos()).unwrap();
    [SystemTimer::new(), SystemTimer::plain()].map(|timer| Arc::new(Alarm::new(timer, period, period)))
}

#[test]
fn a_period_passes_whoever_calls_meanwhile() {
    const PERIOD: Duration = Duration::from_millis(20);
    for alarm in alarms() {
        let of_thread = Arc::clone(&alarm);
        let paused = std::thread::spawn(move || {
            let began = Instant::now();
            pause(&of_thread, PERIOD, PERIOD, || false);
            began.elapsed()
        });
        while !paused.is_finished() {
            alarm.call();
        }
        assert!(paused.join().unwrap() >= PERIOD);
        pause(&alarm, Duration::MAX, Duration::MAX, || true);
    }
}

#[test]
fn a_period_is_put_off_for_as_long_as_is_allowed() {
    const LONGEST: Duration = Duration::from_millis(100);
    for alarm in alarms() {
        let of_thread = Arc::clone(&alarm);
        let paused = std::thread::spawn(move || {
            let began = Instant::now();
            pause(&of_thread, PERIOD, LONGEST, || false);
            began.elapsed()
        });
        let mut late = Duration::ZERO;
        while !paused.is_finished() {
            let now = Instant::now();
            alarm.postpone(alarm.timer().nanos(now));
            std::thread::yield_now();
            late = late.max(now.elapsed());
        }
        let passed = paused.join().unwrap();
        // Where this thread was held up for that long, it could not put it off.
        assert!(passed >= LONGEST - PERIOD || late > PERIOD / 2, "{passed:?}, {late:?}");
    }
}
