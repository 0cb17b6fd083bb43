//! The LIFO slot gives each item to one taker.
#![allow(unsafe_code)]

use std::hash::{BuildHasher as _, RandomState};

use super::*;
use crate::primitives::barrier;
use crate::supervisor::heartbeat::Heartbeat;
use crate::watchdog::{rounds, watched};

/// By a test's own thread, which is inside of no poll.
fn take(slot: &LifoSlot<Item>) -> Option<u64> {
    // SAFETY: that thread is the owner; it tells of no poll while it takes.
    unsafe { slot.take_if(|| true) }.map(|item| item.value())
}

/// With what a heartbeat might have said.
fn rescue(slot: &LifoSlot<Item>, is_inside: bool) -> Option<u64> {
    // SAFETY: by the owner's thread, which takes when this is done.
    unsafe { slot.rescue(|| is_inside) }.map(|item| item.value())
}

fn share(slot: &LifoSlot<Item>) {
    // SAFETY: by the owner's thread.
    unsafe { slot.share() };
}

fn withdraw(slot: &LifoSlot<Item>) -> Option<u64> {
    // SAFETY: by the owner's thread.
    unsafe { slot.withdraw() }.map(|item| item.value())
}

fn put(slot: &LifoSlot<Item>, value: u64) -> Option<u64> {
    // SAFETY: by the owner's thread.
    unsafe { slot.put(item(value)) }.map(|item| item.value())
}

fn state(slot: &LifoSlot<Item>) -> String {
    format!("{slot:?}")
}

const SHARED_EMPTY: &str = "LifoSlot { is_empty: true, is_marked: true, is_kept: false }";
const SHARED_FILLED: &str = "LifoSlot { is_empty: false, is_marked: true, is_kept: false }";
const KEPT_EMPTY: &str = "LifoSlot { is_empty: true, is_marked: false, is_kept: true }";
const KEPT_FILLED: &str = "LifoSlot { is_empty: false, is_marked: false, is_kept: true }";
const KEPT_MARKED: &str = "LifoSlot { is_empty: false, is_marked: true, is_kept: true }";

/// Whether this system has heavy barriers: else nothing below keeps a slot.
fn keeps() -> bool {
    barrier::register();
    barrier::is_available()
}

/// As a worker has it that has taken something.
fn kept() -> LifoSlot<Item> {
    let slot = LifoSlot::new();
    assert_eq!(put(&slot, 0), None);
    assert_eq!(take(&slot), Some(0));
    assert_eq!(state(&slot), KEPT_EMPTY);
    slot
}

fn check_last_in(slot: &LifoSlot<Item>) {
    assert!(slot.is_empty());
    assert_eq!(put(slot, 1), None);
    assert!(!slot.is_empty());
    assert_eq!(put(slot, 2), Some(1));
    assert_eq!(take(slot), Some(2));
    assert!(slot.is_empty());
    assert_eq!(take(slot), None);
    assert_eq!(put(slot, 3), None);
}

#[test]
fn the_last_one_in_stays_and_the_one_before_comes_out() {
    check_last_in(&LifoSlot::new());
    if keeps() {
        check_last_in(&kept());
    }
}

#[test]
fn a_new_slot_is_shared() {
    let slot = LifoSlot::new();
    assert_eq!(state(&slot), SHARED_EMPTY);
    assert_eq!(rescue(&slot, true), None);
    assert_eq!(withdraw(&slot), None);
    assert_eq!(state(&slot), SHARED_EMPTY);
}

/// As where the system has no heavy barriers, and the owner takes as it withdraws.
#[test]
fn what_is_in_a_shared_slot_anybody_takes() {
    let slot = LifoSlot::new();
    assert_eq!(put(&slot, 1), None);
    assert_eq!(state(&slot), SHARED_FILLED);
    assert_eq!(put(&slot, 2), Some(1));
    assert_eq!(state(&slot), SHARED_FILLED);
    assert_eq!(rescue(&slot, false), Some(2));
    assert_eq!(state(&slot), SHARED_EMPTY);
    assert_eq!(put(&slot, 3), None);
    assert_eq!(withdraw(&slot), Some(3));
    assert_eq!(state(&slot), SHARED_EMPTY);
}

#[test]
fn its_owner_keeps_a_slot_by_taking_from_it_and_shares_it_again() {
    if !keeps() {
        return;
    }
    let slot = LifoSlot::new();
    assert_eq!(put(&slot, 1), None);
    assert_eq!(take(&slot), Some(1));
    assert_eq!(state(&slot), KEPT_EMPTY);
    share(&slot);
    assert_eq!(state(&slot), SHARED_EMPTY);
    // SAFETY: this thread is the owner.
    unsafe { slot.keep() };
    assert_eq!(state(&slot), KEPT_EMPTY);
    assert_eq!(put(&slot, 2), None);
    assert_eq!(state(&slot), KEPT_FILLED);
    share(&slot);
    assert_eq!(state(&slot), SHARED_FILLED);
    assert_eq!(rescue(&slot, false), Some(2));
}

#[test]
fn what_is_in_a_kept_slot_is_rescued_during_polls_alone() {
    if !keeps() {
        return;
    }
    let slot = kept();
    assert_eq!(put(&slot, 1), None);
    assert_eq!(state(&slot), KEPT_FILLED);
    assert_eq!(rescue(&slot, true), Some(1));
    assert_eq!(state(&slot), KEPT_EMPTY);
    assert_eq!(rescue(&slot, true), None);
    assert_eq!(put(&slot, 2), None);
    assert_eq!(rescue(&slot, false), None);
    assert_eq!(state(&slot), KEPT_MARKED);
    assert_eq!(rescue(&slot, true), Some(2));
    assert_eq!(state(&slot), KEPT_EMPTY);
}

/// The mark that a rescuer leaves behind goes with the item.
#[test]
fn a_marked_item_is_taken_withdrawn_or_displaced() {
    if !keeps() {
        return;
    }
    let slot = kept();
    let mark = |value| {
        assert_eq!(put(&slot, value), None);
        assert_eq!(rescue(&slot, false), None);
        assert_eq!(state(&slot), KEPT_MARKED);
    };
    mark(1);
    assert_eq!(take(&slot), Some(1));
    assert_eq!(state(&slot), KEPT_EMPTY);
    mark(2);
    assert_eq!(withdraw(&slot), Some(2));
    assert_eq!(state(&slot), KEPT_EMPTY);
    mark(3);
    assert_eq!(put(&slot, 4), Some(3));
    assert_eq!(state(&slot), KEPT_MARKED);
    assert_eq!(take(&slot), Some(4));
    assert_eq!(state(&slot), KEPT_EMPTY);
    assert_eq!(put(&slot, 5), None);
    assert_eq!(withdraw(&slot), Some(5));
}

#[test]
fn dropping_the_slot_drops_the_item() {
    let count = Arc::new(AtomicUsize::new(0));
    let slots = [Some(LifoSlot::new()), keeps().then(kept)];
    let made = slots.iter().flatten().count();
    for slot in slots.into_iter().flatten() {
        // SAFETY: by the owner's thread.
        assert!(unsafe { slot.put(counted(&count)) }.is_none());
    }
    assert_eq!(count.load(Ordering::Relaxed), made);
}

/// What an owner puts in, by and by.
struct Stress {
    slot: LifoSlot<Item>,
    heartbeat: Heartbeat,
    taken: Vec<AtomicUsize>,
    total: AtomicUsize,
}

impl Stress {
    fn count(&self, item: Item) {
        self.taken[item.value() as usize].fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }

    /// By the owner.
    fn put(&self, value: usize) {
        // SAFETY: by the owner's thread.
        unsafe { self.slot.put(item(value as u64)) }.into_iter().for_each(|item| self.count(item));
    }

    /// The owner is in its loop, in polls that put things in, and out of it.
    fn own(&self, mut random: impl FnMut(usize) -> usize) {
        let mut value = 0;
        while value < self.taken.len() {
            // SAFETY: this thread is the owner, and between two polls.
            unsafe { self.slot.take_if(|| true) }.into_iter().for_each(|item| self.count(item));
            self.heartbeat.begin(1 + random(3) as u64, std::ptr::null());
            for _ in 0..random(4).min(self.taken.len() - value) {
                self.put(value);
                value += 1;
            }
            match random(64) {
                // SAFETY: by the owner's thread.
                0 => unsafe { self.slot.withdraw() }.into_iter().for_each(|item| self.count(item)),
                1 => std::thread::yield_now(),
                2..16 => (0..random(200)).for_each(|_| std::hint::spin_loop()),
                _ => {}
            }
            self.heartbeat.end();
            if random(256) == 0 {
                share(&self.slot);
                for _ in 0..random(3).min(self.taken.len() - value) {
                    self.put(value);
                    value += 1;
                }
            }
        }
        share(&self.slot);
    }

    fn rescue_until_all_are_taken(&self) {
        while self.total.load(Ordering::Relaxed) < self.taken.len() {
            // SAFETY: the heartbeat publishes what came before a poll, and its end is stored before the owner takes.
            match unsafe { self.slot.rescue(|| self.heartbeat.is_inside()) } {
                Some(item) => self.count(item),
                None => std::thread::yield_now(),
            }
        }
    }
}

#[test]
fn owner_and_rescuers_take_each_item_once() {
    watched("owner_and_rescuers_take_each_item_once", || {
        let rounds = rounds(10_000_000);
        let given = std::env::var("RUNTIME_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed: u64 = given.unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("RUNTIME_TEST_SEED={seed}, kept: {}", keeps());
        let stress = Stress {
            slot: LifoSlot::new(),
            heartbeat: Heartbeat::new(),
            taken: (0..rounds).map(|_| AtomicUsize::new(0)).collect(),
            total: AtomicUsize::new(0),
        };
        let mut state = seed | 1;
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| stress.rescue_until_all_are_taken());
            }
            stress.own(|below| {
                // G. Marsaglia's xorshift.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 33) as usize % below
            });
        });
        assert!(stress.taken.iter().all(|times| times.load(Ordering::Relaxed) == 1));
    });
}
