//! The right that one thread at a time has: to a slot's core, or to turn the driver. Protocol:
//! runtime/src/scheduler/README.md, *Slots*, and runtime/src/hold.rs.
#![cfg(runtime_loom)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use runtime::model::Hold;

/// What only the holder touches: written in two steps, with nothing but the hold to order them.
struct Slot {
    hold: Hold,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Slot {
    fn new() -> Arc<Slot> {
        Arc::new(Slot { hold: Hold::new(), begun: AtomicUsize::new(0), ended: AtomicUsize::new(0) })
    }

    /// Takes the slot if it is free, uses the core and gives it up. True if it was.
    fn run(&self) -> bool {
        if !self.hold.try_take() {
            return false;
        }
        let uses = self.begun.load(Ordering::Relaxed);
        self.begun.store(uses + 1, Ordering::Relaxed);
        assert_eq!(self.ended.load(Ordering::Relaxed), uses, "the former holder is not through");
        self.ended.store(uses + 1, Ordering::Relaxed);
        self.hold.release();
        true
    }
}

fn model(preemptions: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(f);
}

#[test]
fn holders_follow_one_another_and_see_the_core_as_it_was_left() {
    model(3, || {
        let slot = Slot::new();
        let other = slot.clone();
        let other = thread::spawn(move || usize::from(other.run()) + usize::from(other.run()));
        let here = usize::from(slot.run()) + usize::from(slot.run());
        let there = other.join().unwrap();
        assert!(here + there >= 2, "one of two that try twice gets it twice, or both once");
        assert_eq!(slot.ended.load(Ordering::Relaxed), here + there);
    });
}

#[test]
fn of_three_that_want_a_free_slot_one_at_a_time_has_it() {
    model(2, || {
        let slot = Slot::new();
        let others = [slot.clone(), slot.clone()].map(|other| thread::spawn(move || other.run()));
        let here = slot.run();
        let there = others.map(|other| usize::from(other.join().unwrap()));
        let uses = usize::from(here) + there.iter().sum::<usize>();
        assert!(uses >= 1, "it was free, and nobody got it");
        assert_eq!(slot.ended.load(Ordering::Relaxed), uses);
    });
}
