//! Scopes and guards, in any order.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{enter, find, with_scope};

fn here(key: usize) -> Option<usize> {
    find(key).map(<*const ()>::addr)
}

fn at(value: usize) -> *const () {
    std::ptr::without_provenance(value)
}

fn scoped<R>(key: usize, value: usize, f: impl FnOnce() -> R) -> R {
    // SAFETY: nobody follows the value.
    unsafe { with_scope(key, at(value), f) }
}

fn entered(key: usize, value: usize) -> super::Entered {
    // SAFETY: as above.
    unsafe { enter(key, at(value)) }
}

#[test]
fn the_innermost_scope_counts_and_ends_by_unwinding_too() {
    scoped(1, 10, || {
        let unwound = catch_unwind(AssertUnwindSafe(|| scoped(1, 11, || panic!("value {:?}", here(1)))));
        assert!(unwound.is_err());
        assert_eq!((here(1), here(2)), (Some(10), None));
    });
    assert_eq!(here(1), None);
}

#[test]
fn guards_are_dropped_in_any_order() {
    let (first, second, third) = (entered(1, 10), entered(1, 11), entered(2, 20));
    assert_eq!((here(1), here(2)), (Some(11), Some(20)));
    drop(first);
    assert_eq!(here(1), Some(11));
    drop(second);
    assert_eq!((here(1), here(2)), (None, Some(20)));
    drop(third);
    assert_eq!(here(2), None);
}

#[test]
fn a_guard_outlives_the_scope_that_it_was_made_in() {
    let guard = scoped(1, 10, || entered(1, 11));
    assert_eq!(here(1), Some(11));
    drop(guard);
    assert_eq!(here(1), None);
}

#[test]
fn a_guard_dropped_in_a_scope_that_was_entered_later_leaves_that_one() {
    let guard = entered(1, 10);
    scoped(1, 11, || {
        drop(guard);
        assert_eq!(here(1), Some(11));
    });
    assert_eq!(here(1), None);
}
