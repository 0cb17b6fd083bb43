//! The local queue: bounded, nothing lost, each item to one taker.
use std::sync::OnceLock;

use super::*;
use crate::watchdog::{rounds, watched};

const FULL: u64 = CAPACITY as u64;

fn fill(local: &Local<Item>, injector: &Injector<Item>, values: impl IntoIterator<Item = u64>) {
    for value in values {
        assert!(matches!(local.push(item(value), injector), Placed::Queued), "item {value}");
    }
}

/// As large as the scheduler's.
fn queue<T: Linked>() -> (Local<T>, Stealer<T>) {
    Local::new()
}

fn all(local: &Local<Item>) -> Vec<u64> {
    values(std::iter::from_fn(|| local.pop()))
}

#[test]
fn items_come_out_in_the_order_they_went_in() {
    let injector = Injector::new();
    let (local, stealer) = queue();
    assert!(local.is_empty() && stealer.is_empty());
    fill(&local, &injector, 0..FULL);
    assert_eq!((local.len(), stealer.len(), local.room()), (CAPACITY, CAPACITY, 0));
    assert_eq!(all(&local), (0..FULL).collect::<Vec<_>>());
    assert!(injector.is_empty());
}

#[test]
fn what_finds_a_full_queue_goes_to_the_injector_and_what_is_there_stays() {
    let injector = Injector::new();
    let (local, _stealer) = queue();
    fill(&local, &injector, 0..FULL);
    assert!(matches!(local.push(item(FULL), &injector), Placed::Spilled(Pushed::First)));
    assert!(matches!(local.push(item(FULL + 1), &injector), Placed::Spilled(Pushed::Behind)));
    assert_eq!(local.len(), CAPACITY);
    assert_eq!(values(injector.pop_batch(usize::MAX, 1)), [FULL, FULL + 1]);
    assert_eq!(all(&local), (0..FULL).collect::<Vec<_>>());
}

#[test]
fn half_of_a_victims_queue_goes_behind_the_own() {
    let injector = Injector::new();
    for (len, left) in [(0, 0), (1, 0), (2, 1), (3, 1), (8, 4), (FULL, FULL / 2)] {
        let ((victim, stealer), (thief, _)) = (queue(), queue());
        fill(&victim, &injector, 0..len);
        fill(&thief, &injector, [1000]);
        assert_eq!(thief.take_half_of(&stealer) as u64, len - left);
        assert_eq!(all(&thief), [1000].into_iter().chain(0..len - left).collect::<Vec<_>>());
        assert_eq!(all(&victim), (len - left..len).collect::<Vec<_>>());
    }
}

#[test]
fn ten_times_the_capacity_is_not_lost() {
    let injector = Injector::new();
    let (local, _stealer) = queue();
    for value in 0..10 * FULL {
        assert!(!matches!(local.push(item(value), &injector), Placed::Spilled(Pushed::Closed(_))));
    }
    let mut seen = values(injector.close());
    seen.extend(all(&local));
    seen.sort_unstable();
    assert_eq!(seen, (0..10 * FULL).collect::<Vec<_>>());
}

#[test]
fn a_spill_into_a_closed_injector_comes_back() {
    let injector = Injector::new();
    assert!(injector.close().is_empty());
    let (local, _stealer) = queue();
    fill(&local, &injector, 0..FULL);
    let Placed::Spilled(Pushed::Closed(refused)) = local.push(item(FULL), &injector) else {
        panic!("it is closed")
    };
    assert_eq!(refused.value(), FULL);
    assert_eq!(all(&local), (0..FULL).collect::<Vec<_>>());
}

#[test]
fn a_thief_takes_half_and_runs_the_oldest() {
    let injector = Injector::new();
    for (len, left) in [(1, 0), (2, 1), (3, 1), (8, 4), (FULL, FULL / 2)] {
        let ((victim, stealer), (thief, _)) = (queue(), queue());
        fill(&victim, &injector, 0..len);
        let stolen = thief.steal_from(&stealer).expect("there are some");
        assert_eq!(stolen.item.value(), 0);
        assert_eq!(stolen.more as u64, len - left - 1);
        assert_eq!(all(&thief), (1..len - left).collect::<Vec<_>>());
        assert_eq!(all(&victim), (len - left..len).collect::<Vec<_>>());
        assert!(thief.steal_from(&stealer).is_none());
    }
}

#[test]
fn batches_from_the_injector_find_room_beside_a_full_queue() {
    let injector = Injector::new();
    let (local, _stealer) = queue();
    fill(&local, &injector, 0..FULL);
    assert_eq!((local.room(), local.space()), (0, CAPACITY));
    local.extend(batch_of(FULL..2 * FULL));
    assert_eq!((local.len(), local.room(), local.space()), (2 * CAPACITY, 0, 0));
    assert!(matches!(local.push(item(2 * FULL), &injector), Placed::Spilled(Pushed::First)));
    assert_eq!(all(&local), (0..2 * FULL).collect::<Vec<_>>());
}

#[test]
fn a_place_is_passed_when_all_before_it_have_left() {
    let injector = Injector::new();
    let (local, _stealer) = queue();
    assert!(local.has_passed(local.next_place()));
    fill(&local, &injector, 0..2);
    let place = local.next_place();
    fill(&local, &injector, 2..3);
    for left in [2, 1] {
        assert!(!local.has_passed(place), "{left} are before it");
        local.pop().unwrap();
    }
    assert!(local.has_passed(place));
    all(&local);
    assert!(local.has_passed(place));
}

#[test]
fn what_is_not_urgent_is_refused_by_a_queue_that_is_half_full() {
    let injector = Injector::new();
    let (local, _stealer) = queue();
    fill(&local, &injector, 0..FULL / 2 - 1);
    assert!(!local.is_crowded());
    assert!(local.push_unless_crowded(item(FULL)).is_ok());
    assert!(local.is_crowded());
    assert_eq!(local.push_unless_crowded(item(0)).map_err(|item| item.value()), Err(0));
    assert_eq!(all(&local).last(), Some(&FULL));
}

#[test]
fn a_thief_whose_ring_is_full_takes_nothing() {
    let injector = Injector::new();
    let ((victim, stealer), (thief, _)) = (queue(), queue());
    fill(&victim, &injector, 0..8);
    thief.extend(batch_of(0..2 * FULL - 1));
    assert_eq!(thief.take_half_of(&stealer), 1);
    assert_eq!(thief.take_half_of(&stealer), 0);
    assert_eq!((victim.len(), thief.len()), (7, 2 * CAPACITY));
}

#[test]
fn a_batch_from_the_injector_goes_behind_the_queue() {
    let injector = Injector::new();
    let (local, _stealer) = queue();
    fill(&local, &injector, [7]);
    local.extend(batch_of(8..10));
    assert_eq!(all(&local), [7, 8, 9]);
}

#[test]
fn dropping_the_queue_drops_what_is_in_it() {
    let count = Arc::new(AtomicUsize::new(0));
    let injector = Injector::new();
    let (local, stealer) = queue();
    (0..3).for_each(|_| drop(local.push(counted(&count), &injector)));
    drop(local.pop());
    drop(local);
    drop(stealer);
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

/// Nodes that outlive the test, so that one that is given out twice shows as a count and not as a crash.
#[derive(Clone, Copy, Debug)]
struct Marked(&'static Mark);

#[derive(Debug, Default)]
struct Mark {
    next: AtomicPtr<Mark>,
    taken: AtomicUsize,
}

#[allow(unsafe_code)]
// SAFETY: marks are never freed. That each is in one queue at a time is what the test looks into; a second handle
// could only spoil the links.
unsafe impl Linked for Marked {
    type Node = Mark;

    fn into_raw(self) -> NonNull<Mark> {
        NonNull::from(self.0)
    }

    unsafe fn from_raw(node: NonNull<Mark>) -> Self {
        // SAFETY: marks are never freed, and shared only.
        Marked(unsafe { node.as_ref() })
    }

    unsafe fn link<'a>(node: NonNull<Mark>) -> &'a AtomicPtr<Mark> {
        // SAFETY: marks are never freed, and shared only.
        let mark: &'a Mark = unsafe { node.as_ref() };
        &mark.next
    }
}

#[test]
fn one_owner_and_many_thieves_take_each_item_once() {
    watched("one_owner_and_many_thieves_take_each_item_once", || {
        const THIEVES: usize = 3;
        let items = rounds(100_000_000);
        // In a soak the nodes are used again, round by round.
        let in_a_round = items.min(1_000_000);
        // In a static, so that the leak check finds them in use.
        static MARKS: OnceLock<Vec<Mark>> = OnceLock::new();
        let marks = MARKS.get_or_init(|| (0..in_a_round).map(|_| Mark::default()).collect());
        for round in 1..=items / in_a_round {
            let injector = Injector::new();
            let (local, stealer) = queue();
            let total = AtomicUsize::new(0);
            let take = |Marked(mark): Marked| {
                assert_eq!(mark.taken.fetch_add(1, Ordering::Relaxed), round - 1, "taken twice");
                total.fetch_add(1, Ordering::Relaxed);
            };
            std::thread::scope(|scope| {
                for _ in 0..THIEVES {
                    scope.spawn(|| {
                        let (own, _) = queue();
                        while total.load(Ordering::Relaxed) < in_a_round {
                            if let Some(stolen) = own.steal_from(&stealer) {
                                take(stolen.item);
                            } else {
                                own.extend(injector.pop_batch(own.room(), THIEVES));
                            }
                            std::iter::from_fn(|| own.pop()).for_each(take);
                        }
                    });
                }
                for (index, mark) in marks.iter().enumerate() {
                    let placed = local.push(Marked(mark), &injector);
                    assert!(!matches!(placed, Placed::Spilled(Pushed::Closed(_))));
                    // Bursts of pushes, then a few pops: both ends meet, and the queue fills up now and then.
                    if index % 1024 > 600 {
                        local.pop().into_iter().for_each(take);
                    }
                }
                std::iter::from_fn(|| local.pop()).for_each(take);
            });
            assert_eq!(total.into_inner(), in_a_round);
            assert!(marks.iter().all(|mark| mark.taken.load(Ordering::Relaxed) == round));
        }
    });
}
