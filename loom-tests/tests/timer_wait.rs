//! An earlier deadline is inserted while somebody is about to block until a later one. Protocol: timer/README.md, *Who
//! waits*.
#![cfg(runtime_loom)]

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use reactor_hook::{DeadlineSource, Unpark};
use timer::Timers;
use timer::model::{Sleeper, at};

/// What ends a wait, before or during.
struct Token(AtomicBool);

impl Unpark for Token {
    fn unpark(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Token {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Acquire)
    }
}

fn model(f: impl Fn(Instant) + Send + Sync + 'static) {
    let origin = Instant::now();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || f(origin));
}

fn timers(origin: Instant) -> (Arc<Timers>, Arc<Token>) {
    let timers = Timers::with_origin(1, origin);
    let token = Arc::new(Token(AtomicBool::new(false)));
    (timers, token)
}

fn insert(timers: &Arc<Timers>, tick: u64) -> Sleeper {
    let mut sleeper = Sleeper::default();
    sleeper.arm(timers, 0, tick, Waker::noop());
    sleeper
}

#[test]
fn earlier_insert_is_seen_or_unparks() {
    model(|origin| {
        let (timers, token) = timers(origin);
        timers.set_unpark(Some(token.clone()));
        timers.finish_wait();
        let later = insert(&timers, 50);
        let inserting = timers.clone();
        let inserter = thread::spawn(move || insert(&inserting, 5));
        let until = timers.prepare_wait();
        let earlier = inserter.join().unwrap();
        let sleeps_past_it = until.is_none_or(|until| until > at(origin, 5));
        assert!(!sleeps_past_it || token.take(), "waits until {until:?} and nobody unparks it");
        timers.finish_wait();
        drop((later, earlier));
    });
}

#[test]
fn later_insert_does_not_unpark_one_who_blocks_until_an_earlier() {
    model(|origin| {
        let (timers, token) = timers(origin);
        timers.set_unpark(Some(token.clone()));
        let first = insert(&timers, 5);
        assert!(timers.prepare_wait().is_some());
        token.take();
        let inserting = timers.clone();
        let second = thread::spawn(move || insert(&inserting, 6)).join().unwrap();
        assert!(!token.take());
        drop((first, second));
    });
}

#[test]
fn second_wait_is_ended_as_the_first() {
    model(|origin| {
        let (timers, token) = timers(origin);
        timers.set_unpark(Some(token.clone()));
        timers.finish_wait();
        let inserting = timers.clone();
        let inserter = thread::spawn(move || insert(&inserting, 5));
        let _ = timers.prepare_wait();
        timers.finish_wait();
        token.take();
        let until = timers.prepare_wait();
        let earlier = inserter.join().unwrap();
        assert!(until.is_some() || token.take(), "waits for ever");
        drop(earlier);
    });
}

#[test]
fn new_keeper_that_says_nothing_sees_it_or_is_unparked() {
    model(|origin| {
        let (timers, token) = timers(origin);
        // As the former keeper left it.
        timers.finish_wait();
        let inserting = timers.clone();
        let inserter = thread::spawn(move || insert(&inserting, 5));
        timers.set_unpark(Some(token.clone()));
        let until = timers.next_deadline();
        let earlier = inserter.join().unwrap();
        assert!(until.is_some() || token.take(), "waits for ever");
        drop(earlier);
    });
}
