//! The LIFO slot gives each item to one taker.
use super::*;
use crate::watchdog::{rounds, watched};

#[test]
fn the_last_one_in_stays_and_the_one_before_comes_out() {
    let slot = LifoSlot::new();
    assert!(slot.is_empty());
    assert!(slot.take().is_none());
    assert!(slot.put(item(1)).is_none());
    assert!(!slot.is_empty());
    assert_eq!(slot.put(item(2)).map(|item| item.value()), Some(1));
    assert_eq!(slot.take().map(|item| item.value()), Some(2));
    assert!(slot.is_empty());
    assert!(slot.put(item(3)).is_none());
}

#[test]
fn dropping_the_slot_drops_the_item() {
    let count = Arc::new(AtomicUsize::new(0));
    let slot = LifoSlot::new();
    assert!(slot.put(counted(&count)).is_none());
    drop(slot);
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[test]
fn owner_and_thieves_take_each_item_once() {
    watched("owner_and_thieves_take_each_item_once", || {
        let rounds = rounds(10_000_000);
        let slot = LifoSlot::new();
        let taken: Vec<AtomicUsize> = (0..rounds).map(|_| AtomicUsize::new(0)).collect();
        let total = AtomicUsize::new(0);
        let count = |item: Item| {
            taken[item.value() as usize].fetch_add(1, Ordering::Relaxed);
            total.fetch_add(1, Ordering::Relaxed);
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while total.load(Ordering::Relaxed) < rounds {
                        match slot.take() {
                            Some(item) => count(item),
                            None => std::thread::yield_now(),
                        }
                    }
                });
            }
            for value in 0..rounds {
                slot.put(item(value as u64)).into_iter().for_each(count);
                if value % 3 == 0 {
                    slot.take().into_iter().for_each(count);
                }
            }
        });
        assert!(taken.iter().all(|times| times.load(Ordering::Relaxed) == 1));
    });
}
