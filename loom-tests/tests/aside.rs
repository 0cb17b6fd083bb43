//! A thread that turns the driver in the place of one that blocks in a local driver: `runtime/src/aside/README.md`. The drivers
//! are flags with a condition variable.
#![cfg(runtime_loom)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread::{self, JoinHandle};
use runtime::model::idle::Parker;
use runtime::model::{Aside, Hold};

fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// A driver: a block lasts until an unblock, or does not begin when one came before.
struct Selector {
    unblocked: Mutex<bool>,
    changed: Condvar,
}

impl Selector {
    fn new() -> Selector {
        Selector { unblocked: Mutex::new(false), changed: Condvar::new() }
    }

    fn unblock(&self) {
        *self.unblocked.lock().unwrap() = true;
        self.changed.notify_one();
    }

    fn block(&self) {
        let mut unblocked = self.unblocked.lock().unwrap();
        while !*unblocked {
            unblocked = self.changed.wait(unblocked).unwrap();
        }
        *unblocked = false;
    }
}

/// The right to turn the driver.
struct Token<'a>(&'a World);

impl Drop for Token<'_> {
    fn drop(&mut self) {
        self.0.token.release();
    }
}

/// A runtime without workers.
struct World {
    aside: Aside<Arc<Selector>>,
    parker: Parker,
    token: Hold,
    driver: Selector,
    /// Turns of the driver by the thread aside.
    turns: AtomicUsize,
    /// Things to do for the one thread.
    work: AtomicUsize,
    closed: AtomicBool,
}

impl World {
    /// The calling thread is the one.
    fn new() -> Arc<World> {
        let world = World {
            aside: Aside::new(),
            parker: Parker::new(),
            token: Hold::new(),
            driver: Selector::new(),
            turns: AtomicUsize::new(0),
            work: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        };
        world.parker.adopt();
        Arc::new(world)
    }

    /// The thread, if it was not there.
    fn want(self: &Arc<World>) -> Option<JoinHandle<()>> {
        let mut started = None;
        let wanted = self.aside.want(|| {
            let world = Arc::clone(self);
            started = Some(thread::spawn(move || world.turn_aside()));
            Ok::<(), ()>(())
        });
        wanted.expect("threads can be had");
        started
    }

    fn try_take(&self) -> Option<Token<'_>> {
        self.token.try_take().then(|| Token(self))
    }

    fn turn_aside(&self) {
        self.aside.turn_while_wanted(
            || self.closed.load(Ordering::Acquire),
            || self.try_take(),
            |token| {
                self.driver.block();
                // What it wakes is for the one thread to do.
                self.turns.fetch_add(1, Ordering::Relaxed);
                self.unpark();
                drop(token);
            },
            || self.unpark(),
        );
    }

    fn end(&self) {
        self.aside.end(|| self.driver.unblock());
    }

    fn unpark(&self) {
        self.parker.unpark(|| match self.aside.unblocker() {
            Some(local) => local.unblock(),
            None => self.driver.unblock(),
        });
    }

    /// As the one thread blocks without a local driver.
    fn wait(&self) {
        let Some(token) = self.try_take() else {
            return self.parker.park();
        };
        if self.parker.begin_driver() {
            self.driver.block();
            self.parker.end_driver();
        }
        drop(token);
    }

    /// As it blocks in one.
    fn wait_in(&self, local: &Arc<Selector>) {
        self.aside.block_elsewhere(&self.parker, Some(Arc::clone(local)), |may_block| {
            if may_block {
                local.block();
            }
        });
    }

    fn make_work(&self) {
        self.work.fetch_add(1, Ordering::Relaxed);
        self.unpark();
    }
}

#[test]
fn a_thread_that_is_wanted_no_more_ends_and_the_driver_is_free() {
    model(3, || {
        let world = World::new();
        let aside = world.want().expect("it was not there");
        world.end();
        world.wait();
        aside.join().unwrap();
        assert!(world.try_take().is_some());
    });
}

#[test]
fn a_thread_that_is_wanted_again_while_it_ends_is_there() {
    model(2, || {
        let world = World::new();
        let first = world.want().expect("it was not there");
        world.end();
        let second = world.want();
        let seen = world.turns.load(Ordering::Relaxed);
        // An event.
        world.driver.unblock();
        while world.turns.load(Ordering::Relaxed) == seen {
            world.parker.park();
        }
        world.end();
        first.join().unwrap();
        if let Some(second) = second {
            second.join().unwrap();
        }
        assert!(world.try_take().is_some());
    });
}

#[test]
fn a_runtime_that_is_closed_has_no_thread_left_in_the_driver() {
    model(3, || {
        let world = World::new();
        let aside = world.want().expect("it was not there");
        world.closed.store(true, Ordering::Release);
        world.driver.unblock();
        aside.join().unwrap();
        assert!(world.try_take().is_some());
    });
}

#[test]
fn whoever_unparks_ends_the_block_that_the_thread_is_in() {
    model(3, || {
        let world = World::new();
        let other = Arc::clone(&world);
        let other = thread::spawn(move || {
            other.make_work();
            other.make_work();
        });
        let local = Arc::new(Selector::new());
        let mut in_local = true;
        while world.work.load(Ordering::Relaxed) < 2 {
            if in_local {
                world.wait_in(&local);
            } else {
                world.wait();
            }
            in_local = !in_local;
        }
        other.join().unwrap();
    });
}

#[test]
fn what_the_thread_finds_ends_a_block_in_the_local_driver() {
    model(2, || {
        let world = World::new();
        let aside = world.want().expect("it was not there");
        // An event.
        world.driver.unblock();
        let local = Arc::new(Selector::new());
        while world.turns.load(Ordering::Relaxed) == 0 {
            world.wait_in(&local);
        }
        world.end();
        aside.join().unwrap();
    });
}
