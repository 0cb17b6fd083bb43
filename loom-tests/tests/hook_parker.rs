//! The parker behind a frame: unpark against a park on the thread or in a driver, which may change between two parks.
//! Protocol: reactor/hook/README.md, *The parker*.
#![cfg(runtime_loom)]

use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use reactor_hook::model::{forget_driver, park};
use reactor_hook::{Attendance, Driver, Parker, Turn, Unpark};

const NOT_AT_ALL: Option<Duration> = Some(Duration::ZERO);

/// A driver to which nothing happens but `unblock`.
struct Blocker {
    attendance: Attendance,
    told: Mutex<bool>,
    unblocked: Condvar,
}

impl Blocker {
    fn shared() -> Arc<dyn Driver> {
        Arc::new(Blocker {
            attendance: Attendance::new(),
            told: Mutex::new(false),
            unblocked: Condvar::new(),
        })
    }
}

impl Driver for Blocker {
    fn name(&self) -> &'static str {
        "blocker"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        let mut told = self.told.lock().unwrap();
        while !*told && timeout != NOT_AT_ALL {
            told = self.unblocked.wait(told).unwrap();
        }
        *told = false;
        Turn::Used
    }

    fn unblock(&self) {
        *self.told.lock().unwrap() = true;
        self.unblocked.notify_one();
    }

    fn abandoned(&self) {}
}

fn model(preemptions: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(f);
}

/// What is said before an unpark: to be seen after the park that it ended, though nothing else publishes it.
#[derive(Clone)]
struct Said(Arc<AtomicBool>);

impl Said {
    /// By another thread, which unparks then.
    fn by_another(parker: &Arc<Parker>) -> (Said, thread::JoinHandle<()>) {
        let said = Said(Arc::new(AtomicBool::new(false)));
        let (saying, parker) = (said.clone(), Arc::clone(parker));
        let saying = thread::spawn(move || {
            saying.0.store(true, Ordering::Relaxed);
            parker.unpark();
        });
        (said, saying)
    }

    fn is_heard(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn an_unpark_ends_a_park_of_the_thread() {
    model(3, || {
        let parker = Parker::new();
        let (said, saying) = Said::by_another(&parker);
        park(&parker, None, None);
        assert!(said.is_heard());
        saying.join().unwrap();
    });
}

#[test]
fn an_unpark_ends_a_block_in_the_driver() {
    model(3, || {
        let (parker, driver) = (Parker::new(), Blocker::shared());
        let (said, saying) = Said::by_another(&parker);
        park(&parker, Some(&driver), None);
        assert!(said.is_heard());
        saying.join().unwrap();
    });
}

#[test]
fn an_unpark_while_the_timeout_passes_is_not_lost() {
    model(3, || {
        let parker = Parker::new();
        let (said, saying) = Said::by_another(&parker);
        park(&parker, None, NOT_AT_ALL);
        while !said.is_heard() {
            park(&parker, None, None);
        }
        saying.join().unwrap();
    });
}

#[test]
fn a_token_is_taken_with_what_was_said_before_it() {
    model(3, || {
        let parker = Parker::new();
        let (said, saying) = Said::by_another(&parker);
        if parker.take_token() {
            assert!(said.is_heard());
        } else {
            park(&parker, None, None);
            assert!(said.is_heard());
        }
        saying.join().unwrap();
    });
}

#[test]
fn an_unpark_finds_the_driver_that_replaced_another() {
    model(3, || {
        let (parker, first, second) = (Parker::new(), Blocker::shared(), Blocker::shared());
        let (said, saying) = Said::by_another(&parker);
        park(&parker, Some(&first), NOT_AT_ALL);
        while !said.is_heard() {
            park(&parker, Some(&second), None);
        }
        saying.join().unwrap();
    });
}

#[test]
fn an_unpark_finds_the_thread_after_its_driver_was_forgotten() {
    model(3, || {
        let (parker, driver) = (Parker::new(), Blocker::shared());
        let (said, saying) = Said::by_another(&parker);
        park(&parker, Some(&driver), NOT_AT_ALL);
        forget_driver(&parker);
        while !said.is_heard() {
            park(&parker, None, None);
        }
        saying.join().unwrap();
    });
}

#[test]
fn an_unpark_finds_the_driver_that_was_forgotten_and_has_come_back() {
    model(3, || {
        let (parker, driver) = (Parker::new(), Blocker::shared());
        park(&parker, Some(&driver), NOT_AT_ALL);
        let (said, saying) = Said::by_another(&parker);
        park(&parker, Some(&driver), NOT_AT_ALL);
        forget_driver(&parker);
        while !said.is_heard() {
            park(&parker, Some(&driver), None);
        }
        saying.join().unwrap();
    });
}

#[test]
fn two_unparks_are_both_heard_wherever_the_thread_blocks() {
    model(2, || {
        let (parker, driver) = (Parker::new(), Blocker::shared());
        let (first, saying_first) = Said::by_another(&parker);
        let (second, saying_second) = Said::by_another(&parker);
        let mut on_the_thread = false;
        while !(first.is_heard() && second.is_heard()) {
            if on_the_thread {
                forget_driver(&parker);
                park(&parker, None, None);
            } else {
                park(&parker, Some(&driver), None);
            }
            on_the_thread = true;
        }
        saying_first.join().unwrap();
        saying_second.join().unwrap();
    });
}
