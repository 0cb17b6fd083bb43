//! Every transition from every kind of word.
use super::super::state::*;

/// `transition` from `before` gives `answer` and leaves `after`.
#[track_caller]
fn expect<A: PartialEq + std::fmt::Debug>(
    before: usize,
    transition: impl FnOnce(&State) -> A,
    answer: A,
    after: usize,
) {
    let state = State::at(before);
    assert_eq!(transition(&state), answer, "from {:?}", State::at(before));
    assert_eq!(state.bits(), after, "{:?} became {state:?}, not {:?}", State::at(before), State::at(after));
}

const R1: usize = REF_ONE;
const R2: usize = 2 * REF_ONE;
const R3: usize = 3 * REF_ONE;
const INTEREST: usize = JOIN_INTEREST;

#[test]
fn wake_by_ref_takes_the_right_or_leaves_a_mark() {
    for held in [R1, R2 | INTEREST, R3 | INTEREST | JOIN_WAKER] {
        let wake = State::wake_by_ref;
        expect(held, wake, Wake::Submit, held | OWNED);
        expect(held | OWNED, wake, Wake::Nothing, held | OWNED | WOKEN);
        expect(held | OWNED | WOKEN, wake, Wake::Nothing, held | OWNED | WOKEN);
        expect(held | OWNED | CANCELLED, wake, Wake::Nothing, held | OWNED | CANCELLED | WOKEN);
        expect(held | COMPLETE, wake, Wake::Nothing, held | COMPLETE);
        expect(held | COMPLETE | CANCELLED, wake, Wake::Nothing, held | COMPLETE | CANCELLED);
    }
}

#[test]
fn wake_by_value_drops_its_reference_with_the_same_step() {
    let wake = State::wake_by_value;
    expect(R2, wake, WakeByValue::Submit, R1 | OWNED);
    expect(R3 | INTEREST | JOIN_WAKER, wake, WakeByValue::Submit, R2 | INTEREST | JOIN_WAKER | OWNED);
    expect(R2 | OWNED, wake, WakeByValue::Nothing, R1 | OWNED | WOKEN);
    expect(R2 | OWNED | WOKEN, wake, WakeByValue::Nothing, R1 | OWNED | WOKEN);
    expect(R2 | OWNED | CANCELLED, wake, WakeByValue::Nothing, R1 | OWNED | CANCELLED | WOKEN);
    expect(R2 | COMPLETE, wake, WakeByValue::Nothing, R1 | COMPLETE);
    // The last one leaves its own: nobody is left to count for.
    expect(R1 | COMPLETE, wake, WakeByValue::Release, R1 | COMPLETE);
}

#[test]
fn start_clears_the_mark_and_sees_cancellation() {
    for held in [R1, R2 | INTEREST, R3 | INTEREST | JOIN_WAKER] {
        expect(held | OWNED, State::start, Start::Poll, held | OWNED);
        expect(held | OWNED | WOKEN, State::start, Start::Poll, held | OWNED);
        expect(held | OWNED | CANCELLED, State::start, Start::Cancel, held | OWNED | CANCELLED);
        expect(held | OWNED | CANCELLED | WOKEN, State::start, Start::Cancel, held | OWNED | CANCELLED);
    }
}

#[test]
fn park_gives_the_right_up_unless_woken_or_cancelled() {
    for held in [R1, R2 | INTEREST, R3 | INTEREST | JOIN_WAKER] {
        expect(held | OWNED, State::park, Park::Idle, held);
        expect(held | OWNED | WOKEN, State::park, Park::Again, held | OWNED | WOKEN);
        expect(held | OWNED | CANCELLED, State::park, Park::Cancel, held | OWNED | CANCELLED);
        let both = held | OWNED | CANCELLED | WOKEN;
        expect(both, State::park, Park::Cancel, both);
    }
}

#[test]
fn complete_drops_the_reference_or_keeps_it_for_the_join_waker() {
    let stored = |state: &State| state.complete(true, state.before_completion());
    let unwanted = |state: &State| state.complete(false, state.before_completion());
    let late = |state: &State| {
        let before = state.before_completion();
        state.ref_inc();
        state.complete(true, before)
    };
    for extra in [0, WOKEN, CANCELLED, WOKEN | CANCELLED] {
        let kept = extra & CANCELLED;
        expect(R2 | OWNED | INTEREST | extra, stored, Complete::Done, R1 | COMPLETE | INTEREST | kept);
        expect(R2 | OWNED | extra, unwanted, Complete::Done, R1 | COMPLETE | kept);
        expect(R1 | OWNED | extra, unwanted, Complete::Release, COMPLETE | kept);
        expect(R2 | OWNED | extra, stored, Complete::DropOutput, R2 | OWNED | extra);
        let awaited = INTEREST | JOIN_WAKER;
        expect(R2 | OWNED | awaited | extra, stored, Complete::WakeJoiner, R2 | COMPLETE | awaited | kept);
        // What was seen before need not be what is there.
        expect(R2 | OWNED | INTEREST | extra, late, Complete::Done, R2 | COMPLETE | INTEREST | kept);
    }
}

#[test]
fn a_wanted_task_that_was_not_woken_completes_plainly_unless_its_word_changes_meanwhile() {
    for (joined, awaited, left) in [(INTEREST, false, R1), (INTEREST | JOIN_WAKER, true, R2)] {
        let plainly = |state: &State| state.complete_plainly(state.before_completion(), awaited);
        let late = |state: &State| {
            let before = state.before_completion();
            assert_eq!(state.wake_by_ref(), Wake::Nothing);
            state.complete_plainly(before, awaited)
        };
        for cancelled in [0, CANCELLED] {
            let word = OWNED | joined | cancelled;
            expect(R2 | word, plainly, true, left | COMPLETE | joined | cancelled);
            expect(R3 | word, plainly, true, (left + REF_ONE) | COMPLETE | joined | cancelled);
            expect(R2 | word | WOKEN, plainly, false, R2 | word | WOKEN);
            expect(R2 | word, late, false, R2 | word | WOKEN);
        }
    }
}

#[test]
fn abort_marks_and_has_an_idle_task_scheduled() {
    for held in [R2, R2 | INTEREST, R3 | INTEREST | JOIN_WAKER] {
        expect(held, State::abort, Wake::Submit, held | OWNED | CANCELLED);
        expect(held | OWNED, State::abort, Wake::Nothing, held | OWNED | CANCELLED);
        expect(held | OWNED | WOKEN, State::abort, Wake::Nothing, held | OWNED | WOKEN | CANCELLED);
        expect(held | OWNED | CANCELLED, State::abort, Wake::Nothing, held | OWNED | CANCELLED);
        expect(held | COMPLETE, State::abort, Wake::Nothing, held | COMPLETE);
    }
}

#[test]
fn an_owner_cancels_what_it_owns() {
    expect(R1 | OWNED, State::cancel_owned, (), R1 | OWNED | CANCELLED);
    expect(SPAWNED | WOKEN, State::cancel_owned, (), SPAWNED | WOKEN | CANCELLED);
}

#[test]
fn the_closing_scan_takes_idle_tasks_and_counts_owned_ones() {
    expect(0, State::shut, Shut::Nothing, 0);
    expect(0, State::shut_idle, Shut::Nothing, 0);
    for held in [R1, R2 | INTEREST, R3 | INTEREST | JOIN_WAKER] {
        expect(held, State::shut, Shut::Take, held | OWNED | CANCELLED);
        expect(held | OWNED, State::shut, Shut::InFlight, held | OWNED | CANCELLED);
        expect(held | OWNED | WOKEN, State::shut, Shut::InFlight, held | OWNED | WOKEN | CANCELLED);
        expect(held | OWNED | CANCELLED, State::shut, Shut::InFlight, held | OWNED | CANCELLED);
        expect(held | COMPLETE, State::shut, Shut::Nothing, held | COMPLETE);
        expect(held, State::shut_idle, Shut::Take, held | OWNED | CANCELLED);
        for owned in [OWNED, OWNED | WOKEN, OWNED | CANCELLED] {
            expect(held | owned, State::shut_idle, Shut::InFlight, held | owned);
        }
        expect(held | COMPLETE, State::shut_idle, Shut::Nothing, held | COMPLETE);
    }
}

#[test]
fn the_join_waker_is_set_and_unset_before_completion_only() {
    let set = |state: &State| state.set_join_waker(state.observe());
    let set_late = |state: &State| {
        let before = state.observe();
        state.ref_inc();
        state.set_join_waker(before)
    };
    let unset = |state: &State| state.unset_join_waker().map(|now| assert_eq!(now, state.snapshot()));
    for now in [R2 | INTEREST, R2 | INTEREST | OWNED, R2 | INTEREST | OWNED | WOKEN | CANCELLED] {
        expect(now, set, Ok(()), now | JOIN_WAKER);
        expect(now, set_late, Ok(()), (now | JOIN_WAKER) + REF_ONE);
        expect(now | JOIN_WAKER, unset, Ok(()), now);
    }
    let set_too_late = |state: &State| {
        let before = state.observe();
        assert_eq!(state.complete(true, state.before_completion()), Complete::Done);
        state.set_join_waker(before)
    };
    let complete = R1 | INTEREST | COMPLETE;
    expect(R2 | INTEREST | OWNED, set_too_late, Err(IsComplete), complete);
    expect(complete | JOIN_WAKER, unset, Err(IsComplete), complete | JOIN_WAKER);
}

#[test]
fn detaching_says_what_is_left_to_drop() {
    expect(SPAWNED, State::detach_fast, true, R1 | OWNED);
    for other in
        [R2 | INTEREST, SPAWNED | WOKEN, SPAWNED | CANCELLED, R3 | OWNED | INTEREST, R1 | COMPLETE | INTEREST]
    {
        expect(other, State::detach_fast, false, other);
    }
    for owned in [0, OWNED, OWNED | WOKEN, OWNED | CANCELLED] {
        expect(R2 | INTEREST | owned, State::detach, Detach::Done, R1 | owned);
        expect(R2 | INTEREST | JOIN_WAKER | owned, State::detach, Detach::DropWaker, R2 | owned);
    }
    let complete = R1 | INTEREST | COMPLETE;
    expect(complete, State::detach, Detach::DropOutput, complete);
    expect(complete | JOIN_WAKER, State::detach, Detach::DropOutput, complete | JOIN_WAKER);
}

#[test]
fn the_last_reference_is_known() {
    expect(R2, State::unref, false, R1);
    expect(R1 | COMPLETE, State::unref, true, R1 | COMPLETE);
    expect(R2 | COMPLETE, State::unref_shared, false, R1 | COMPLETE);
    // Here the last one is counted down as well: the cell is nobody's.
    expect(R1 | COMPLETE, State::unref_shared, true, COMPLETE);
    expect(R1 | OWNED, State::ref_inc, (), R2 | OWNED);
    let is_sole = |state: &State| state.before_completion().is_sole();
    expect(R1 | OWNED, is_sole, true, R1 | OWNED);
    expect(R1 | OWNED | WOKEN | CANCELLED, is_sole, true, R1 | OWNED | WOKEN | CANCELLED);
    expect(R1 | OWNED | INTEREST, is_sole, false, R1 | OWNED | INTEREST);
    expect(R2 | OWNED, is_sole, false, R2 | OWNED);
}

#[test]
fn a_cell_is_published_and_reset() {
    expect(0, State::publish, (), SPAWNED);
    expect(R1 | COMPLETE, State::reset, (), 0);
    expect(COMPLETE, State::reset, (), 0);
    assert!(State::free().snapshot().is_free());
    assert!(State::born_complete().is_complete());
}

#[test]
fn live_is_spawned_and_not_complete() {
    assert!(!State::at(0).snapshot().is_live());
    assert!(State::at(SPAWNED).snapshot().is_live());
    assert!(State::at(R1).snapshot().is_live());
    assert!(!State::at(R1 | COMPLETE).snapshot().is_live());
    assert!(!State::at(COMPLETE).snapshot().is_live());
}

#[test]
fn debug_decodes_the_word() {
    assert_eq!(format!("{:?}", State::at(0)), "free");
    assert_eq!(format!("{:?}", State::at(SPAWNED)), "OWNED JOIN_INTEREST refs=2");
    assert_eq!(format!("{:?}", State::at(R1 | COMPLETE | CANCELLED)), "COMPLETE CANCELLED refs=1");
}

/// T7.
#[test]
fn a_reference_count_that_overflows_aborts_the_process() {
    if super::is_child_process() {
        let state = State::at((usize::MAX / 2 + 1) | REF_ONE | OWNED);
        state.ref_inc();
        return;
    }
    let status =
        super::in_child_process("task::tests::word::a_reference_count_that_overflows_aborts_the_process");
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(status.signal(), Some(libc_sigabrt()), "the child ended with {status}");
}

/// POSIX: 6 on every Unix.
fn libc_sigabrt() -> i32 {
    6
}
