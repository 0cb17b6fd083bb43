//! When the supervisor looks next, with the idle set that tells who may put that off. `runtime/src/supervisor/README.md`, "Sleep".
//! Time is a counter: who reads it sees what was done by those who read it before. A look that nobody brings about shows as a deadlock.
#![cfg(runtime_loom)]

use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use runtime::model::idle::{Idle, Leave, Park};
use runtime::model::supervisor::{Alarm, Timer};

/// So short that one who has begun a poll, and another who leaves after that, would both put a sample off.
const PERIOD: u64 = 2;

/// Later than all that happens in a model.
const LATEST: u64 = 100;

fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Goes off at any time, if it is set to one that comes.
#[derive(Default)]
struct ModelTimer {
    at: Mutex<Option<u64>>,
    changed: Condvar,
    /// Up to when time goes on.
    horizon: u64,
}

impl Timer for ModelTimer {
    fn set(&self, at: u64) {
        *self.at.lock().unwrap() = Some(at);
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut at = self.at.lock().unwrap();
        while !at.is_some_and(|at| at <= self.horizon) {
            at = self.changed.wait(at).unwrap();
        }
        *at = None;
    }
}

struct Model {
    idle: Idle,
    alarm: Alarm<ModelTimer>,
    clock: AtomicU64,
    closed: AtomicBool,
}

impl Model {
    /// All these slots are parked. The supervisor waits for no time later than `horizon`.
    fn new(slots: &[usize], horizon: u64) -> Arc<Model> {
        let idle = Idle::new(slots.iter().max().expect("a slot") + 1);
        for &slot in slots {
            assert!(!idle.join(slot));
            assert_eq!(idle.park(slot, false, || false), Park::Sleep);
        }
        let timer = ModelTimer { horizon, ..ModelTimer::default() };
        let alarm = Alarm::new(timer, PERIOD, LATEST);
        Arc::new(Model { idle, alarm, clock: AtomicU64::new(1), closed: AtomicBool::new(false) })
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::AcqRel)
    }

    /// When the supervisor will look.
    fn due(&self) -> u64 {
        self.alarm.timer().at.lock().unwrap().expect("it waits, and for a time")
    }

    /// A slot comes out of its wait, and begins a poll at the time that is given back.
    fn leave(&self, slot: usize) -> u64 {
        let now = self.now();
        self.tell(self.idle.leave(slot), now);
        self.now()
    }

    fn tell(&self, leave: Leave, now: u64) {
        if leave.supervisor_was_asleep {
            self.alarm.arm(now);
        } else if leave.alone {
            self.alarm.postpone(now);
        }
    }

    fn park(&self, slot: usize) {
        assert_eq!(self.idle.park(slot, false, || false), Park::Sleep);
    }

    /// The supervisor's part, until it is woken.
    fn sleep(&self) -> bool {
        self.alarm.fall_asleep();
        let sleeps = self.idle.supervisor_sleep();
        let _ = if sleeps { self.alarm.wait() } else { self.alarm.get_up() };
        self.idle.supervisor_awake();
        sleeps
    }
}

fn with<T: 'static>(model: &Arc<Model>, what: impl FnOnce(&Model) -> T + 'static) -> thread::JoinHandle<T> {
    let model = Arc::clone(model);
    thread::spawn(move || what(&model))
}

#[test]
fn a_poll_that_begins_while_the_supervisor_falls_asleep_is_looked_at() {
    check(3, || {
        let model = Model::new(&[0], u64::MAX);
        let worker = with(&model, |model| model.leave(0));
        // Else it knows itself that somebody is awake.
        let _slept = model.sleep();
        worker.join().unwrap();
    });
}

#[test]
fn a_poll_in_either_word_of_the_set_is_looked_at() {
    check(2, || {
        let model = Model::new(&[0, 48], u64::MAX);
        let workers = [0, 48].map(|slot| with(&model, move |model| model.leave(slot)));
        let _slept = model.sleep();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// The supervisor waits. Nothing goes off: `due` says when it would.
fn polls_are_looked_at_in_time(slots: [usize; 2], asleep: bool) {
    let model = Model::new(&slots, 0);
    if asleep {
        model.alarm.fall_asleep();
        assert!(model.idle.supervisor_sleep());
    } else {
        // Every one who may puts it off.
        model.alarm.set(1, LATEST);
    }
    let workers = slots.map(|slot| {
        with(&model, move |model| {
            // One short poll, and one that does not end.
            model.leave(slot);
            model.park(slot);
            model.leave(slot)
        })
    });
    let begun = workers.map(|worker| worker.join().unwrap());
    let first = begun.into_iter().min().unwrap();
    assert!(model.due() <= first + PERIOD, "a poll that began at {first} is looked at at {}", model.due());
}

#[test]
fn no_poll_is_put_off_for_more_than_a_period() {
    check(2, || polls_are_looked_at_in_time([0, 1], false));
}

#[test]
fn no_poll_is_put_off_for_more_than_a_period_by_one_of_another_word() {
    check(2, || polls_are_looked_at_in_time([0, 48], false));
}

#[test]
fn no_poll_waits_for_a_sleeping_supervisor_for_more_than_a_period() {
    check(2, || polls_are_looked_at_in_time([0, 1], true));
}

#[test]
fn no_poll_waits_for_a_sleeping_supervisor_whom_another_word_has_armed() {
    check(2, || polls_are_looked_at_in_time([0, 48], true));
}

#[test]
fn a_poll_is_put_off_by_nobody_who_has_parked_since_the_sample() {
    check(2, || {
        let model = Model::new(&[0, 1], 0);
        model.alarm.set(1, LATEST);
        let workers = [0, 1].map(|slot| {
            with(&model, move |model| {
                model.leave(slot);
                model.park(slot);
            })
        });
        // A sample, and the next is set.
        let _ = model.alarm.get_up();
        let sampled = model.now();
        model.alarm.set(sampled + PERIOD / 2, sampled + PERIOD / 2);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        // Whoever has put it off before that, and comes late.
        assert!(model.due() <= sampled + PERIOD, "{}", model.due());
    });
}

fn a_call_is_heard(asleep: bool) {
    // Nothing that is set goes off by itself.
    let model = Model::new(&[0], 0);
    let worker = with(&model, |model| model.leave(0));
    let closer = with(&model, |model| {
        model.closed.store(true, Ordering::Relaxed);
        model.alarm.call();
    });
    // As `run`: it waits again for whatever is not the end.
    while !model.closed.load(Ordering::Relaxed) {
        let slept = asleep && model.sleep();
        if !slept && !model.closed.load(Ordering::Relaxed) {
            model.alarm.set(1, LATEST);
            let _ = model.alarm.wait();
        }
    }
    worker.join().unwrap();
    closer.join().unwrap();
}

#[test]
fn a_call_is_heard_whoever_puts_it_off() {
    check(3, || a_call_is_heard(false));
}

#[test]
fn a_call_is_heard_while_the_supervisor_falls_asleep_and_is_armed() {
    check(3, || a_call_is_heard(true));
}

/// The supervisor falls asleep again while somebody comes who has seen the flag of the time before: the same bits, and another alarm.
fn who_comes_late_arms_what_is_asleep_now(parked: &'static [usize], comes: fn(&Idle) -> bool) {
    check(3, move || {
        let model = Model::new(parked, u64::MAX);
        model.alarm.fall_asleep();
        assert!(model.idle.supervisor_sleep());
        let other = with(&model, |model| {
            model.leave(0);
            model.park(0);
        });
        let late = with(&model, move |model| {
            if comes(&model.idle) {
                let now = model.now();
                model.alarm.arm(now);
            }
        });
        let _ = model.alarm.wait();
        model.idle.supervisor_awake();
        let _slept = model.sleep();
        other.join().unwrap();
        late.join().unwrap();
    });
}

#[test]
fn who_claims_a_slot_late_arms_what_is_asleep_now() {
    who_comes_late_arms_what_is_asleep_now(&[0, 1], |idle| {
        idle.claim(1).expect("it is parked").supervisor_was_asleep
    });
}

#[test]
fn who_joins_late_arms_what_is_asleep_now() {
    who_comes_late_arms_what_is_asleep_now(&[0], |idle| idle.join(1));
}
