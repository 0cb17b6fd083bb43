use super::{FIRST, Follow, IN_VAIN, MOST};

#[test]
fn nobody_looks_before_a_turn_has_woken_somebody() {
    let follow = Follow::new();
    assert!(!follow.is_on());
    follow.found_nothing();
    follow.was_kept_out();
    assert!(!follow.is_on());
    follow.found();
    assert!(follow.is_on());
}

#[test]
fn the_first_look_in_vain_ends_what_has_just_begun() {
    let follow = Follow::new();
    follow.found();
    follow.found_nothing();
    assert!(!follow.is_on());
}

#[test]
fn looks_go_on_while_fewer_than_one_in_five_is_in_vain() {
    let follow = Follow::new();
    for _ in 0..FIRST + IN_VAIN {
        follow.found();
    }
    for _ in 0..1_000 {
        (0..IN_VAIN).for_each(|_| follow.found());
        follow.found_nothing();
        assert!(follow.is_on());
    }
}

/// Two of three wake somebody.
#[test]
fn looks_end_where_one_in_three_is_in_vain() {
    let follow = Follow::new();
    (0..MOST).for_each(|_| follow.found());
    let looks = (1..).take_while(|look| {
        if look % 3 == 0 {
            follow.found_nothing()
        } else {
            follow.found()
        }
        follow.is_on()
    });
    assert!(looks.count() < 12);
}

#[test]
fn two_looks_in_vain_in_a_row_end_what_has_long_gone_on() {
    let follow = Follow::new();
    (0..1_000).for_each(|_| follow.found());
    follow.found_nothing();
    assert!(follow.is_on());
    follow.found_nothing();
    assert!(!follow.is_on());
}

#[test]
fn who_is_kept_out_of_the_driver_again_and_again_gives_up() {
    let follow = Follow::new();
    (0..MOST).for_each(|_| follow.found());
    (1..MOST).for_each(|_| follow.was_kept_out());
    assert!(follow.is_on());
    follow.was_kept_out();
    assert!(!follow.is_on());
}

#[test]
fn a_worker_that_is_alone_again_stops() {
    let follow = Follow::new();
    (0..MOST).for_each(|_| follow.found());
    follow.stop();
    assert!(!follow.is_on());
}
