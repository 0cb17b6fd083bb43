//! The LIFO slot: owner and thief never get the same item, none is lost, each is whole. See
//! `runtime/src/queue/README.md`.
#![cfg(runtime_loom)]

use loom::sync::Arc;
use loom::thread;
use runtime::model::queue::LifoSlot;

#[path = "support/item.rs"]
mod item;

use item::Item;

fn thieves(slot: &Arc<LifoSlot<Item>>, count: usize) -> Vec<thread::JoinHandle<Option<u32>>> {
    let thief = |_| {
        let slot = Arc::clone(slot);
        thread::spawn(move || slot.take().map(Item::value))
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
            seen.extend(slot.put(Item::new(number)).map(Item::value));
        }
        if owner_takes {
            seen.extend(slot.take().map(Item::value));
            seen.extend(slot.put(Item::new(puts)).map(Item::value));
        }
        seen.extend(thieves.into_iter().filter_map(|thief| thief.join().unwrap()));
        seen.extend(slot.take().map(Item::value));
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
