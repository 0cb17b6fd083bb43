//! Frames and hosting threads that begin and cease to drive, against waiters that rely on them. Protocol:
//! reactor/hook/README.md, *Who drives*.
#![cfg(runtime_loom)]

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use reactor_hook::model::{park, refuse_threads};
use reactor_hook::{
    Attendance, Driver, Frame, LocalDriver, Parker, Placement, Turn, Unpark, drive, drive_local,
};

/// A reactor whose sources are ready as soon as somebody looks: a waiter that is never ready has nobody who looks.
struct Hub {
    attendance: Attendance,
    turning: AtomicBool,
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Default)]
struct Inside {
    sources: [Option<Source>; 2],
    told: bool,
}

struct Source {
    waker: Waker,
    is_ready: bool,
}

impl Hub {
    fn new() -> Arc<Hub> {
        Arc::new(Hub {
            attendance: Attendance::new(),
            turning: AtomicBool::new(false),
            inside: Mutex::new(Inside::default()),
            changed: Condvar::new(),
        })
    }

    /// One poll of the future that waits for source `id`: true when ready.
    fn poll(self: &Arc<Hub>, id: usize, waker: &Waker) -> io::Result<bool> {
        {
            let mut inside = self.inside.lock().unwrap();
            let source =
                inside.sources[id].get_or_insert_with(|| Source { waker: waker.clone(), is_ready: false });
            if source.is_ready {
                return Ok(true);
            }
            self.changed.notify_one();
        }
        drive(self).map(|_| false)
    }

    /// The future is dropped.
    fn forget(&self, id: usize) {
        let mut inside = self.inside.lock().unwrap();
        inside.sources[id] = None;
        if inside.is_unused() {
            inside.told = true;
            self.changed.notify_one();
        }
    }

    /// Waits for source `id` on a thread that has no frame.
    fn wait_without_a_frame(self: &Arc<Hub>, id: usize) -> io::Result<()> {
        let parker = Parker::new();
        let waker = Waker::from(parker.clone());
        let waited = loop {
            match self.poll(id, &waker) {
                Ok(true) => break Ok(()),
                Ok(false) => park(&parker, None, None),
                Err(error) => break Err(error),
            };
        };
        self.forget(id);
        waited
    }

    /// Waits for source `id` on a thread with an open frame.
    fn wait_in_a_frame(self: &Arc<Hub>, id: usize) {
        let frame = Frame::open().build();
        let _entered = frame.enter();
        let waker = Waker::from(frame.parker().clone());
        while !self.poll(id, &waker).unwrap() {
            frame.wait();
        }
        self.forget(id);
    }
}

impl Inside {
    fn is_unused(&self) -> bool {
        self.sources.iter().all(Option::is_none)
    }

    fn has_news(&self) -> bool {
        self.told || self.sources.iter().flatten().any(|source| !source.is_ready)
    }
}

impl Driver for Hub {
    fn name(&self) -> &'static str {
        "hub"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        assert!(!self.turning.swap(true, Ordering::Relaxed), "two drive at once");
        let (turn, wakers) = {
            let mut inside = self.inside.lock().unwrap();
            while !inside.has_news() && timeout != Some(Duration::ZERO) {
                inside = self.changed.wait(inside).unwrap();
            }
            inside.told = false;
            let mut wakers = Vec::new();
            for source in inside.sources.iter_mut().flatten() {
                if !std::mem::replace(&mut source.is_ready, true) {
                    wakers.push(source.waker.clone());
                }
            }
            (if inside.is_unused() { Turn::Unused } else { Turn::Used }, wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
        self.turning.store(false, Ordering::Relaxed);
        turn
    }

    fn unblock(&self) {
        self.inside.lock().unwrap().told = true;
        self.changed.notify_one();
    }

    fn abandoned(&self) {
        let wakers: Vec<Waker> = {
            let inside = self.inside.lock().unwrap();
            inside.sources.iter().flatten().map(|source| source.waker.clone()).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

#[test]
fn a_waiter_without_a_frame_is_served_by_a_thread_that_ends() {
    model(|| {
        Hub::new().wait_without_a_frame(0).unwrap();
    });
}

#[test]
fn a_new_waiter_is_not_stranded_by_a_thread_that_ends() {
    model(|| {
        let hub = Hub::new();
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        hub.wait_without_a_frame(0).unwrap();
        other.join().unwrap();
    });
}

#[test]
fn a_waiter_is_not_stranded_by_a_thread_that_is_refused() {
    model(|| {
        let hub = Hub::new();
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        refuse_threads(true);
        // Refused, or served by the thread of the other.
        let _ = hub.wait_without_a_frame(0);
        other.join().unwrap();
    });
}

#[test]
fn a_waiter_is_not_stranded_by_a_frame_that_is_dropped() {
    model(|| {
        let hub = Hub::new();
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        let frame = Frame::open().build();
        let entered = frame.enter();
        let _ = drive(&hub).unwrap();
        drop((entered, frame));
        other.join().unwrap();
    });
}

#[test]
fn a_waiter_is_not_stranded_by_a_frame_that_waited_and_is_dropped() {
    model(|| {
        let hub = Hub::new();
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        hub.wait_in_a_frame(0);
        other.join().unwrap();
    });
}

#[test]
fn of_two_frames_one_drives_and_the_other_takes_over() {
    model(|| {
        let hub = Hub::new();
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_in_a_frame(1));
        hub.wait_in_a_frame(0);
        other.join().unwrap();
    });
}

#[test]
fn a_frame_that_was_told_unused_gives_the_place_up_to_another_driver() {
    model(|| {
        let (first, second) = (Hub::new(), Hub::new());
        let waiting = first.clone();
        let other = thread::spawn(move || waiting.wait_without_a_frame(1).unwrap());
        {
            let frame = Frame::open().build();
            let _entered = frame.enter();
            let waker = Waker::from(frame.parker().clone());
            let _ = drive(&first).unwrap();
            // Ends the wait, which tells whether anybody needs the first.
            waker.wake_by_ref();
            frame.wait();
            while !second.poll(0, &waker).unwrap() {
                frame.wait();
            }
            second.forget(0);
        }
        other.join().unwrap();
    });
}

/// A driver that is bound to its thread, and to which nothing happens but that it is unblocked.
struct Bound {
    bell: Arc<Bell>,
    turn: Cell<Turn>,
}

struct Bell {
    told: Mutex<bool>,
    rung: Condvar,
}

impl Bound {
    fn new() -> Rc<Bound> {
        let bell = Arc::new(Bell { told: Mutex::new(false), rung: Condvar::new() });
        Rc::new(Bound { bell, turn: Cell::new(Turn::Used) })
    }
}

impl Unpark for Bell {
    fn unpark(&self) {
        *self.told.lock().unwrap() = true;
        self.rung.notify_one();
    }
}

impl LocalDriver for Bound {
    fn name(&self) -> &'static str {
        "bound"
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        let mut told = self.bell.told.lock().unwrap();
        while !*told && timeout != Some(Duration::ZERO) {
            told = self.bell.rung.wait(told).unwrap();
        }
        *told = false;
        self.turn.get()
    }

    fn unblocker(&self) -> Arc<dyn Unpark> {
        self.bell.clone()
    }

    fn abandoned(&self) {}
}

#[test]
fn a_driver_that_moves_aside_serves_those_who_wait_here_and_elsewhere() {
    model(|| {
        let hub = Hub::new();
        let frame = Frame::open().build();
        let _entered = frame.enter();
        let waker = Waker::from(frame.parker().clone());
        assert_eq!(drive(&hub).unwrap(), Placement::Here);
        let other = hub.clone();
        let other = thread::spawn(move || {
            // It needs none: somebody drives from before it comes until it has gone.
            refuse_threads(true);
            other.wait_without_a_frame(1).unwrap();
        });
        assert!(!hub.poll(0, &waker).unwrap());
        drive_local(&Bound::new()).unwrap();
        while !hub.poll(0, &waker).unwrap() {
            frame.wait();
        }
        other.join().unwrap();
        hub.forget(0);
    });
}

#[test]
fn a_waiter_is_not_stranded_by_a_driver_that_should_move_aside_and_is_refused_a_thread() {
    model(|| {
        let hub = Hub::new();
        let frame = Frame::open().build();
        let _entered = frame.enter();
        assert_eq!(drive(&hub).unwrap(), Placement::Here);
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        refuse_threads(true);
        drive_local(&Bound::new()).unwrap();
        other.join().unwrap();
    });
}

#[test]
fn a_driver_that_has_moved_aside_comes_back_without_stranding_anybody() {
    model(|| {
        let hub = Hub::new();
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        {
            let frame = Frame::open().build();
            let _entered = frame.enter();
            let waker = Waker::from(frame.parker().clone());
            let _ = drive(&hub).unwrap();
            let bound = Bound::new();
            drive_local(&bound).unwrap();
            // It is found to be unused, and gives up its place.
            bound.turn.set(Turn::Unused);
            waker.wake_by_ref();
            frame.wait();
            while !hub.poll(0, &waker).unwrap() {
                frame.wait();
            }
            hub.forget(0);
        }
        other.join().unwrap();
    });
}

#[test]
fn a_frame_that_is_dropped_leaves_the_driver_that_has_moved_aside_to_its_thread() {
    model(|| {
        let hub = Hub::new();
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        {
            let frame = Frame::open().build();
            let _entered = frame.enter();
            let _ = drive(&hub).unwrap();
            drive_local(&Bound::new()).unwrap();
        }
        other.join().unwrap();
    });
}

#[test]
fn a_thread_that_nobody_has_used_ends() {
    model(|| {
        let frame = Frame::open().build();
        let _entered = frame.enter();
        assert_eq!(drive(&Hub::new()).unwrap(), Placement::Here);
        // Moves the other aside, of which nobody wants anything. Its thread ends if the model does.
        drive_local(&Bound::new()).unwrap();
    });
}

#[test]
fn a_driver_that_an_inner_frame_takes_over_serves_those_who_wait_in_the_outer_and_elsewhere() {
    model(|| {
        let hub = Hub::new();
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        {
            let outer = Frame::open().build();
            let _entered = outer.enter();
            let _ = drive(&hub).unwrap();
            // The outer frame does not wait meanwhile.
            hub.wait_in_a_frame(0);
            let waker = Waker::from(outer.parker().clone());
            while !hub.poll(0, &waker).unwrap() {
                outer.wait();
            }
            hub.forget(0);
        }
        other.join().unwrap();
    });
}

#[test]
fn a_driver_moves_aside_for_an_inner_frame_that_has_another() {
    model(|| {
        let (hub, another) = (Hub::new(), Hub::new());
        let other = hub.clone();
        let other = thread::spawn(move || other.wait_without_a_frame(1).unwrap());
        {
            let outer = Frame::open().build();
            let _outer = outer.enter();
            let _ = drive(&hub).unwrap();
            let inner = Frame::open().build();
            let _inner = inner.enter();
            assert_eq!(drive(&another).unwrap(), Placement::Here);
            let waker = Waker::from(inner.parker().clone());
            while !hub.poll(0, &waker).unwrap() {
                inner.wait();
            }
            hub.forget(0);
        }
        other.join().unwrap();
    });
}
