use std::time::Instant;

use super::{LEFT_FOR, Neglect, Reach};

/// The worker of lane 0; nobody is parked.
fn busy(now: Instant) -> Reach<'static> {
    Reach::Beside { lane: 0, is_parked: &|_| false, now }
}

#[test]
fn who_does_it_for_all_leaves_nothing() {
    assert!(Neglect::default().is_taken_by(Reach::All, 1, 0));
}

#[test]
fn a_busy_worker_takes_those_of_the_parked_and_leaves_its_own_to_its_looks() {
    let now = Instant::now();
    let beside_a_parked_one = Reach::Beside { lane: 0, is_parked: &|lane| lane == 1, now };
    assert!(Neglect::default().is_taken_by(beside_a_parked_one, 1, 0));
    assert!(!Neglect::default().is_taken_by(beside_a_parked_one, 2, 0));
    let mut neglect = Neglect::default();
    for now in [now, now + 2 * LEFT_FOR] {
        assert!(!neglect.is_taken_by(busy(now), 0, 0));
    }
}

#[test]
fn one_who_looks_itself_is_left_alone() {
    let (mut neglect, begun) = (Neglect::default(), Instant::now());
    for looks in 0..100 {
        assert!(!neglect.is_taken_by(busy(begun + looks * LEFT_FOR), 1, looks));
    }
}

#[test]
fn one_who_does_not_look_is_helped_after_a_while_until_it_does() {
    let (mut neglect, mut now) = (Neglect::default(), Instant::now());
    for looks in [7, 8] {
        for _ in 0..4 {
            assert!(!neglect.is_taken_by(busy(now), 1, looks));
            now += LEFT_FOR / 4;
        }
        for _ in 0..3 {
            assert!(neglect.is_taken_by(busy(now), 1, looks));
        }
    }
}
