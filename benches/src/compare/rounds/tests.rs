use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::{interleaved, order};

#[test]
fn everybody_runs_once_a_round() {
    for contenders in 1..6 {
        for round in 0..3 * contenders {
            let mut seen: Vec<_> = order(round, contenders).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..contenders).collect::<Vec<_>>());
        }
    }
}

#[test]
fn everybody_begins_as_often_in_either_direction() {
    for contenders in 3..6 {
        let mut orders = BTreeMap::<Vec<usize>, u32>::new();
        for round in 0..2 * contenders {
            *orders.entry(order(round, contenders).collect()).or_default() += 1;
        }
        assert_eq!(orders.len(), 2 * contenders, "{contenders} contenders: {orders:?}");
    }
}

#[test]
fn nobody_always_follows_the_same_one() {
    for contenders in 3..6 {
        let mut before = vec![BTreeMap::<usize, u32>::new(); contenders];
        let rounds = (0..2 * contenders).flat_map(|round| order(round, contenders)).collect::<Vec<_>>();
        for pair in rounds.windows(2) {
            *before[pair[1]].entry(pair[0]).or_default() += 1;
        }
        for before in before {
            assert!(before.len() > 1, "{contenders} contenders: {before:?}");
        }
    }
}

#[test]
fn samples_of_a_round_have_the_same_index_and_the_first_round_is_not_kept() {
    let rounds = 7;
    let calls = Cell::new(0_usize);
    let log = RefCell::new(Vec::new());
    let mut contenders: Vec<Box<dyn FnMut() -> usize + '_>> = (0..3)
        .map(|number| {
            let (calls, log) = (&calls, &log);
            Box::new(move || {
                log.borrow_mut().push(number);
                calls.replace(calls.get() + 1)
            }) as Box<dyn FnMut() -> usize + '_>
        })
        .collect();
    let mut done = 0;
    let samples = interleaved(&mut contenders, rounds, || done += 1);
    assert_eq!(done, rounds + 1);
    drop(contenders);
    assert_eq!(log.borrow().len(), 3 * (rounds + 1));
    for samples in &samples {
        assert_eq!(samples.len(), rounds);
        for (round, call) in samples.iter().enumerate() {
            assert_eq!(call / 3, round + 1);
        }
    }
}
