//! Promises of the queues.
use super::*;

/// An item that is its own node.
pub(super) struct Item(Box<Node>);

pub(super) struct Node {
    next: AtomicPtr<Node>,
    value: u64,
}

#[allow(unsafe_code)]
// SAFETY: the box is the only handle of its node; the link is a field of it.
unsafe impl Linked for Item {
    type Node = Node;

    fn into_raw(self) -> NonNull<Node> {
        NonNull::from(Box::leak(self.0))
    }

    unsafe fn from_raw(node: NonNull<Node>) -> Self {
        // SAFETY: made by `into_raw` from a box.
        Item(unsafe { Box::from_raw(node.as_ptr()) })
    }

    unsafe fn link<'a>(node: NonNull<Node>) -> &'a AtomicPtr<Node> {
        // SAFETY: the caller owns the node.
        &unsafe { node.as_ref() }.next
    }
}

pub(super) fn item(value: u64) -> Item {
    Item(Box::new(Node { next: AtomicPtr::default(), value }))
}

#[test]
fn one_producers_items_come_out_of_the_injector_in_order() {
    let injector = Injector::new();
    assert!(matches!(injector.push(item(0)), Pushed::First));
    for value in 1..100 {
        assert!(matches!(injector.push(item(value)), Pushed::Behind));
    }
    let mut expected = 0;
    while !injector.is_empty() {
        let batch = injector.pop_batch(7, 1);
        assert_eq!(batch.left_some(), !injector.is_empty());
        for item in batch {
            assert_eq!(item.0.value, expected);
            expected += 1;
        }
    }
    assert_eq!(expected, 100);
}

#[test]
fn ten_times_the_capacity_is_not_lost() {
    let injector = Injector::new();
    let (local, _stealer) = Local::new();
    for value in 0..10 * CAPACITY as u64 {
        let _ = local.push(item(value), &injector);
    }
    let mut seen: Vec<u64> = injector.close().map(|item| item.0.value).collect();
    seen.extend(std::iter::from_fn(|| local.pop()).map(|item| item.0.value));
    seen.sort_unstable();
    assert_eq!(seen, (0..10 * CAPACITY as u64).collect::<Vec<_>>());
}
