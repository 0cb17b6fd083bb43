//! Where a source is registered: it moves while its event comes, or while the one who drove it leaves. Protocol:
//! reactor/README.md, *Home*.
#![cfg(runtime_loom)]

use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use reactor::Direction::{self, Read, Write};
use reactor::model::{Socket, happen};
use reactor_hook::model::{park, refuse_threads};
use reactor_hook::{Frame, LocalDriver, Parker, Turn, Unpark, drive_local};

fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(f);
}

/// A driver that is bound to its thread, and to which nothing happens but that it is unblocked.
#[derive(Default)]
struct Bound(Arc<Bell>);

#[derive(Default)]
struct Bell {
    told: Mutex<bool>,
    rung: Condvar,
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
        let mut told = self.0.told.lock().unwrap();
        while !*told && timeout != Some(Duration::ZERO) {
            told = self.0.rung.wait(told).unwrap();
        }
        *told = false;
        Turn::Used
    }

    fn unblocker(&self) -> Arc<dyn Unpark> {
        self.0.clone()
    }

    fn abandoned(&self) {}
}

/// An executor that knows nothing of the hook.
fn wait_without_a_frame(socket: &Socket, direction: Direction) {
    let parker = Parker::new();
    let waker = Waker::from(parker.clone());
    while !socket.poll(direction, &waker).unwrap() {
        park(&parker, None, None);
    }
}

fn wait_in_a_frame(socket: &Socket, direction: Direction) {
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let waker = Waker::from(frame.parker().clone());
    while !socket.poll(direction, &waker).unwrap() {
        frame.wait();
    }
}

#[test]
fn an_event_is_seen_where_a_thread_drives() {
    model(|| {
        let socket = Socket::new();
        let event = thread::spawn(happen);
        wait_without_a_frame(&socket, Read);
        event.join().unwrap();
    });
}

#[test]
fn an_event_is_seen_where_the_frame_drives() {
    model(|| {
        let socket = Socket::new();
        let event = thread::spawn(happen);
        wait_in_a_frame(&socket, Read);
        event.join().unwrap();
    });
}

#[test]
fn an_event_is_seen_though_the_source_moves_from_a_thread_to_a_frame() {
    model(|| {
        let socket = Socket::new();
        let event = thread::spawn(happen);
        let _ = socket.poll(Read, Waker::noop()).unwrap();
        wait_in_a_frame(&socket, Read);
        event.join().unwrap();
    });
}

#[test]
fn an_event_is_seen_though_the_source_moves_from_a_frame_to_a_thread() {
    model(|| {
        let socket = Socket::new();
        let event = thread::spawn(happen);
        {
            let frame = Frame::open().build();
            let _entered = frame.enter();
            let _ = socket.poll(Read, Waker::noop()).unwrap();
        }
        wait_without_a_frame(&socket, Read);
        event.join().unwrap();
    });
}

#[test]
fn an_event_is_seen_though_the_reactor_moves_aside_for_a_local_driver() {
    model(|| {
        let socket = Socket::new();
        let event = thread::spawn(happen);
        let frame = Frame::open().build();
        let _entered = frame.enter();
        let waker = Waker::from(frame.parker().clone());
        let mut is_ready = socket.poll(Read, &waker).unwrap();
        drive_local(&Rc::new(Bound::default())).unwrap();
        while !is_ready {
            frame.wait();
            is_ready = socket.poll(Read, &waker).unwrap();
        }
        event.join().unwrap();
    });
}

#[test]
fn who_waits_for_the_same_source_sees_the_frame_that_drives_it_leave() {
    model(|| {
        let socket = Socket::new();
        let frame = Frame::open().build();
        {
            let _entered = frame.enter();
            assert!(!socket.poll(Write, Waker::noop()).unwrap());
        }
        let other = socket.clone();
        let other = thread::spawn(move || wait_without_a_frame(&other, Read));
        drop(frame);
        happen();
        other.join().unwrap();
    });
}

#[test]
fn who_waits_for_the_same_source_takes_over_what_a_frame_has_left() {
    model(|| {
        let socket = Socket::new();
        let frame = Frame::open().build();
        {
            let _entered = frame.enter();
            assert!(!socket.poll(Write, Waker::noop()).unwrap());
        }
        let other = socket.clone();
        let other = thread::spawn(move || wait_in_a_frame(&other, Read));
        drop(frame);
        happen();
        other.join().unwrap();
    });
}

#[test]
fn two_frames_that_wait_for_one_source_both_see_the_event() {
    model(|| {
        let socket = Socket::new();
        let other = socket.clone();
        let other = thread::spawn(move || wait_in_a_frame(&other, Read));
        happen();
        wait_in_a_frame(&socket, Write);
        other.join().unwrap();
    });
}

#[test]
fn a_refused_thread_does_not_cost_the_other_waiter_its_event() {
    model(|| {
        let socket = Socket::new();
        let other = socket.clone();
        let other = thread::spawn(move || wait_without_a_frame(&other, Read));
        refuse_threads(true);
        // Refused, or served by the thread of the other.
        let _ = socket.poll(Write, Waker::noop());
        happen();
        other.join().unwrap();
    });
}

#[test]
fn a_source_that_comes_while_the_thread_ends_is_served() {
    model(|| {
        let former = Socket::new();
        assert!(!former.poll(Read, Waker::noop()).unwrap());
        let leaving = thread::spawn(move || drop(former));
        let socket = Socket::new();
        // Nothing has happened yet when it is registered, and nobody polls it again but for a wake-up.
        let parker = Parker::new();
        let waker = Waker::from(parker.clone());
        assert!(!socket.poll(Read, &waker).unwrap());
        happen();
        park(&parker, None, None);
        while !socket.poll(Read, &waker).unwrap() {
            park(&parker, None, None);
        }
        leaving.join().unwrap();
    });
}

#[test]
fn a_thread_that_was_started_for_a_source_that_is_refused_ends() {
    // It does if the model does.
    model(|| assert!(Socket::closed().poll(Read, Waker::noop()).is_err()));
}

#[test]
fn who_waits_for_the_same_source_inside_of_the_frame_that_drives_it_sees_the_event() {
    model(|| {
        let socket = Socket::new();
        let event = thread::spawn(happen);
        let outer = Frame::open().build();
        let _entered = outer.enter();
        let waker = Waker::from(outer.parker().clone());
        let mut is_ready = socket.poll(Read, &waker).unwrap();
        // A frame inside of it, while the outer one does not wait.
        wait_in_a_frame(&socket, Write);
        while !is_ready {
            outer.wait();
            is_ready = socket.poll(Read, &waker).unwrap();
        }
        event.join().unwrap();
    });
}

#[test]
fn who_waits_to_write_where_only_reading_was_asked_for_sees_the_event() {
    model(|| {
        let socket = Socket::new();
        let event = thread::spawn(happen);
        let frame = Frame::open().build();
        let _entered = frame.enter();
        // Asks for reading, or finds that it has happened.
        let _ = socket.poll(Read, Waker::noop()).unwrap();
        let waker = Waker::from(frame.parker().clone());
        while !socket.poll(Write, &waker).unwrap() {
            frame.wait();
        }
        event.join().unwrap();
    });
}

#[test]
fn a_writer_sees_the_event_though_a_reader_moves_the_source_on() {
    model(|| {
        let socket = Socket::new();
        let frame = Frame::open().build();
        let _entered = frame.enter();
        let is_through = Arc::new(AtomicBool::new(false));
        let writer = {
            let (socket, is_through) = (socket.clone(), is_through.clone());
            let reader = frame.parker().clone();
            thread::spawn(move || {
                wait_without_a_frame(&socket, Write);
                is_through.store(true, Ordering::Release);
                reader.unpark();
            })
        };
        // To the frame, if the writer was there first.
        let _ = socket.poll(Read, &Waker::from(frame.parker().clone())).unwrap();
        happen();
        while !is_through.load(Ordering::Acquire) {
            frame.wait();
        }
        writer.join().unwrap();
    });
}
