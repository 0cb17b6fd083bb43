use super::*;

#[test]
fn a_name_is_trusted_for_a_second_and_no_other_is() {
    let names = Names::new();
    let (one, other) = (Name::of(c"/one"), Name::of(c"/other"));
    assert!(!names.is_trusted(one, 0) && !names.is_trusted(one, 5));
    names.trust(one, 5);
    assert!(names.is_trusted(one, 5) && names.is_trusted(one, 1004));
    assert!(!names.is_trusted(one, 1005));
    assert!(!names.is_trusted(other, 5));
}

#[test]
fn the_clock_may_begin_anew() {
    let names = Names::new();
    let name = Name::of(c"/one");
    names.trust(name, u32::MAX);
    assert!(names.is_trusted(name, 3));
    assert!(!names.is_trusted(name, 2000));
}

#[test]
fn a_name_that_was_forgotten_is_not_trusted() {
    let names = Names::new();
    let name = Name::of(c"/one");
    names.trust(name, 5);
    names.forget(name);
    assert!(!names.is_trusted(name, 5));
}
