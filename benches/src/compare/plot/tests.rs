use super::super::record::tests::{measured, record, samples};
use super::{AHEAD, Axis, BEHIND, TIED, document};
use crate::compare::record::{Record, Run};

/// The colours of all bars, and all words.
fn drawn(record: &Record) -> (Vec<String>, Vec<String>) {
    let svg = document(record).to_string();
    let tree = roxmltree::Document::parse(&svg).expect("it is well-formed");
    let named = |name: &'static str| tree.descendants().filter(move |node| node.tag_name().name() == name);
    assert_eq!(tree.root_element().tag_name().name(), "svg");
    for bar in named("rect") {
        let width: f64 = bar.attribute("width").expect("a width").parse().expect("a number");
        assert!(width > 0.0 && width <= super::WIDTH, "{width}");
    }
    let colours = named("rect").filter_map(|node| node.attribute("fill")).filter(|colour| *colour != "white");
    let words = named("text").filter_map(|node| node.text()).map(|text| text.trim().to_owned());
    (colours.map(Into::into).collect(), words.collect())
}

#[test]
fn the_picture_is_well_formed_and_has_a_bar_a_workload() {
    let record = record();
    let (colours, words) = drawn(&record);
    assert_eq!(colours, [AHEAD, BEHIND, AHEAD, AHEAD, BEHIND, AHEAD]);
    for said in ["spawn", "lost", "echo", "1.50 b", "0.50 a", "userland, mean 1.50"] {
        assert!(words.iter().any(|word| word == said), "{said}: {words:?}");
    }
    assert!(words.iter().any(|word| word.starts_with("1 worker:")), "{words:?}");
    assert!(words.iter().any(|word| word.contains("0123abc-dirty")), "{words:?}");
}

#[test]
fn names_with_the_signs_of_the_language_do_not_break_it() {
    let odd = measured("<a> & \"b\"", "wake", vec![samples("ours", &[100]), samples("<&>", &[101])]);
    let runs = vec![Run { workers: 2, rounds: 1, workloads: vec![odd] }];
    let (colours, words) = drawn(&Record { runs, ..record() });
    assert_eq!(colours, [TIED]);
    assert!(words.iter().any(|word| word == "<a> & \"b\""), "{words:?}");
}

#[test]
fn a_picture_of_nothing_is_a_picture() {
    let (colours, _) = drawn(&Record { runs: Vec::new(), ..record() });
    assert_eq!(colours.len(), 0);
}

#[test]
fn the_axis_is_logarithmic_and_holds_everything() {
    let wide = measured("w", "wake", vec![samples("ours", &[100]), samples("a", &[100_000])]);
    let axis = Axis::over(&[Run { workers: 2, rounds: 1, workloads: vec![wide] }]);
    let step = |from: f64, to: f64| axis.at(to) - axis.at(from);
    assert!((step(1.0, 10.0) - step(10.0, 100.0)).abs() < 1e-6);
    assert!(axis.ticks().any(|tick| tick == 1.0));
    assert!(axis.at(1000.0) < super::WIDTH - super::RIGHT);
    let nothing = Axis::over(&[]);
    assert!(nothing.ticks().count() >= 2);
}
