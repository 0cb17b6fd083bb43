//! The set over all its words, on one thread.
use super::super::{Idle, Leave, Park, Woken};

const SIZES: [usize; 4] = [1, 48, 49, 130];

fn park(idle: &Idle, slot: usize) {
    assert_eq!(idle.park(slot, false, || false), Park::Sleep);
}

/// All slots have a thread and are parked.
fn all_parked(slots: usize) -> Idle {
    let idle = Idle::new(slots);
    for slot in 0..slots {
        assert!(!idle.join(slot));
        park(&idle, slot);
    }
    assert_eq!((idle.parked(), idle.searching(), idle.awake()), (slots, 0, 0));
    idle
}

fn woken(slot: usize) -> Option<Woken> {
    Some(Woken { slot, supervisor_was_asleep: false })
}

const CLAIMED: Leave = Leave { searching: true, supervisor_was_asleep: false, alone: false };

fn by_itself(supervisor_was_asleep: bool, alone: bool) -> Leave {
    Leave { searching: false, supervisor_was_asleep, alone }
}

#[test]
fn the_lowest_parked_slot_is_woken_first_and_one_at_a_time() {
    for slots in SIZES {
        let idle = all_parked(slots);
        for slot in 0..slots {
            assert_eq!(idle.notify(), woken(slot));
            assert_eq!(idle.notify(), None, "slot {slot} of {slots} is on its way");
            assert_eq!(idle.leave(slot), CLAIMED);
            assert_eq!(idle.stop_searching(slot, || false), None);
        }
        assert_eq!(idle.notify(), None);
        assert_eq!((idle.parked(), idle.searching(), idle.awake()), (0, 0, slots));
    }
}

#[test]
fn the_last_searcher_passes_the_wake_on_if_work_is_left() {
    for slots in SIZES {
        let idle = all_parked(slots);
        let mut next = idle.notify();
        for slot in 0..slots {
            assert_eq!(next, woken(slot));
            next = idle.stop_searching(slot, || true);
        }
        assert_eq!(next, None);
    }
}

#[test]
fn one_searcher_of_several_stops_without_looking() {
    let idle = all_parked(3);
    assert_eq!(idle.notify(), woken(0));
    assert_eq!(idle.claim_any(), woken(1));
    assert_eq!(idle.stop_searching(0, || panic!("another one searches")), None);
    assert_eq!(idle.stop_searching(1, || true), woken(2));
}

#[test]
fn a_searcher_in_any_word_is_enough() {
    let idle = all_parked(130);
    assert_eq!(idle.claim(129), woken(129));
    assert_eq!(idle.notify(), None);
    // The last of each word looks; what it finds it passes on only if nobody searches elsewhere.
    assert_eq!(idle.claim(60), woken(60));
    assert_eq!(idle.stop_searching(129, || true), None);
    assert_eq!(idle.stop_searching(60, || true), woken(0));
}

#[test]
fn a_particular_slot_is_claimed_whoever_searches() {
    for slots in SIZES {
        let idle = all_parked(slots);
        for slot in (0..slots).rev() {
            assert!(idle.is_parked(slot));
            assert_eq!(idle.claim(slot), woken(slot));
            assert!(!idle.is_parked(slot));
            assert_eq!(idle.claim(slot), None);
        }
        assert_eq!((idle.parked(), idle.searching(), idle.awake()), (0, slots, slots));
        assert_eq!(idle.claim_any(), None);
    }
}

#[test]
fn any_slot_is_claimed_whoever_searches() {
    for slots in SIZES {
        let idle = all_parked(slots);
        for slot in 0..slots {
            assert_eq!(idle.claim_any(), woken(slot));
        }
        assert_eq!(idle.claim_any(), None);
    }
}

#[test]
fn a_sleeper_that_finds_work_is_a_searcher() {
    let idle = Idle::new(1);
    assert!(!idle.join(0));
    assert_eq!(idle.park(0, false, || true), Park::WorkFound { supervisor_was_asleep: false });
    assert_eq!((idle.parked(), idle.searching(), idle.awake()), (0, 1, 1));
    assert_eq!(idle.park(0, true, || true), Park::WorkFound { supervisor_was_asleep: false });
    assert_eq!((idle.parked(), idle.searching(), idle.awake()), (0, 1, 1));
}

#[test]
fn a_sleeper_that_is_claimed_while_it_looks_is_a_searcher_once() {
    let idle = Idle::new(1);
    assert!(!idle.join(0));
    let parked = idle.park(0, false, || {
        assert_eq!(idle.notify(), woken(0));
        true
    });
    assert_eq!(parked, Park::Claimed);
    assert_eq!((idle.parked(), idle.searching(), idle.awake()), (0, 1, 1));
}

#[test]
fn a_sleeper_that_is_claimed_and_finds_nothing_sleeps_until_its_token() {
    let idle = Idle::new(1);
    assert!(!idle.join(0));
    let parked = idle.park(0, false, || {
        assert_eq!(idle.notify(), woken(0));
        false
    });
    assert_eq!(parked, Park::Sleep);
    assert_eq!(idle.leave(0), CLAIMED);
}

#[test]
fn a_slot_that_wakes_by_itself_is_running() {
    for slots in SIZES {
        let idle = all_parked(slots);
        for slot in 0..slots {
            assert_eq!(idle.leave(slot), by_itself(false, slot == 0), "slot {slot} of {slots}");
        }
        assert_eq!((idle.parked(), idle.searching(), idle.awake()), (0, 0, slots));
    }
}

#[test]
fn a_slot_is_alone_that_wakes_by_itself_while_nobody_is_awake_in_any_word() {
    for slots in SIZES {
        for first in [0, slots / 2, slots - 1] {
            let idle = all_parked(slots);
            assert_eq!(idle.leave(first), by_itself(false, true), "slot {first} of {slots}");
            for slot in (0..slots).filter(|&slot| slot != first) {
                assert_eq!(idle.leave(slot), by_itself(false, false), "slot {slot} beside {first}");
                park(&idle, slot);
            }
            park(&idle, first);
            assert_eq!(idle.leave(first), by_itself(false, true));
        }
    }
}

#[test]
fn half_of_those_awake_may_search() {
    let idle = Idle::new(4);
    (0..4).for_each(|slot| assert!(!idle.join(slot)));
    assert!(idle.start_searching(0));
    assert!(idle.start_searching(1));
    assert!(!idle.start_searching(2));
    assert_eq!(idle.stop_searching(0, || false), None);
    assert!(idle.start_searching(2));
}

#[test]
fn a_slot_that_retires_is_not_woken() {
    let idle = all_parked(49);
    assert_eq!(idle.claim(48), woken(48));
    assert_eq!(idle.stop_searching(48, || false), None);
    idle.retire(48);
    assert_eq!((idle.parked(), idle.searching(), idle.awake()), (48, 0, 0));
    assert!(!idle.is_parked(48));
}

#[test]
fn the_supervisor_sleeps_when_all_are_parked_and_is_told_by_the_first_to_wake() {
    for slots in SIZES {
        for first in [0, slots / 2, slots - 1] {
            let idle = all_parked(slots);
            assert!(idle.supervisor_sleep());
            assert_eq!(idle.claim(first), Some(Woken { slot: first, supervisor_was_asleep: true }));
            assert!(!idle.supervisor_sleep(), "slot {first} of {slots} is awake");
            // The refusal has taken the flags of the other words back.
            for slot in (0..slots).filter(|&slot| slot != first) {
                assert_eq!(idle.leave(slot), by_itself(false, false));
            }
        }
    }
}

#[test]
fn each_way_to_become_awake_tells_the_supervisor() {
    let asleep = || {
        let idle = all_parked(1);
        assert!(idle.supervisor_sleep());
        idle
    };
    let told = Some(Woken { slot: 0, supervisor_was_asleep: true });
    assert_eq!(asleep().notify(), told);
    assert_eq!(asleep().claim_any(), told);
    assert_eq!(asleep().claim(0), told);
    assert_eq!(asleep().leave(0), by_itself(true, true));
    let idle = Idle::new(2);
    assert!(idle.supervisor_sleep());
    assert!(idle.join(1));
    assert_eq!(
        idle.park(1, false, || {
            assert!(idle.supervisor_sleep());
            true
        }),
        Park::WorkFound { supervisor_was_asleep: true }
    );
}

#[test]
fn who_naps_is_awake_is_not_called_and_keeps_nobody_from_being_called() {
    let idle = Idle::new(3);
    (0..3).for_each(|slot| assert!(!idle.join(slot)));
    assert_eq!(idle.park(2, false, || false), Park::Sleep);
    assert!(idle.begin_nap(0, 1 << 1));
    assert!(idle.is_napping(0) && !idle.is_napping(1));
    assert_eq!((idle.parked(), idle.searching(), idle.awake()), (1, 0, 2));
    assert_eq!(idle.claim(0), None);
    assert_eq!(idle.notify().map(|woken| woken.slot), Some(2), "the one who is parked");
    assert_eq!(idle.notify(), None);
    assert_eq!(idle.claim_any(), None);
    idle.end_nap(0);
    assert!(!idle.is_napping(0));
    assert_eq!(idle.awake(), 3);
}

#[test]
fn nobody_naps_without_one_who_is_at_work() {
    let idle = Idle::new(3);
    (0..3).for_each(|slot| assert!(!idle.join(slot)));
    assert!(!idle.begin_nap(0, 0), "beside nobody");
    assert!(!idle.is_napping(0));
    assert!(idle.begin_nap(0, 0b110));
    assert!(!idle.begin_nap(1, 0b001), "beside one who naps");
    assert!(!idle.is_napping(1));
    assert!(idle.begin_nap(1, 0b101));
    assert!(!idle.begin_nap(2, 0b011), "beside two who nap");
    idle.end_nap(1);
    assert_eq!(idle.park(1, false, || false), Park::Sleep);
    assert!(!idle.begin_nap(2, 0b011), "beside one who naps and one who is parked");
    assert!(!idle.leave(1).searching);
    assert!(idle.begin_nap(2, 0b011));
}

#[test]
fn one_of_two_who_are_awake_is_alone_at_work_if_the_other_naps() {
    let idle = Idle::new(2);
    (0..2).for_each(|slot| assert!(!idle.join(slot)));
    assert!(idle.are_several_at_work());
    assert!(idle.begin_nap(0, 1 << 1));
    assert!(!idle.are_several_at_work());
}

#[test]
fn the_supervisor_does_not_sleep_beside_one_who_naps() {
    let idle = Idle::new(2);
    (0..2).for_each(|slot| assert!(!idle.join(slot)));
    assert!(idle.begin_nap(0, 1 << 1));
    assert_eq!(idle.park(1, false, || false), Park::Sleep);
    assert!(!idle.supervisor_sleep());
}
