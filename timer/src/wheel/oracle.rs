//! The wheel against a `BTreeMap` that does the same.
#![allow(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::ptr::NonNull;

use proptest::prelude::*;

use super::{FAR_SHIFT, FEW, NEVER, Node, NodeRef, Wheel};

/// A wheel and its oracle: ids in the order of (tick at which it is due, order of insertion).
struct Pair {
    wheel: Wheel,
    oracle: BTreeMap<(u64, usize), NodeRef>,
    ids: HashMap<*const Node, (u64, usize)>,
    elapsed: u64,
    inserted: usize,
    nodes: Vec<Pin<Box<Node>>>,
}

impl Pair {
    fn new() -> Self {
        Pair {
            wheel: Wheel::new(),
            oracle: BTreeMap::new(),
            ids: HashMap::new(),
            elapsed: 0,
            inserted: 0,
            nodes: Vec::new(),
        }
    }

    fn insert(&mut self, tick: u64) -> usize {
        let node = Box::pin(Node::new());
        // SAFETY: the box outlives the wheel's use of it, and all is on one thread.
        let node_ref = unsafe { NodeRef::new(NonNull::from(&*node)) };
        let due = tick.clamp(self.elapsed, NEVER - 1);
        self.inserted += 1;
        self.ids.insert(&raw const *node, (due, self.inserted));
        self.oracle.insert((due, self.inserted), node_ref);
        self.nodes.push(node);
        let before = self.wheel.earliest();
        let is_earliest = self.wheel.insert(node_ref, tick);
        assert_eq!(is_earliest, self.wheel.earliest() < before);
        self.check();
        self.inserted
    }

    fn remove(&mut self, nth: usize) {
        let Some((&key, &node)) = self.oracle.iter().nth(nth % self.oracle.len().max(1)) else { return };
        self.oracle.remove(&key);
        self.wheel.remove(node);
        self.check();
    }

    /// What comes out, in order: must be what the oracle has, tick by tick; entries of one tick in any order.
    fn advance(&mut self, now: u64) {
        let now = now.min(NEVER - 1);
        let mut fired = Vec::new();
        while let Some(node) = self.wheel.pop(now) {
            fired.push(self.ids[&node.as_ptr().as_ptr().cast_const()]);
        }
        let late = self.oracle.split_off(&(now.saturating_add(1), 0));
        let expected: Vec<_> = std::mem::replace(&mut self.oracle, late).into_keys().collect();
        assert!(fired.is_sorted_by_key(|(tick, _)| *tick), "out of order: {fired:?}");
        fired.sort_unstable();
        assert_eq!(fired, expected, "at {now}");
        self.elapsed = self.elapsed.max(now);
        self.check();
        assert_eq!(self.wheel.earliest() == NEVER, self.oracle.is_empty(), "who turns the wheel searches");
    }

    fn check(&self) {
        assert_eq!(self.wheel.len(), self.oracle.len());
        let earliest = self.oracle.keys().next().map_or(NEVER, |(tick, _)| *tick);
        assert!(self.wheel.earliest() <= earliest, "{} is after {earliest}", self.wheel.earliest());
    }

    /// What the wheel says once it has searched.
    fn earliest(&mut self) -> u64 {
        self.wheel.search_earliest();
        self.check();
        assert_eq!(self.wheel.earliest() == NEVER, self.oracle.is_empty());
        self.wheel.earliest()
    }
}

/// Distances that end just before, at and just after the boundaries of slots and levels.
fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..200u64,
        4 => (0..63u32, 0..64u64).prop_map(|(shift, below)| (1u64 << shift).wrapping_sub(32).wrapping_add(below)),
        2 => (0..44u32, any::<u64>()).prop_map(|(bits, tick)| tick & ((1 << bits) - 1)),
        1 => Just(u64::MAX),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64),
    /// Neighbours, more than are looked at for the exact earliest tick.
    InsertCrowd(u64),
    Remove(usize),
    Advance(u64),
    /// To just before or at the earliest deadline, as one who waits would: searched for, or what is known without.
    AdvanceToEarliest {
        less: u64,
        searched: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => distance().prop_map(Step::Insert),
        1 => distance().prop_map(Step::InsertCrowd),
        6 => prop_oneof![Just(0), any::<usize>()].prop_map(Step::Remove),
        1 => distance().prop_map(Step::Advance),
        2 => (0..2u64, any::<bool>()).prop_map(|(less, searched)| Step::AdvanceToEarliest { less, searched }),
    ]
}

fn cases() -> u32 {
    if std::env::var_os("RUNTIME_SOAK").is_some() { 100_000 } else { 1_000 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wheel_does_as_a_btreemap(start in distance(), steps in prop::collection::vec(step(), 1..100)) {
        let mut pair = Pair::new();
        pair.advance(start);
        for step in steps {
            match step {
                Step::Insert(distance) => { pair.insert(pair.elapsed.saturating_add(distance)); }
                Step::InsertCrowd(distance) => for tick in 0..2 * FEW as u64 {
                    pair.insert(pair.elapsed.saturating_add(distance).saturating_add(tick));
                }
                Step::Remove(nth) => pair.remove(nth),
                Step::Advance(distance) => pair.advance(pair.elapsed.saturating_add(distance)),
                Step::AdvanceToEarliest { less, searched } => {
                    let earliest = if searched { pair.earliest() } else { pair.wheel.earliest() };
                    if earliest != NEVER {
                        pair.advance(earliest.saturating_sub(less).max(pair.elapsed));
                    }
                }
            }
        }
        while pair.wheel.pop_any().is_some() {}
        prop_assert_eq!(pair.wheel.len(), 0);
        prop_assert_eq!(pair.wheel.earliest(), NEVER);
    }
}

#[test]
fn one_who_waits_for_the_earliest_arrives() {
    let mut pair = Pair::new();
    let entries = FAR_SHIFT + FEW as u32;
    for shift in 0..entries {
        pair.insert(1 << shift);
    }
    let mut looks = 0;
    while pair.wheel.earliest() != NEVER {
        pair.advance(pair.wheel.earliest());
        looks += 1;
    }
    assert_eq!(looks, entries, "each entry alone in its slot costs one look");
}

#[test]
fn earliest_is_exact_on_the_lowest_level_and_for_few() {
    let mut pair = Pair::new();
    let first = pair.insert(10);
    pair.insert(20);
    assert_eq!(pair.wheel.earliest(), 10);
    pair.remove(first - 1);
    assert_eq!(pair.earliest(), 20, "level 0");
    pair.remove(0);
    for tick in 0..FEW as u64 {
        pair.insert(5_000 + tick);
    }
    pair.remove(0);
    assert_eq!(pair.earliest(), 5_001, "few in a slot of level 2");
}

#[test]
fn crowd_that_is_taken_out_leaves_no_deadline() {
    let mut pair = Pair::new();
    for tick in 0..3 * FEW as u64 {
        pair.insert(1_000_000 + tick);
    }
    while !pair.oracle.is_empty() {
        pair.remove(0);
    }
    assert_eq!(pair.earliest(), NEVER);
}

#[test]
fn taking_out_leaves_the_earliest_to_who_searches() {
    let mut pair = Pair::new();
    pair.insert(10);
    pair.remove(0);
    assert_eq!(pair.wheel.earliest(), 10);
    pair.insert(20);
    assert_eq!(pair.wheel.earliest(), 10, "an insertion that is later changes nothing");
    assert_eq!(pair.earliest(), 20);
}

#[test]
fn three_years_in_short_sleeps_keep_the_right_tick() {
    const YEARS: u64 = 3 * 365 * 24 * 3600 * 1000;
    let mut pair = Pair::new();
    // An hour and a bit, so that all slots of the levels are met.
    let step = 3_600_000 + 977;
    let mut now = 0;
    while now < YEARS {
        pair.insert(now + step);
        pair.advance(now + step - 1);
        assert_eq!(pair.oracle.len(), 1, "early at {now}");
        now += step;
        pair.advance(now);
        assert_eq!(pair.oracle.len(), 0, "late at {now}");
        pair.nodes.clear();
        pair.ids.clear();
    }
}

#[test]
fn boundaries_of_every_level_are_crossed_at_the_right_tick() {
    for shift in 1..64 {
        let boundary = 1u64 << shift;
        for start in [boundary - 1, boundary.saturating_sub(70), boundary] {
            for distance in [1, 2, 63, 64, 65, 4_095, 4_096, 4_097] {
                let mut pair = Pair::new();
                pair.advance(start);
                let due = start.saturating_add(distance);
                pair.insert(due);
                pair.advance(due - 1);
                assert_eq!(pair.oracle.len(), 1, "early: {start} + {distance}");
                pair.advance(due);
                assert_eq!(pair.oracle.len(), 0, "late: {start} + {distance}");
            }
        }
    }
}

#[test]
fn one_tick_is_first_in_first_out() {
    let mut pair = Pair::new();
    let inserted: Vec<_> = (0..50).map(|_| pair.insert(100_000)).collect();
    let mut popped = Vec::new();
    while let Some(node) = pair.wheel.pop(100_000) {
        popped.push(pair.ids[&node.as_ptr().as_ptr().cast_const()].1);
    }
    assert_eq!(popped, inserted);
}

#[test]
fn never_is_not_reached() {
    let mut pair = Pair::new();
    pair.insert(u64::MAX);
    pair.advance(1 << 62);
    assert_eq!(pair.oracle.len(), 1);
}

/// What comes out at `tick`, by the order of insertion.
fn fired_at(pair: &mut Pair, tick: u64) -> Vec<usize> {
    let mut fired = Vec::new();
    while let Some(node) = pair.wheel.pop(tick) {
        let id = pair.ids[&node.as_ptr().as_ptr().cast_const()];
        pair.oracle.remove(&id);
        fired.push(id.1);
    }
    pair.elapsed = pair.elapsed.max(tick);
    fired
}

#[test]
fn entries_of_one_tick_come_out_in_order_if_none_was_taken_out() {
    // By how many levels each falls before its turn comes.
    for distance in [3, 3 << 6, 3 << 12, 3 << 18] {
        let mut pair = Pair::new();
        // Any number may have been in the slot before, and have been taken out again.
        for round in 0..10 {
            let tick = (distance + 1) * (round + 1);
            for _ in 0..round {
                pair.insert(tick);
            }
            (0..round).for_each(|_| pair.remove(0));
            let inserted: Vec<_> = (0..23).map(|_| pair.insert(tick)).collect();
            assert_eq!(fired_at(&mut pair, tick), inserted, "round {round} of {distance}");
        }
    }
}

#[test]
fn a_slot_of_which_some_were_taken_out_gives_all_others() {
    for removed in 0..64_u32 {
        let mut pair = Pair::new();
        let inserted: Vec<_> = (0..12).map(|_| pair.insert(70)).collect();
        // Two neighbours for each bit. Backwards, so that those before keep their places.
        for nth in (0..12).rev().filter(|nth| removed >> (nth / 2) & 1 == 1) {
            pair.remove(nth);
        }
        let mut left: Vec<_> = pair.oracle.keys().map(|(_, id)| *id).collect();
        assert!(left.iter().all(|id| inserted.contains(id)));
        left.sort_unstable();
        let mut fired = fired_at(&mut pair, 70);
        fired.sort_unstable();
        assert_eq!(fired, left, "of {removed:b}");
        assert_eq!(pair.wheel.earliest(), NEVER, "the slot is known to be empty");
    }
}
