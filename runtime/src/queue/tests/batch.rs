//! A batch keeps order and drops what is left in it.
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

#[test]
fn items_come_out_in_the_order_they_went_in() {
    for len in 0..4 {
        let batch = batch_of(0..len);
        assert_eq!(batch.len(), len as usize);
        assert_eq!(batch.is_empty(), len == 0);
        assert_eq!(values(batch), (0..len).collect::<Vec<_>>());
    }
}

#[test]
fn a_batch_that_was_emptied_can_be_filled_again() {
    let mut batch = batch_of(0..3);
    assert_eq!(values(batch.by_ref()), [0, 1, 2]);
    batch.push(item(7));
    batch.push(item(8));
    assert_eq!(values(batch), [7, 8]);
}

#[test]
fn dropping_a_batch_drops_each_item_once() {
    let count = Arc::new(AtomicUsize::new(0));
    let mut batch = Batch::new();
    (0..5).for_each(|_| batch.push(counted(&count)));
    drop(batch.next());
    assert_eq!(count.load(Ordering::Relaxed), 1);
    drop(batch);
    assert_eq!(count.load(Ordering::Relaxed), 5);
}

#[test]
fn an_item_that_panics_when_dropped_does_not_keep_the_others() {
    let count = Arc::new(AtomicUsize::new(0));
    let mut batch = Batch::new();
    batch.push(counted(&count));
    batch.push(panicking(&count));
    batch.push(counted(&count));
    batch.push(counted(&count));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(batch))).is_err());
    assert_eq!(count.load(Ordering::Relaxed), 4);
}
