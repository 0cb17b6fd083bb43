use super::*;

const LONG: Duration = Duration::from_millis(1);

#[test]
fn nobody_spins_before_two_short_waits_in_a_row() {
    let spin = Spin::new();
    assert!(spin.limit().is_none());
    spin.waited(SHORT, true);
    spin.waited(LONG, true);
    spin.waited(SHORT, true);
    assert!(spin.limit().is_none());
    spin.waited(SHORT, true);
    assert!(spin.limit().is_some());
}

#[test]
fn waits_for_sockets_and_timers_are_no_reason_however_short() {
    let spin = Spin::new();
    for _ in 0..100 {
        spin.waited(Duration::ZERO, false);
    }
    assert!(spin.limit().is_none());
}

#[test]
fn a_long_wait_ends_the_spinning() {
    let spin = Spin::new();
    spin.waited(SHORT, true);
    spin.waited(SHORT, true);
    spin.spun(USUAL, true);
    spin.got();
    assert!(spin.limit().is_some());
    spin.waited(LONG, true);
    assert!(spin.limit().is_none());
}

#[test]
fn spins_in_vain_become_rare() {
    let spin = Spin::new();
    let mut spins = 0;
    for _ in 0..100_000 {
        if spin.limit().is_some() {
            spin.spun(FIRST, false);
            spins += 1;
        }
        spin.waited(SHORT, true);
    }
    assert!(spins < 120, "{spins}");
    // One that pays is worth the next.
    while spin.limit().is_none() {
        spin.waited(SHORT, true);
    }
    spin.spun(USUAL, true);
    spin.got();
    assert!(spin.limit().is_some());
}

#[test]
fn only_the_first_may_take_long() {
    let spin = Spin::new();
    spin.waited(SHORT, true);
    spin.waited(SHORT, true);
    assert_eq!(spin.limit(), Some(FIRST));
    spin.spun(FIRST, true);
    spin.got();
    assert_eq!(spin.limit(), Some(USUAL));
    spin.spun(USUAL, true);
    spin.got();
    assert_eq!(spin.limit(), Some(USUAL));
}

#[test]
fn what_was_seen_and_taken_by_others_was_in_vain() {
    let spin = Spin::new();
    spin.waited(SHORT, true);
    spin.waited(SHORT, true);
    assert!(spin.limit().is_some());
    spin.spun(USUAL, true);
    assert!(spin.limit().is_none());
    spin.waited(SHORT, true);
    assert!(spin.limit().is_none(), "it costs more than one wait");
}
