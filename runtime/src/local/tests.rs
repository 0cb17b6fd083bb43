//! The parts of a local queue by themselves: what is in the inbox, who is told by the bell, who owns it.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use super::inbox::Inbox;
use super::{Bell, Local, Owner, Waiters};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counted() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (Arc::clone(&count), Waker::from(count))
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        std::panic::resume_unwind(Box::new("a waker's own"));
    }
}

#[test]
fn the_first_into_an_empty_inbox_is_told_and_the_order_is_kept() {
    let inbox = Inbox::new();
    let mut ready = VecDeque::from([0]);
    assert!(!inbox.has_mail());
    assert!(inbox.push(1));
    assert!(!inbox.push(2));
    assert!(inbox.has_mail());
    inbox.collect(&mut ready);
    assert!(!inbox.has_mail());
    assert!(inbox.push(3));
    inbox.collect(&mut ready);
    assert_eq!(ready, [0, 1, 2, 3]);
    ready.clear();
    assert!(inbox.push(4));
    inbox.collect(&mut ready);
    assert_eq!(ready, [4]);
}

#[test]
fn a_bell_wakes_each_waiter_once_for_each_time_that_it_armed() {
    let bell = Waiters::new();
    let (first, second, third) = (counted(), counted(), counted());
    let counts = || [&first, &second, &third].map(|(count, _)| count.0.load(Ordering::Relaxed));
    // SAFETY: this thread is the only one.
    unsafe { bell.arm(1, &first.1) };
    // SAFETY: as above.
    unsafe { bell.arm(2, &second.1) };
    // SAFETY: as above.
    unsafe { bell.arm(3, &Waker::from(Arc::new(Panics))) };
    // SAFETY: as above.
    unsafe { bell.arm(4, &third.1) };
    // Again, and with another waker in the place of the former.
    // SAFETY: as above.
    unsafe { bell.arm(1, &first.1) };
    // SAFETY: as above.
    unsafe { bell.arm(2, &third.1) };
    bell.ring();
    assert_eq!(counts(), [1, 0, 2]);
    bell.ring();
    assert_eq!(counts(), [1, 0, 2], "nobody has armed it since");
    // SAFETY: as above.
    unsafe { bell.disarm(1) };
    // SAFETY: as above.
    unsafe { bell.disarm(4) };
    // SAFETY: as above.
    unsafe { bell.ring_here() };
    assert_eq!(counts(), [1, 0, 3], "this thread's list is another one");
    // SAFETY: as above.
    unsafe { bell.arm(1, &first.1) };
    // SAFETY: as above.
    unsafe { bell.clear() };
    bell.ring();
    assert_eq!(counts(), [1, 0, 3]);
    assert_eq!(Arc::strong_count(&first.0), 2, "the count's own, and its waker's");
}

struct Silent;

impl Bell for Silent {
    fn ring(&self) {}
}

#[test]
fn a_queue_has_one_owner_at_a_time_and_none_after_its_end() {
    let local = Arc::new(Local::new(Silent));
    let owner = Owner::of(&local).expect("it was nobody's");
    assert!(Owner::of(&local).is_none());
    let task = Local::spawn_here(&local, std::future::pending::<()>(), crate::task::Label::caller(), || ());
    assert_eq!(local.live(), 1);
    assert_eq!((owner.step_down(), owner.step_down(), owner.end()), (1, 0, 0));
    assert!(task.is_finished());
    let next = std::thread::spawn({
        let local = Arc::clone(&local);
        move || Owner::of(&local).map(|owner| owner.end())
    });
    assert_eq!(next.join().unwrap(), Some(0));
    assert!(Owner::of(&local).is_none());
    assert_eq!(local.live(), 0);
    let late = Local::spawn_made(&local, || async {}, crate::task::Label::caller(), || panic!("refused"));
    assert!(late.is_finished());
}
