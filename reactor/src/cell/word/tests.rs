//! Every transition from every kind of state.
use super::*;

const READABLE: u64 = 1;
const READ_CLOSED: u64 = 1 << 2;
const TICK: u64 = 1 << TICK_SHIFT;

/// The kinds of state in which the waker's place can be, all at tick 7 with something readable.
const STATES: [(&str, u64); 13] = [
    ("fresh", ASSUMED),
    ("none", 0),
    ("stored", STORED),
    ("armed", STORED | ARMED),
    ("claimed", STORED | ARMED | CLAIMED),
    ("registering", REGISTERING),
    ("waking", STORED | WAKING),
    ("waking armed", STORED | WAKING | ARMED),
    ("waking claimed", STORED | WAKING | ARMED | CLAIMED),
    ("waking again", STORED | WAKING | AGAIN),
    ("waking again armed", STORED | WAKING | AGAIN | ARMED),
    ("closed", CLOSED),
    ("closed waking", STORED | WAKING | CLOSED),
];

fn word(flags: u64) -> Word {
    Word(AtomicU64::new((7 * TICK) | READABLE | flags))
}

fn bits(word: &Word) -> u64 {
    word.look().0
}

fn seen(tick: u32) -> Seen {
    Seen(u64::from(tick) << TICK_SHIFT)
}

/// Runs `transition` on each state, and compares what it answers and leaves with what `expected` says.
fn table<R: PartialEq + fmt::Debug>(
    transition: impl Fn(&Word) -> R,
    expected: impl Fn(&str, u64) -> Option<(u64, R)>,
) {
    for (name, flags) in STATES {
        let word = word(flags);
        let before = bits(&word);
        // A state in which the transition cannot be asked for.
        let Some((after, answer)) = expected(name, before) else { continue };
        assert_eq!(transition(&word), answer, "answer in state {name}");
        assert_eq!(word.look(), Seen(after), "state after {name}");
    }
}

#[test]
fn an_event_takes_what_is_armed_and_leaves_readiness_behind() {
    table(
        |word| word.event(Ready::READ_CLOSED),
        |name, before| {
            let told = (before + TICK) | READ_CLOSED;
            let (after, wake) = match name {
                "armed" | "claimed" => (told & !(ARMED | CLAIMED) | WAKING, true),
                "waking armed" | "waking claimed" | "waking again armed" => {
                    (told & !(ARMED | CLAIMED) | AGAIN, false)
                }
                _ => (told, false),
            };
            Some((after, Event { wake, cold: false }))
        },
    );
}

#[test]
fn an_event_takes_the_flag_of_the_cold_list() {
    for (name, flags) in STATES {
        let word = word(flags | COLD);
        assert!(word.event(Ready::EMPTY).cold, "{name}");
        assert_eq!(bits(&word) & COLD, 0, "{name}");
        assert!(!word.event(Ready::EMPTY).cold, "{name}");
    }
}

#[test]
fn ticks_wrap_without_touching_the_flags() {
    let word = Word(AtomicU64::new(u64::from(u32::MAX) << TICK_SHIFT | STORED));
    assert!(!word.event(Ready::READABLE).wake);
    assert_eq!(bits(&word), STORED | READABLE);
}

#[test]
fn the_waker_is_given_back_once_nobody_wants_it_again() {
    table(Word::woken, |name, before| match name {
        "waking" | "waking armed" | "waking claimed" => Some((before & !WAKING, Woken::Done)),
        "waking again" | "waking again armed" => Some((before & !AGAIN, Woken::Again)),
        "closed waking" => Some((before & !(WAKING | STORED), Woken::Drop)),
        _ => None,
    });
}

#[test]
fn clear_spares_what_came_since_and_what_closed() {
    table(|word| word.clear(seen(6), Ready::ALL), |_, before| Some((before, ())));
    table(|word| word.clear(seen(7), Ready::ALL), |_, before| Some((before & !(READABLE | ASSUMED), ())));
    table(|word| word.clear(seen(7), Ready::WRITABLE), |_, before| Some((before & !ASSUMED, ())));
    let word = word(READ_CLOSED);
    word.clear(seen(7), Ready::ALL);
    assert_eq!(word.look().ready(), Ready::READ_CLOSED);
}

#[test]
fn arm_shared() {
    table(|word| word.arm(seen(6), Claim::Shared, Ready::ALL), |_, before| Some((before, Arm::Stale)));
    table(
        |word| word.arm(seen(7), Claim::Shared, Ready::ALL),
        |name, before| {
            Some(match name {
                "fresh" | "none" | "registering" | "closed" => (before, Arm::Busy),
                "claimed" | "waking claimed" => (before, Arm::Barred),
                _ => (before & !READABLE | ARMED, Arm::Armed),
            })
        },
    );
}

#[test]
fn arm_exclusive() {
    table(
        |word| word.arm(seen(7), Claim::Exclusive, Ready::ALL),
        |name, before| {
            Some(match name {
                "fresh" | "none" | "closed" => (before, Arm::Busy),
                "stored" | "waking" | "waking again" => (before & !READABLE | ARMED | CLAIMED, Arm::Armed),
                "closed waking" => return None,
                _ => (before, Arm::Barred),
            })
        },
    );
}

#[test]
fn arm_what_is_held() {
    table(
        |word| word.arm(seen(7), Claim::Held(7), Ready::ALL),
        |name, before| {
            Some(match name {
                "claimed" | "waking claimed" => (before & !READABLE, Arm::Armed),
                _ => (before, Arm::Barred),
            })
        },
    );
    // A claim of an earlier tick is not this one.
    table(|word| word.arm(seen(7), Claim::Held(6), Ready::ALL), |_, before| Some((before, Arm::Barred)));
}

#[test]
fn begin_gives_the_slot_to_one_writer_and_never_under_a_waking_event() {
    table(|word| word.begin(seen(8), Claim::Shared), |_, before| Some((before, Begin::Stale)));
    table(
        |word| word.begin(seen(7), Claim::Shared),
        |name, before| {
            let taken = before & !(ARMED | STORED) | REGISTERING;
            Some(match name {
                "fresh" | "none" => (taken, Begin::Write { replaces: false }),
                "stored" | "armed" => (taken, Begin::Write { replaces: true }),
                "claimed" | "waking claimed" => (before, Begin::Barred),
                "closed" => return None,
                _ => (before, Begin::Busy),
            })
        },
    );
    table(
        |word| word.begin(seen(7), Claim::Exclusive),
        |name, before| {
            let taken = before & !STORED | REGISTERING;
            Some(match name {
                "fresh" | "none" => (taken, Begin::Write { replaces: false }),
                "stored" => (taken, Begin::Write { replaces: true }),
                "waking" | "waking again" => (before, Begin::Busy),
                "closed" | "closed waking" => return None,
                _ => (before, Begin::Barred),
            })
        },
    );
    table(
        |word| word.begin(seen(7), Claim::Held(7)),
        |name, before| {
            let taken = before & !(ARMED | CLAIMED | STORED) | REGISTERING;
            Some(match name {
                "claimed" => (taken, Begin::Write { replaces: true }),
                "waking claimed" => (before, Begin::Busy),
                _ => (before, Begin::Barred),
            })
        },
    );
}

#[test]
fn finish_arms_unless_an_event_came() {
    let registering = word(REGISTERING);
    assert_eq!(registering.finish(seen(7), Claim::Shared, Ready::ALL), Finish::Armed);
    assert_eq!(bits(&registering), (7 * TICK) | STORED | ARMED);
    for claim in [Claim::Exclusive, Claim::Held(7)] {
        let word = word(REGISTERING);
        assert_eq!(word.finish(seen(7), claim, Ready::ALL), Finish::Armed);
        assert_eq!(bits(&word), (7 * TICK) | STORED | ARMED | CLAIMED);
    }
    for claim in [Claim::Shared, Claim::Exclusive, Claim::Held(6)] {
        let word = word(REGISTERING);
        assert_eq!(word.finish(seen(6), claim, Ready::ALL), Finish::Stale);
        assert_eq!(bits(&word), (7 * TICK) | READABLE | STORED);
    }
}

#[test]
fn disarm_takes_back_a_claim_that_no_event_has_taken() {
    table(|word| word.disarm(6), |_, before| Some((before, ())));
    table(
        |word| word.disarm(7),
        |_, before| Some((if before & CLAIMED != 0 { before & !(ARMED | CLAIMED) } else { before }, ())),
    );
}

#[test]
fn flag_cold_fails_when_an_event_came() {
    table(|word| word.flag_cold(seen(6), Ready::ALL), |_, before| Some((before, false)));
    table(
        |word| word.flag_cold(seen(7), Ready::ALL),
        |_, before| Some((before & !(READABLE | ASSUMED) | COLD, true)),
    );
}

#[test]
fn close_takes_the_waker_or_leaves_it_to_the_event_that_uses_it() {
    table(Word::close, |name, before| {
        let closed = before & !(ARMED | CLAIMED) | CLOSED;
        Some(match name {
            "registering" => return None,
            "stored" | "armed" | "claimed" => (closed & !STORED, Close::Drop),
            _ => (closed, Close::Nothing),
        })
    });
}

#[test]
fn a_fresh_word_is_worth_a_try_and_reports_nothing() {
    let seen = Word::new().look();
    assert!(seen.is_worth_a_try() && seen.ready().is_empty() && !seen.has_waker());
}

#[test]
fn the_word_is_printed_in_words() {
    let text = format!("{:?}", word(STORED | ARMED));
    assert_eq!(text, "#7 READABLE, ARMED | STORED");
}
