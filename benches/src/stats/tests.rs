use super::{Quartiles, geometric_mean};

#[test]
fn quartiles_do_not_depend_on_the_order() {
    let expected = Quartiles { low: 2.0, median: 3.0, high: 4.0 };
    assert_eq!(Quartiles::of([5.0, 1.0, 4.0, 2.0, 3.0]), expected);
    assert_eq!(Quartiles::of([1.0, 2.0, 3.0, 4.0, 5.0]), expected);
}

#[test]
fn quartiles_between_two_values_are_on_the_line_between_them() {
    assert_eq!(Quartiles::of([0.0, 4.0]), Quartiles { low: 1.0, median: 2.0, high: 3.0 });
    assert_eq!(Quartiles::of([10.0, 20.0, 30.0, 50.0]), Quartiles { low: 17.5, median: 25.0, high: 35.0 });
}

#[test]
fn the_quartiles_of_one_value_are_that_value() {
    assert_eq!(Quartiles::of([7.0]), Quartiles { low: 7.0, median: 7.0, high: 7.0 });
}

#[test]
fn the_geometric_mean_of_a_ratio_and_its_inverse_is_one() {
    let mean = geometric_mean([4.0, 0.25]).expect("there are values");
    assert!((mean - 1.0).abs() < 1e-12, "{mean}");
    let mean = geometric_mean([1.0, 10.0, 100.0]).expect("there are values");
    assert!((mean - 10.0).abs() < 1e-9, "{mean}");
}

#[test]
fn nothing_has_no_mean() {
    assert_eq!(geometric_mean([]), None);
}
