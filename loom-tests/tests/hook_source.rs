//! Who keeps the time of a source, against an earlier deadline that is registered meanwhile. Protocol:
//! reactor/hook/README.md, *Who drives* and *The parker*.
#![cfg(runtime_loom)]

use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use loom::sync::Mutex;
use loom::thread;
use reactor_hook::model::{park, refuse_threads};
use reactor_hook::{Attendance, DeadlineSource, Frame, Parker, Placement, Unpark, time};

/// Time does not pass in a model. What is this late does not come.
const FAR: Duration = Duration::from_secs(3600);

/// The plainest source: deadlines under a lock.
struct Clock {
    attendance: Attendance,
    origin: Instant,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    alarms: [Option<Alarm>; 2],
    over: [bool; 2],
    unpark: Option<Arc<dyn Unpark>>,
}

struct Alarm {
    deadline: Instant,
    waker: Waker,
}

impl Inside {
    fn next(&self) -> Option<Instant> {
        self.alarms.iter().flatten().map(|alarm| alarm.deadline).min()
    }
}

impl Clock {
    fn new(origin: Instant) -> Arc<Clock> {
        Arc::new(Clock { attendance: Attendance::new(), origin, inside: Mutex::new(Inside::default()) })
    }

    /// One poll of a future that waits for alarm `id`, which is due at once or never: true when it is over.
    fn poll(self: &Arc<Clock>, id: usize, after: Duration, waker: &Waker) -> io::Result<bool> {
        let unpark = {
            let mut inside = self.inside.lock().unwrap();
            if inside.over[id] {
                return Ok(true);
            }
            if inside.alarms[id].is_some() {
                None
            } else {
                let deadline = self.origin + after;
                let is_earlier = inside.next().is_none_or(|next| deadline < next);
                inside.alarms[id] = Some(Alarm { deadline, waker: waker.clone() });
                if is_earlier { inside.unpark.clone() } else { None }
            }
        };
        if let Some(unpark) = unpark {
            unpark.unpark();
        }
        time(self).map(|_| false)
    }

    /// The future is dropped.
    fn forget(&self, id: usize) {
        let mut inside = self.inside.lock().unwrap();
        inside.alarms[id] = None;
        // Who keeps the time would otherwise wait for what does not come.
        let unpark = inside.unpark.clone();
        drop(inside);
        if let Some(unpark) = unpark {
            unpark.unpark();
        }
    }

    fn wait_without_a_frame(self: &Arc<Clock>, id: usize) -> io::Result<()> {
        let parker = Parker::new();
        let waker = Waker::from(parker.clone());
        let waited = loop {
            match self.poll(id, Duration::ZERO, &waker) {
                Ok(true) => break Ok(()),
                Ok(false) => park(&parker, None, None),
                Err(error) => break Err(error),
            };
        };
        self.forget(id);
        waited
    }

    /// Waits for alarm `id` on a thread with an open frame, which keeps the time for as long as it waits.
    fn wait_in_a_frame(self: &Arc<Clock>, id: usize) {
        let frame = Frame::open().build();
        let _entered = frame.enter();
        let waker = Waker::from(frame.parker().clone());
        while !self.poll(id, Duration::ZERO, &waker).unwrap() {
            frame.wait();
        }
        self.forget(id);
    }
}

impl DeadlineSource for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.inside.lock().unwrap().next()
    }

    fn fire(&self, now: Instant) {
        let mut wakers = Vec::new();
        {
            let mut inside = self.inside.lock().unwrap();
            for id in 0..2 {
                if let Some(alarm) = inside.alarms[id].take_if(|alarm| alarm.deadline <= now) {
                    inside.over[id] = true;
                    wakers.push(alarm.waker);
                }
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    fn set_unpark(&self, unpark: Option<Arc<dyn Unpark>>) {
        self.inside.lock().unwrap().unpark = unpark;
    }

    fn abandoned(&self) {
        let wakers: Vec<Waker> = {
            let inside = self.inside.lock().unwrap();
            inside.alarms.iter().flatten().map(|alarm| alarm.waker.clone()).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

fn model(f: impl Fn(Instant) + Send + Sync + 'static) {
    let origin = Instant::now();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || f(origin));
}

#[test]
fn an_earlier_deadline_ends_the_wait_of_the_frame_that_keeps_the_time() {
    model(|origin| {
        let clock = Clock::new(origin);
        let other = clock.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        let frame = Frame::open().build();
        let entered = frame.enter();
        // Not over before the other is, whom this frame or a thread serves.
        assert!(!clock.poll(0, FAR, Waker::noop()).unwrap());
        while frame_keeps(&clock) && !clock.inside.lock().unwrap().over[1] {
            frame.wait();
        }
        clock.forget(0);
        drop((entered, frame));
        other.join().unwrap();
    });
}

/// Whether the frame entered here keeps the clock's time.
fn frame_keeps(clock: &Arc<Clock>) -> bool {
    reactor_hook::is_timed_here(Arc::as_ptr(clock).cast())
}

#[test]
fn a_waiter_without_a_frame_is_served_by_a_thread_that_ends() {
    model(|origin| Clock::new(origin).wait_without_a_frame(0).unwrap());
}

#[test]
fn a_new_waiter_is_not_stranded_by_a_thread_that_ends() {
    model(|origin| {
        let clock = Clock::new(origin);
        let other = clock.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        clock.wait_without_a_frame(0).unwrap();
        other.join().unwrap();
    });
}

#[test]
fn a_waiter_is_not_stranded_by_a_thread_that_is_refused() {
    model(|origin| {
        let clock = Clock::new(origin);
        let other = clock.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        refuse_threads(true);
        // Refused, or served by the thread of the other.
        let _ = clock.wait_without_a_frame(0);
        other.join().unwrap();
    });
}

#[test]
fn of_two_frames_one_keeps_the_time_and_the_other_takes_over() {
    model(|origin| {
        let clock = Clock::new(origin);
        let other = clock.clone();
        let other = thread::spawn(move || other.wait_in_a_frame(1));
        clock.wait_in_a_frame(0);
        other.join().unwrap();
    });
}

#[test]
fn the_next_one_to_keep_the_time_is_unparked_though_the_former_is_leaving() {
    model(|origin| {
        let clock = Clock::new(origin);
        let former = Frame::open().build();
        {
            let _entered = former.enter();
            assert_eq!(time(&clock).unwrap(), Placement::Here);
        }
        let other = clock.clone();
        let other = thread::spawn(move || {
            let frame = Frame::open().build();
            let _entered = frame.enter();
            let waker = Waker::from(frame.parker().clone());
            loop {
                other.poll(1, FAR, &waker).unwrap();
                if other.inside.lock().unwrap().over[0] {
                    break;
                }
                frame.wait();
            }
            other.forget(1);
        });
        drop(former);
        clock.wait_without_a_frame(0).unwrap();
        // Perhaps a thread has kept the time for both.
        let waker = clock.inside.lock().unwrap().alarms[1].as_ref().map(|alarm| alarm.waker.clone());
        waker.into_iter().for_each(Waker::wake);
        other.join().unwrap();
    });
}

#[test]
fn an_earlier_deadline_ends_the_wait_of_a_frame_inside_of_the_one_that_keeps_the_time() {
    model(|origin| {
        let clock = Clock::new(origin);
        let outer = Frame::open().build();
        let outer_entered = outer.enter();
        assert_eq!(time(&clock).unwrap(), Placement::Here);
        let other = clock.clone();
        let other = thread::spawn(move || {
            // It needs none: the outer frame keeps the time.
            refuse_threads(true);
            other.wait_without_a_frame(1).unwrap();
        });
        {
            let inner = Frame::open().build();
            let _entered = inner.enter();
            assert!(!clock.poll(0, FAR, Waker::noop()).unwrap());
            while !clock.inside.lock().unwrap().over[1] {
                inner.wait();
            }
        }
        clock.forget(0);
        other.join().unwrap();
        drop((outer_entered, outer));
    });
}

#[test]
fn an_earlier_deadline_that_comes_when_the_inner_frame_has_gone_ends_the_wait_of_the_outer() {
    model(|origin| {
        let clock = Clock::new(origin);
        let outer = Frame::open().build();
        let outer_entered = outer.enter();
        assert_eq!(time(&clock).unwrap(), Placement::Here);
        assert!(!clock.poll(0, FAR, Waker::noop()).unwrap());
        {
            let inner = Frame::open().build();
            let _entered = inner.enter();
            inner.parker().unpark();
            inner.wait();
        }
        let other = clock.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        while !clock.inside.lock().unwrap().over[1] {
            outer.wait();
        }
        clock.forget(0);
        drop((outer_entered, outer));
        other.join().unwrap();
    });
}
