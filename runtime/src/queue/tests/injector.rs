//! The injector: first in, first out for each producer, nothing lost, closed for good.
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::*;
use crate::watchdog::{rounds, soak, watched};

fn first(pushed: Pushed<Item>) -> bool {
    match pushed {
        Pushed::First => true,
        Pushed::Behind => false,
        Pushed::Closed(item) => panic!("{item:?} was refused"),
    }
}

fn push_all(injector: &Injector<Item>, values: impl IntoIterator<Item = u64>) {
    for value in values {
        let _ = first(injector.push(item(value)));
    }
}

fn push_all_to_stack(injector: &Injector<Item>, values: impl IntoIterator<Item = u64>) {
    for value in values {
        let _ = first(injector.push_to_stack(item(value)));
    }
}

#[test]
fn list_and_stack_are_one_queue() {
    let injector = Injector::new();
    push_all(&injector, 0..2);
    assert!(first(injector.push_to_stack(item(2))), "it cannot see the list");
    assert!(!first(injector.push_to_stack(item(3))));
    assert!(!first(injector.push(item(4))));
    push_all_to_stack(&injector, 5..7);
    assert!(matches!(injector.push_batch(batch_of(7..9)), Pushed::Behind));
    push_all_to_stack(&injector, 9..11);
    assert_eq!(injector.len(), 11);
    assert_eq!(values(injector.pop_batch(1, 1)), [0]);
    assert_eq!(values(injector.pop_batch(usize::MAX, 1)), (1..11).collect::<Vec<_>>());
    push_all_to_stack(&injector, 11..13);
    push_all(&injector, 13..14);
    push_all_to_stack(&injector, 14..16);
    assert_eq!(values(injector.close()), (11..16).collect::<Vec<_>>());
    assert!(matches!(injector.push_to_stack(item(16)), Pushed::Closed(_)));
}

#[test]
fn only_the_first_push_asks_for_a_notice() {
    let injector = Injector::new();
    assert!(injector.is_empty());
    assert!(first(injector.push(item(0))));
    assert!(!first(injector.push(item(1))));
    assert_eq!(values(injector.pop_batch(1, 1)), [0]);
    // The rest is in the list: its consumer was told that some are left.
    assert!(!injector.is_empty());
    assert!(!first(injector.push(item(2))));
    assert!(!first(injector.push(item(3))));
    assert_eq!(values(injector.pop_batch(9, 1)), [1, 2, 3]);
    assert!(injector.is_empty());
}

#[test]
fn who_takes_less_than_all_is_told() {
    let injector = Injector::new();
    push_all(&injector, 0..5);
    let batch = injector.pop_batch(2, 1);
    assert!(batch.left_some());
    drop(batch);
    let batch = injector.pop_batch(3, 1);
    assert!(!batch.left_some());
    assert_eq!(values(batch), [2, 3, 4]);
    let batch = injector.pop_batch(3, 1);
    assert!(batch.is_empty() && !batch.left_some());
}

#[test]
fn sharers_leave_some_for_each_other() {
    let injector = Injector::new();
    push_all(&injector, 0..10);
    assert_eq!(values(injector.pop_batch(usize::MAX, 4)), [0, 1, 2]);
    assert_eq!(values(injector.pop_batch(usize::MAX, 4)), [3, 4]);
    assert_eq!(values(injector.pop_batch(1, 2)), [5]);
    assert_eq!(values(injector.pop_batch(usize::MAX, usize::MAX)), [6]);
    assert_eq!(values(injector.pop_batch(usize::MAX, 0)), [7, 8, 9]);
}

#[test]
fn a_batch_comes_out_in_order_between_its_neighbours() {
    let injector = Injector::new();
    assert!(first(injector.push(item(0))));
    assert!(matches!(injector.push_batch(batch_of(1..4)), Pushed::Behind));
    assert!(matches!(injector.push_batch(Batch::new()), Pushed::Behind));
    assert!(!first(injector.push(item(4))));
    assert_eq!(values(injector.pop_batch(usize::MAX, 1)), [0, 1, 2, 3, 4]);
    assert!(matches!(injector.push_batch(batch_of(5..7)), Pushed::First));
    assert_eq!(values(injector.pop_batch(usize::MAX, 1)), [5, 6]);
}

#[test]
fn length_counts_stack_and_list() {
    let injector = Injector::new();
    assert_eq!(injector.len(), 0);
    push_all(&injector, 0..5);
    assert_eq!(injector.len(), 5);
    drop(injector.pop_batch(2, 1));
    push_all_to_stack(&injector, 0..4);
    assert_eq!(injector.len(), 7);
    drop(injector.close());
    assert_eq!(injector.len(), 0);
}

#[test]
fn closing_gives_out_everything_and_refuses_the_rest() {
    let injector = Injector::new();
    push_all(&injector, 0..5);
    assert_eq!(values(injector.pop_batch(2, 1)), [0, 1]);
    push_all(&injector, 5..8);
    assert_eq!(values(injector.close()), [2, 3, 4, 5, 6, 7]);
    assert!(injector.is_empty());
    let Pushed::Closed(refused) = injector.push(item(9)) else { panic!("it is closed") };
    assert_eq!(refused.value(), 9);
    let Pushed::Closed(refused) = injector.push_batch(batch_of(10..13)) else { panic!("it is closed") };
    assert_eq!(values(refused), [10, 11, 12]);
    assert!(injector.pop_batch(usize::MAX, 1).is_empty());
    assert!(injector.close().is_empty());
}

#[test]
fn dropping_the_injector_drops_what_is_in_it() {
    let count = Arc::new(AtomicUsize::new(0));
    let injector = Injector::new();
    for _ in 0..5 {
        let _ = first(injector.push(counted(&count)));
    }
    drop(injector.pop_batch(1, 1));
    assert!(first(injector.push_to_stack(counted(&count))));
    drop(injector);
    assert_eq!(count.load(Ordering::Relaxed), 6);
}

#[test]
fn what_one_thread_pushes_comes_out_in_its_order() {
    watched("what_one_thread_pushes_comes_out_in_its_order", || {
        const PRODUCERS: u64 = 3;
        let each = rounds(10_000_000) as u64;
        let injector = Injector::new();
        std::thread::scope(|scope| {
            for producer in 0..PRODUCERS {
                let injector = &injector;
                scope.spawn(move || {
                    let mut next = 0;
                    while next < each {
                        // Singly and in batches, by turns.
                        let len = (next % 3 + 1).min(each - next);
                        let numbered = (next..next + len).map(|number| producer << 32 | number);
                        if len == 1 {
                            push_all(injector, numbered);
                        } else {
                            assert!(!matches!(injector.push_batch(batch_of(numbered)), Pushed::Closed(_)));
                        }
                        next += len;
                    }
                });
            }
            let mut expected = [0; PRODUCERS as usize];
            while expected.iter().sum::<u64>() < PRODUCERS * each {
                for item in injector.pop_batch(5, 1) {
                    let (producer, number) =
                        ((item.value() >> 32) as usize, item.value() & u64::from(u32::MAX));
                    assert_eq!(number, expected[producer]);
                    expected[producer] += 1;
                }
            }
        });
        assert!(injector.is_empty());
    });
}

#[test]
fn an_item_pushed_while_it_closes_is_either_refused_or_given_out() {
    watched("an_item_pushed_while_it_closes_is_either_refused_or_given_out", || {
        for _ in 0..rounds(100_000) {
            let injector = Injector::new();
            let (accepted, popped) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let closed = AtomicBool::new(false);
            let drained = std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !matches!(injector.push(item(0)), Pushed::Closed(_)) {
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                    assert!(closed.load(Ordering::Relaxed));
                });
                popped.fetch_add(injector.pop_batch(3, 1).count(), Ordering::Relaxed);
                closed.store(true, Ordering::Relaxed);
                injector.close().count()
            });
            assert_eq!(accepted.into_inner(), popped.into_inner() + drained);
        }
    });
}

#[test]
fn it_does_not_seem_empty_while_an_item_moves_from_stack_to_list() {
    watched("it_does_not_seem_empty_while_an_item_moves_from_stack_to_list", || {
        // Each round waits twice for the other thread, which beside others that compute takes as long as their turns do.
        let most = Duration::from_secs(if soak() { 1800 } else { 10 });
        let (rounds, began) = (rounds(1_000_000), Instant::now());
        let over = AtomicBool::new(false);
        let injector = Injector::new();
        let (round, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1..=rounds {
                    while round.load(Ordering::Acquire) < number {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        std::thread::yield_now();
                    }
                    // Of the two items of this round only one is taken before we say that we have looked.
                    for _ in 0..50 {
                        assert!(!injector.is_empty());
                    }
                    seen.store(number, Ordering::Release);
                }
            });
            for number in 1..=rounds {
                if began.elapsed() >= most {
                    break;
                }
                push_all_to_stack(&injector, 0..2);
                round.store(number, Ordering::Release);
                assert_eq!(injector.pop_batch(1, 1).len(), 1);
                while seen.load(Ordering::Acquire) < number {
                    std::thread::yield_now();
                }
                assert_eq!(injector.pop_batch(2, 1).len(), 1);
            }
            over.store(true, Ordering::Relaxed);
        });
    });
}
