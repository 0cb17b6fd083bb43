//! The local queue: owner and thieves never get the same item, none is lost, each is whole. See
//! `runtime/src/queue/README.md`.
#![cfg(runtime_loom)]

use loom::thread;
use runtime::model::queue::{Injector, Local, Placed, Stealer};

#[path = "support/item.rs"]
mod item;

use item::Item;

fn put<const RING: usize>(queue: &Local<Item, RING>, injector: &Injector<Item>, number: u32) {
    assert!(matches!(queue.push(Item::new(number), injector), Placed::Queued), "it has room for {number}");
}

fn rest<const RING: usize>(queue: &Local<Item, RING>) -> Vec<u32> {
    std::iter::from_fn(|| queue.pop()).map(Item::value).collect()
}

/// What a thief gets in one go.
fn steal<const RING: usize>(victim: &Stealer<Item, RING>) -> Vec<u32> {
    let (own, _) = Local::<Item, RING>::new();
    let first = own.steal_from(victim).map(|stolen| stolen.item.value());
    first.into_iter().chain(rest(&own)).collect()
}

fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// The owner begins with `before` places used and given back, puts `items` in, takes one before the last of them, and what
/// is left at the end.
fn owner_against_thieves<const RING: usize>(preemptions: usize, thieves: usize, before: u32, items: u32) {
    check(preemptions, move || {
        let injector = Injector::new();
        let (queue, stealer) = Local::<Item, RING>::new();
        for number in 0..before {
            put(&queue, &injector, number);
            assert_eq!(queue.pop().map(Item::value), Some(number));
        }
        let mut seen = Vec::new();
        put(&queue, &injector, 0);
        let thief = |_| {
            let stealer = stealer.clone();
            thread::spawn(move || steal(&stealer))
        };
        let thieves: Vec<_> = (0..thieves).map(thief).collect();
        for number in 1..items {
            if number == items - 1 {
                seen.extend(queue.pop().map(Item::value));
            }
            put(&queue, &injector, number);
        }
        seen.extend(rest(&queue));
        thieves.into_iter().for_each(|thief| seen.extend(thief.join().unwrap()));
        seen.sort_unstable();
        assert_eq!(seen, (0..items).collect::<Vec<_>>());
        assert!(stealer.is_empty());
    });
}

#[test]
fn owner_and_thief_share_out_what_the_owner_puts_in() {
    owner_against_thieves::<8>(3, 1, 0, 4);
}

#[test]
fn owner_and_two_thieves_share_out_what_the_owner_puts_in() {
    owner_against_thieves::<8>(2, 2, 0, 3);
}

#[test]
fn a_place_that_is_used_again_gives_out_what_was_put_in_last() {
    owner_against_thieves::<4>(3, 1, 3, 3);
}

#[test]
fn what_a_thief_has_taken_is_stolen_from_him_when_it_is_his() {
    check(2, || {
        let injector = Injector::new();
        let (queue, stealer) = Local::<Item, 8>::new();
        (0..4).for_each(|number| put(&queue, &injector, number));
        let (middle, middle_stealer) = Local::<Item, 8>::new();
        let first = thread::spawn(move || {
            let count = middle.take_half_of(&stealer);
            (count, rest(&middle), middle)
        });
        let second = thread::spawn(move || steal(&middle_stealer));
        let mut seen: Vec<_> = queue.pop().map(Item::value).into_iter().collect();
        let (count, taken, middle) = first.join().unwrap();
        seen.extend(taken.into_iter().chain(second.join().unwrap()));
        assert_eq!(count, 2, "half of four, or of three");
        seen.extend(rest(&middle).into_iter().chain(rest(&queue)));
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3]);
    });
}
