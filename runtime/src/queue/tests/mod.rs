//! Promises of the queues.
mod batch;
mod injector;
mod lifo;
mod local;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// An item that is its own node.
#[derive(Debug)]
pub(crate) struct Item(Box<Node>);

#[derive(Debug)]
pub(crate) struct Node {
    next: AtomicPtr<Node>,
    value: u64,
    on_drop: OnDrop,
}

#[derive(Debug, Default)]
enum OnDrop {
    #[default]
    Nothing,
    Count(Arc<AtomicUsize>),
    CountAndPanic(Arc<AtomicUsize>),
}

impl Drop for Node {
    fn drop(&mut self) {
        match &self.on_drop {
            OnDrop::Nothing => {}
            OnDrop::Count(count) => drop(count.fetch_add(1, Ordering::Relaxed)),
            OnDrop::CountAndPanic(count) => {
                count.fetch_add(1, Ordering::Relaxed);
                panic!("as told");
            }
        }
    }
}

#[allow(unsafe_code)]
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
    fn value(&self) -> u64 {
        self.0.value
    }
}

pub(crate) fn item(value: u64) -> Item {
    Item(Box::new(Node { next: AtomicPtr::default(), value, on_drop: OnDrop::Nothing }))
}

fn counted(count: &Arc<AtomicUsize>) -> Item {
    let on_drop = OnDrop::Count(Arc::clone(count));
    Item(Box::new(Node { next: AtomicPtr::default(), value: 0, on_drop }))
}

fn panicking(count: &Arc<AtomicUsize>) -> Item {
    let on_drop = OnDrop::CountAndPanic(Arc::clone(count));
    Item(Box::new(Node { next: AtomicPtr::default(), value: 0, on_drop }))
}

fn values(items: impl Iterator<Item = Item>) -> Vec<u64> {
    items.map(|item| item.value()).collect()
}

fn batch_of(values: impl IntoIterator<Item = u64>) -> Batch<Item> {
    let mut batch = Batch::new();
    values.into_iter().for_each(|value| batch.push(item(value)));
    batch
}
