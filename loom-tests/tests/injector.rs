//! The injector: each item comes out once, in its producer's order, whole; it does not seem empty while items move;
//! nothing falls between push and close; who is not told need not be. See `runtime/src/queue/README.md`.
#![cfg(runtime_loom)]

use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicPtr;
use loom::thread;
use runtime::model::idle::{Idle, Park, Parker, Woken};
use runtime::model::queue::{Injector, Linked, Pushed};

fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// An item that loom sees being written by its producer, and read by its consumer.
struct Item(Box<Node>);

struct Node {
    next: AtomicPtr<Node>,
    value: UnsafeCell<u32>,
}

// SAFETY: an item is owned by one thread at a time; that its handing over is ordered is what loom checks.
unsafe impl Send for Item {}

// SAFETY: the box is the only handle of its node; the link is a field of it that nothing else uses.
unsafe impl Linked for Item {
    type Node = Node;

    fn into_raw(self) -> NonNull<Node> {
        NonNull::from(Box::leak(self.0))
    }

    unsafe fn from_raw(node: NonNull<Node>) -> Self {
        // SAFETY: made by `into_raw` from a box, and not taken back before.
        Item(unsafe { Box::from_raw(node.as_ptr()) })
    }

    unsafe fn link<'a>(node: NonNull<Node>) -> &'a AtomicPtr<Node> {
        // SAFETY: the node lives until the queue gives it back.
        let node: &'a Node = unsafe { node.as_ref() };
        &node.next
    }
}

impl Item {
    fn new(value: u32) -> Item {
        Item(Box::new(Node { next: AtomicPtr::new(std::ptr::null_mut()), value: UnsafeCell::new(value) }))
    }

    fn value(&self) -> u32 {
        // SAFETY: we own the item; loom checks that its producer is done with it.
        self.0.value.with(|value| unsafe { *value })
    }
}

fn is_first(pushed: Pushed<Item>) -> bool {
    match pushed {
        Pushed::First => true,
        Pushed::Behind => false,
        Pushed::Closed(_) => panic!("it is open"),
    }
}

fn pop(injector: &Injector<Item>, max: usize) -> Vec<u32> {
    injector.pop_batch(max, 1).map(|item| item.value()).collect()
}

#[test]
fn items_of_two_producers_come_out_once_and_in_order() {
    check(2, || {
        let injector = Arc::new(Injector::new());
        let producer = {
            let injector = Arc::clone(&injector);
            thread::spawn(move || {
                assert!(matches!(injector.push(Item::new(10)), Pushed::First | Pushed::Behind));
                assert!(matches!(injector.push(Item::new(11)), Pushed::First | Pushed::Behind));
            })
        };
        let consumer = {
            let injector = Arc::clone(&injector);
            thread::spawn(move || pop(&injector, 2))
        };
        let _ = is_first(injector.push(Item::new(20)));
        producer.join().unwrap();
        let mut seen = consumer.join().unwrap();
        seen.extend(pop(&injector, 9));
        assert!(injector.is_empty());
        let of = |producer| seen.iter().copied().filter(move |value| value / 10 == producer);
        assert_eq!(of(1).collect::<Vec<_>>(), [10, 11]);
        assert_eq!(of(2).collect::<Vec<_>>(), [20]);
    });
}

#[test]
fn items_of_two_consumers_are_different() {
    check(2, || {
        let injector = Arc::new(Injector::new());
        let _ = is_first(injector.push(Item::new(0)));
        let _ = is_first(injector.push(Item::new(1)));
        let consumers: Vec<_> = (0..2)
            .map(|_| {
                let injector = Arc::clone(&injector);
                thread::spawn(move || pop(&injector, 1))
            })
            .collect();
        let _ = is_first(injector.push(Item::new(2)));
        let mut seen: Vec<_> = consumers.into_iter().flat_map(|consumer| consumer.join().unwrap()).collect();
        assert_eq!(seen.len(), 2, "there were enough for both");
        seen.extend(pop(&injector, 9));
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    });
}

#[test]
fn it_does_not_seem_empty_while_an_item_moves() {
    check(3, || {
        let injector = Arc::new(Injector::new());
        let _ = is_first(injector.push_to_stack(Item::new(0)));
        let _ = is_first(injector.push_to_stack(Item::new(1)));
        // A worker that goes to sleep. It is not this thread, which runs first: of the accesses that a swap depends on
        // loom goes back to the last one only, and that would be the consumer's own look.
        let sleeper = {
            let injector = Arc::clone(&injector);
            thread::spawn(move || injector.is_empty())
        };
        assert_eq!(pop(&injector, 1), [0]);
        // One of the two is left.
        assert!(!sleeper.join().unwrap());
        assert!(!injector.is_empty());
        assert_eq!(pop(&injector, 1), [1]);
        assert!(injector.is_empty());
    });
}

#[test]
fn it_does_not_seem_empty_while_another_is_put_behind_an_item_that_moves() {
    check(3, || {
        let injector = Arc::new(Injector::new());
        let _ = is_first(injector.push_to_stack(Item::new(0)));
        let sleeper = {
            let injector = Arc::clone(&injector);
            thread::spawn(move || injector.is_empty())
        };
        let _ = is_first(injector.push(Item::new(1)));
        assert!(!sleeper.join().unwrap());
        assert_eq!(pop(&injector, 2), [0, 1]);
    });
}

#[test]
fn a_push_that_meets_the_close_is_refused_or_given_out() {
    check(3, || {
        let injector = Arc::new(Injector::new());
        let _ = is_first(injector.push(Item::new(0)));
        let producer = {
            let injector = Arc::clone(&injector);
            thread::spawn(move || match injector.push(Item::new(1)) {
                Pushed::First | Pushed::Behind => None,
                Pushed::Closed(item) => Some(item.value()),
            })
        };
        let mut seen: Vec<_> = injector.close().map(|item| item.value()).collect();
        seen.extend(producer.join().unwrap());
        assert_eq!(seen, [0, 1]);
        assert!(matches!(injector.push(Item::new(2)), Pushed::Closed(_)));
        assert!(injector.close().is_empty());
    });
}

#[test]
fn length_may_be_asked_at_any_time() {
    check(3, || {
        let injector = Arc::new(Injector::new());
        let _ = is_first(injector.push(Item::new(0)));
        let asker = {
            let injector = Arc::clone(&injector);
            thread::spawn(move || injector.len())
        };
        let _ = is_first(injector.push(Item::new(1)));
        assert_eq!(pop(&injector, 1), [0]);
        assert!(asker.join().unwrap() <= 2);
        assert_eq!(injector.len(), 1);
    });
}

/// Two producers notify only of what they pushed first; one worker must get both items, however little it takes.
fn told_enough(max: usize, push: fn(&Injector<Item>, Item) -> Pushed<Item>) {
    check(2, move || {
        let pool = Arc::new((Idle::new(1), Parker::new(), Injector::new()));
        assert!(!pool.0.join(0));
        let wake = |pool: &(Idle, Parker, Injector<Item>), woken: Option<Woken>| {
            if woken.is_some() {
                pool.1.unpark(|| panic!("there is no driver"));
            }
        };
        let worker = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let (idle, parker, injector) = &*pool;
                parker.adopt();
                let (mut searching, mut seen) = (false, 0);
                while seen < 2 {
                    seen += pop(injector, max).len();
                    if seen == 2 {
                        break;
                    }
                    searching = match idle.park(0, searching, || !injector.is_empty()) {
                        Park::Sleep => {
                            parker.park();
                            idle.leave(0).searching
                        }
                        Park::WorkFound { .. } | Park::Claimed => true,
                    };
                }
            })
        };
        let producer = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                if is_first(push(&pool.2, Item::new(1))) {
                    wake(&pool, pool.0.notify());
                }
            })
        };
        if is_first(push(&pool.2, Item::new(0))) {
            wake(&pool, pool.0.notify());
        }
        producer.join().unwrap();
        worker.join().unwrap();
        assert!(pool.2.is_empty());
    });
}

#[test]
fn a_worker_that_takes_all_is_told_enough() {
    told_enough(2, Injector::push);
}

#[test]
fn a_worker_that_takes_one_at_a_time_is_told_enough() {
    told_enough(1, Injector::push);
}

#[test]
fn a_worker_that_takes_all_of_the_stack_is_told_enough() {
    told_enough(2, Injector::push_to_stack);
}

#[test]
fn a_worker_that_takes_one_at_a_time_from_the_stack_is_told_enough() {
    told_enough(1, Injector::push_to_stack);
}
