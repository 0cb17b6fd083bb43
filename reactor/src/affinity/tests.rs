use super::{Affinity, LAST, Part};

/// Times it is left pending until it is asked.
fn times(affinity: &Affinity) -> u32 {
    let mut times = 1;
    while !affinity.is_due() {
        times += 1;
    }
    times
}

#[test]
fn it_is_asked_after_twice_as_many_polls_each_time_until_the_last_interval() {
    let asked = |part| {
        let affinity = Affinity::new(part);
        affinity.restart(true);
        let ask = |_| {
            let times = times(&affinity);
            affinity.put_off();
            times
        };
        (0..8).map(ask).collect::<Vec<_>>()
    };
    assert_eq!(asked(Part::Leads), [2, 4, 8, 16, 32, 64, LAST, LAST]);
    // The other end has gone where it belongs by then.
    assert_eq!(asked(Part::Follows), [4, 8, 16, 32, 64, LAST, LAST, LAST]);
}

#[test]
fn who_has_not_answered_is_asked_at_the_next_poll() {
    let affinity = Affinity::new(Part::Leads);
    affinity.restart(true);
    assert_eq!([times(&affinity), times(&affinity)], [2, 1]);
}

#[test]
fn nothing_is_asked_of_what_has_settled_stays_or_has_no_local_selectors() {
    let settled = Affinity::new(Part::Leads);
    settled.restart(true);
    settled.settle();
    let stays = Affinity::new(Part::Stays);
    stays.restart(true);
    let without = Affinity::new(Part::Leads);
    without.restart(false);
    for affinity in [Affinity::new(Part::Leads), settled, stays, without] {
        assert!((0..1000).all(|_| !affinity.is_due()), "{affinity:?}");
    }
}

#[test]
fn another_reactor_begins_anew() {
    let affinity = Affinity::new(Part::Leads);
    affinity.restart(true);
    affinity.put_off();
    affinity.settle();
    affinity.restart(true);
    assert_eq!(times(&affinity), 2);
}

#[test]
fn it_says_what_it_is() {
    let affinity = Affinity::new(Part::Follows);
    assert_eq!(format!("{affinity:?}"), "Follows, settled");
    affinity.restart(true);
    assert_eq!(format!("{affinity:?}"), "Follows, 4 left of 4");
    affinity.put_off();
    assert_eq!(format!("{affinity:?}"), "Follows, 8 left of 8");
}
