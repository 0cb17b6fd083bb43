//! The LIFO slot: owner and thief never get the same item, none is lost, each is whole. See
//! `runtime/src/queue/README.md`.
#![cfg(runtime_loom)]

use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicPtr;
use loom::thread;
use runtime::model::queue::{LifoSlot, Linked};

/// An item that loom sees being written by the owner, and read by whoever takes it.
struct Item(Box<UnsafeCell<u32>>);

// SAFETY: an item is owned by one thread at a time; that its handing over is ordered is what loom checks.
unsafe impl Send for Item {}

// SAFETY: the box is the only handle of its node; the slot uses no link.
unsafe impl Linked for Item {
    type Node = UnsafeCell<u32>;

    fn into_raw(self) -> NonNull<Self::Node> {
        NonNull::from(Box::leak(self.0))
    }

    unsafe fn from_raw(node: NonNull<Self::Node>) -> Self {
        // SAFETY: made by `into_raw` from a box, and not taken back before.
        Item(unsafe { Box::from_raw(node.as_ptr()) })
    }

    unsafe fn link<'a>(_: NonNull<Self::Node>) -> &'a AtomicPtr<Self::Node> {
        unreachable!("a slot holds one item")
    }
}

fn item(value: u32) -> Item {
    Item(Box::new(UnsafeCell::new(value)))
}

fn value(item: Item) -> u32 {
    // SAFETY: we own the item; loom checks that the owner of the slot is done with it.
    item.0.with(|value| unsafe { *value })
}

fn thieves(slot: &Arc<LifoSlot<Item>>, count: usize) -> Vec<thread::JoinHandle<Option<u32>>> {
    let thief = |_| {
        let slot = Arc::clone(slot);
        thread::spawn(move || slot.take().map(value))
    };
    (0..count).map(thief).collect()
}

fn check(preemptions: usize, thieves_count: usize, puts: u32, owner_takes: bool) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        let slot = Arc::new(LifoSlot::new());
        let thieves = thieves(&slot, thieves_count);
        let mut seen = Vec::new();
        for number in 0..puts {
            seen.extend(slot.put(item(number)).map(value));
        }
        if owner_takes {
            seen.extend(slot.take().map(value));
            seen.extend(slot.put(item(puts)).map(value));
        }
        seen.extend(thieves.into_iter().filter_map(|thief| thief.join().unwrap()));
        seen.extend(slot.take().map(value));
        seen.sort_unstable();
        assert_eq!(seen, (0..puts + u32::from(owner_takes)).collect::<Vec<_>>());
        assert!(slot.is_empty());
    });
}

#[test]
fn owner_and_thief_share_out_what_the_owner_puts_in() {
    check(3, 1, 3, false);
}

#[test]
fn owner_and_thief_that_take_at_once_get_different_items() {
    check(3, 1, 1, true);
}

#[test]
fn two_thieves_get_different_items() {
    check(3, 2, 2, true);
}
