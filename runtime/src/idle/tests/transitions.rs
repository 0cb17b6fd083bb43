//! Every transition of the word from every state a slot can be in: what it answers, and what the word says after.
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::word::{Claim, SLOTS, Snapshot, TakeBack, Unless, Word};

/// The slot that the transitions are tried on. Not the first, so that a shift by a wrong amount shows.
const BIT: u32 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Vacant,
    Running,
    Searching,
    Parked,
    Claimed,
}

use State::*;

const STATES: [State; 5] = [Vacant, Running, Searching, Parked, Claimed];

/// A word in which slot `BIT` is in `state` and no other slot has a thread.
fn word_in(state: State) -> Word {
    let word = Word::new();
    if state == Vacant {
        return word;
    }
    assert!(!word.join(), "nobody has put the supervisor to sleep");
    match state {
        Vacant | Running => {}
        Searching => assert!(word.start_searching()),
        Parked => word.announce(BIT, false),
        Claimed => {
            word.announce(BIT, false);
            assert_eq!(word.claim(BIT), Claim::Taken { bit: BIT, supervisor_was_asleep: false });
        }
    }
    word
}

/// Parked, searching, awake.
fn counts(word: &Word) -> (usize, usize, usize) {
    let seen = word.load();
    (seen.parked(), seen.searching(), seen.awake())
}

fn counts_of(state: State) -> (usize, usize, usize) {
    match state {
        Vacant => (0, 0, 0),
        Running => (0, 0, 1),
        Searching | Claimed => (0, 1, 1),
        Parked => (1, 0, 0),
    }
}

/// Tries `transition` from each state: `None` is a broken precondition, which must be asserted.
fn from_each(transition: impl Fn(&Word), expected: impl Fn(State) -> Option<State>) {
    for state in STATES {
        let word = word_in(state);
        assert_eq!(counts(&word), counts_of(state), "{state:?}");
        match expected(state) {
            Some(after) => {
                transition(&word);
                assert_eq!(counts(&word), counts_of(after), "from {state:?}: {word:?}");
                assert_eq!(word.load().is_parked(BIT), after == Parked);
            }
            None if cfg!(debug_assertions) => {
                assert!(catch_unwind(AssertUnwindSafe(|| transition(&word))).is_err(), "from {state:?}");
            }
            None => {}
        }
    }
}

#[test]
fn join_makes_a_vacant_slot_running() {
    // Of a slot that has a thread, the word cannot tell the join from another slot's.
    let word = word_in(Vacant);
    assert!(!word.join());
    assert_eq!(counts(&word), counts_of(Running));
}

#[test]
fn retire_makes_a_running_slot_vacant() {
    from_each(Word::retire, |state| (state == Running).then_some(Vacant));
}

#[test]
fn start_searching_makes_a_running_slot_searching() {
    from_each(|word| assert!(word.start_searching()), |state| (state == Running).then_some(Searching));
}

#[test]
fn stop_searching_makes_a_searching_or_claimed_slot_running() {
    from_each(
        |word| assert!(word.stop_searching(), "it was the last"),
        |state| matches!(state, Searching | Claimed).then_some(Running),
    );
}

#[test]
fn announce_parks_a_running_slot() {
    // A slot that searches and says it does not is indistinguishable from a running one here.
    from_each(
        |word| word.announce(BIT, word.load().searching() > 0),
        |state| matches!(state, Running | Searching | Claimed).then_some(Parked),
    );
}

#[test]
fn announce_as_a_searcher_needs_a_searcher() {
    if cfg!(debug_assertions) {
        let word = word_in(Running);
        assert!(catch_unwind(AssertUnwindSafe(|| word.announce(BIT, true))).is_err());
    }
}

#[test]
fn take_back_makes_a_parked_slot_searching_and_leaves_a_claimed_one() {
    from_each(
        |word| {
            let was_parked = word.load().is_parked(BIT);
            let taken = word.take_back(BIT, true);
            assert_eq!(taken == TakeBack::Claimed, !was_parked);
        },
        // Vacant, running and searching slots have no bit either: it is up to them not to ask.
        |state| Some(if state == Parked { Searching } else { state }),
    );
}

#[test]
fn take_back_makes_a_parked_slot_running_when_it_woke_by_itself() {
    from_each(
        |word| {
            let was_parked = word.load().is_parked(BIT);
            let taken = word.take_back(BIT, false);
            assert_eq!(taken == TakeBack::Claimed, !was_parked);
        },
        |state| Some(if state == Parked { Running } else { state }),
    );
}

#[test]
fn claim_takes_a_parked_slot_only() {
    from_each(
        |word| {
            let was_parked = word.load().is_parked(BIT);
            match word.claim(BIT) {
                Claim::Taken { bit: BIT, supervisor_was_asleep: false } => assert!(was_parked),
                Claim::NotParked => assert!(!was_parked),
                other => panic!("{other:?}"),
            }
        },
        |state| Some(if state == Parked { Claimed } else { state }),
    );
}

#[test]
fn claim_lowest_takes_a_parked_slot_and_respects_a_searcher() {
    from_each(
        |word| {
            let expected = match counts(word) {
                (_, 1.., _) => Claim::Searched,
                (1.., ..) => Claim::Taken { bit: BIT, supervisor_was_asleep: false },
                _ => Claim::NotParked,
            };
            assert_eq!(word.claim_lowest(Unless::Searched), expected);
        },
        |state| Some(if state == Parked { Claimed } else { state }),
    );
}

#[test]
fn claim_lowest_never_put_off_takes_a_parked_slot_beside_a_searcher() {
    let word = word_in(Parked);
    assert!(!word.join());
    assert!(word.start_searching());
    assert_eq!(word.claim_lowest(Unless::Searched), Claim::Searched);
    assert_eq!(word.claim_lowest(Unless::Never), Claim::Taken { bit: BIT, supervisor_was_asleep: false });
    assert_eq!(counts(&word), (0, 2, 2));
}

#[test]
fn the_supervisor_sleeps_only_while_nobody_is_awake() {
    for state in STATES {
        let word = word_in(state);
        let nobody_awake = matches!(state, Vacant | Parked);
        assert_eq!(word.set_supervisor_asleep(), nobody_awake, "{state:?}");
        assert_eq!(word.load().supervisor_asleep(), nobody_awake);
        word.clear_supervisor_asleep();
        assert!(!word.load().supervisor_asleep());
        assert_eq!(counts(&word), counts_of(state));
    }
}

#[test]
fn whoever_makes_a_slot_awake_reports_the_sleeping_supervisor_once() {
    let asleep = |state| {
        let word = word_in(state);
        assert!(word.set_supervisor_asleep());
        word
    };
    let word = asleep(Vacant);
    assert!(word.join());
    assert!(!word.join());
    for as_searcher in [false, true] {
        let word = asleep(Parked);
        let taken = TakeBack::Taken { supervisor_was_asleep: true, alone: true };
        assert_eq!(word.take_back(BIT, as_searcher), taken);
        assert!(!word.load().supervisor_asleep());
    }
    let word = asleep(Parked);
    assert_eq!(word.claim(BIT), Claim::Taken { bit: BIT, supervisor_was_asleep: true });
    assert!(!word.load().supervisor_asleep());
    for unless in [Unless::Searched, Unless::Never] {
        let word = asleep(Parked);
        assert_eq!(word.claim_lowest(unless), Claim::Taken { bit: BIT, supervisor_was_asleep: true });
        assert!(!word.load().supervisor_asleep());
    }
}

#[test]
fn a_refused_transition_leaves_the_sleeping_supervisor_alone() {
    let word = word_in(Vacant);
    assert!(word.set_supervisor_asleep());
    assert_eq!(word.claim(BIT), Claim::NotParked);
    assert_eq!(word.claim_lowest(Unless::Never), Claim::NotParked);
    assert_eq!(word.take_back(BIT, true), TakeBack::Claimed);
    assert!(word.load().supervisor_asleep());
}

#[test]
fn at_most_about_half_of_those_awake_begin_to_search() {
    for awake in 1..=SLOTS {
        let word = Word::new();
        (0..awake).for_each(|_| assert!(!word.join()));
        let began = (0..awake).take_while(|_| word.start_searching()).count();
        assert_eq!(began, awake.div_ceil(2));
    }
}

#[test]
fn the_fields_of_a_full_word_do_not_run_into_each_other() {
    let word = Word::new();
    for _ in 0..SLOTS {
        assert!(!word.join());
    }
    assert_eq!(counts(&word), (0, 0, SLOTS));
    for bit in 0..SLOTS as u32 {
        word.announce(bit, false);
    }
    assert_eq!(counts(&word), (SLOTS, 0, 0));
    assert!(word.set_supervisor_asleep());
    for bit in 0..SLOTS as u32 {
        let claimed = word.claim_lowest(Unless::Never);
        assert_eq!(claimed, Claim::Taken { bit, supervisor_was_asleep: bit == 0 });
    }
    assert_eq!(counts(&word), (0, SLOTS, SLOTS));
    for bit in (0..SLOTS as u32).rev() {
        word.announce(bit, true);
    }
    assert_eq!(counts(&word), (SLOTS, 0, 0));
    assert!(word.load().is_parked(0));
    assert!(word.load().is_parked(SLOTS as u32 - 1));
}

#[test]
fn debug_decodes_the_word() {
    let word = word_in(Parked);
    assert!(word.set_supervisor_asleep());
    let seen: Snapshot = word.load();
    assert_eq!(format!("{seen:?}"), "Word { parked: {5}, searching: 0, awake: 0, supervisor_asleep: true }");
}
