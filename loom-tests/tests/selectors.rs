//! A source moves into a worker's own selector while its event comes, and that worker does not look there. Protocol: reactor/README.md,
//! *Local selectors*.
#![cfg(runtime_loom)]

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, Ordering, fence};
use loom::thread;
use reactor::Direction::{self, Read, Write};
use reactor::model::{Pool, Socket, happen};

/// A worker that is awake is thought to be inside of a long poll then.
const LONG: Duration = Duration::from_secs(1);

fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

/// A task: whether it was woken, or need not be.
struct Task {
    is_woken: AtomicBool,
    pool: Pool,
}

impl Task {
    fn new(pool: &Pool) -> Arc<Task> {
        Arc::new(Task { is_woken: AtomicBool::new(false), pool: pool.clone() })
    }

    fn is_woken(&self) -> bool {
        self.is_woken.load(Ordering::Acquire)
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        // Whoever waits for that sees it.
        self.pool.unblock();
    }
}

/// Worker `lane` polls it until it is where it belongs: once to register, once to move. Unless it is ready by then.
fn poll(pool: &Pool, socket: &Socket, lane: u32, direction: Direction, task: &Arc<Task>) {
    let waker = Waker::from(task.clone());
    for _ in 0..2 {
        if pool.as_worker(lane, || socket.poll(direction, &waker)).unwrap() {
            return task.clone().wake();
        }
    }
}

#[test]
fn an_event_is_seen_though_the_source_moves_to_the_workers_own_selector() {
    model(|| {
        let (pool, socket) = (Pool::new(1), Socket::new());
        let event = thread::spawn(happen);
        let task = Task::new(&pool);
        poll(&pool, &socket, 0, Read, &task);
        pool.look(0);
        while !task.is_woken() {
            pool.block();
        }
        event.join().unwrap();
    });
}

#[test]
fn who_blocks_is_told_of_what_comes_to_a_worker_that_does_not_look() {
    model(|| {
        let (pool, socket) = (Pool::new(2), Socket::new());
        let task = Task::new(&pool);
        let worker = {
            let (pool, socket, task) = (pool.clone(), socket.clone(), task.clone());
            thread::spawn(move || {
                poll(&pool, &socket, 0, Read, &task);
                happen();
                // From now on inside of a long poll.
            })
        };
        while !task.is_woken() {
            pool.block();
        }
        worker.join().unwrap();
    });
}

/// Were he told of it again while the worker is inside, he would run in circles, which a model does not survive.
#[test]
fn who_blocks_waits_while_a_worker_looks_into_its_own_selector() {
    model(|| {
        let (pool, socket) = (Pool::new(2), Socket::new());
        let task = Task::new(&pool);
        poll(&pool, &socket, 0, Read, &task);
        let worker = {
            let pool = pool.clone();
            thread::spawn(move || {
                happen();
                pool.look(0);
            })
        };
        while !task.is_woken() {
            pool.block();
        }
        worker.join().unwrap();
    });
}

/// What came after its last look.
#[test]
fn a_busy_worker_takes_what_comes_to_one_that_has_parked() {
    model(|| {
        let (pool, socket) = (Pool::new(2), Socket::new());
        let task = Task::new(&pool);
        poll(&pool, &socket, 0, Read, &task);
        let is_parked = Arc::new(AtomicBool::new(false));
        let worker = {
            let (pool, is_parked) = (pool.clone(), is_parked.clone());
            thread::spawn(move || {
                pool.look(0);
                is_parked.store(true, Ordering::Release);
            })
        };
        happen();
        pool.glance(1, |_| is_parked.load(Ordering::Acquire), Duration::ZERO);
        worker.join().unwrap();
        pool.glance(1, |_| is_parked.load(Ordering::Acquire), Duration::ZERO);
        assert!(task.is_woken());
    });
}

/// Who turns the driver leaves what came after its last look to a worker that is awake and parks meanwhile, finding the driver taken.
#[test]
fn a_busy_worker_calls_one_that_has_parked_since_it_was_left_its_events() {
    model(|| {
        let (pool, socket) = (Pool::new(2), Socket::new());
        let task = Task::new(&pool);
        poll(&pool, &socket, 0, Read, &task);
        // The worker's bit in the idle set, and the driver's token.
        let (is_parked, is_taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
        let worker = {
            let (pool, is_parked, is_taken, task) =
                (pool.clone(), is_parked.clone(), is_taken.clone(), task.clone());
            thread::spawn(move || {
                pool.look(0);
                is_parked.store(true, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                if !is_taken.load(Ordering::Relaxed) {
                    while !task.is_woken() {
                        pool.block();
                    }
                }
            })
        };
        happen();
        let left = pool.glance(1, |_| is_parked.load(Ordering::Relaxed), Duration::ZERO);
        is_taken.store(false, Ordering::Release);
        fence(Ordering::SeqCst);
        let is_called = left & 1 != 0 && is_parked.load(Ordering::Relaxed);
        worker.join().unwrap();
        if is_called {
            pool.look(0);
        }
        assert!(task.is_woken());
    });
}

#[test]
fn a_busy_worker_helps_one_that_does_not_look_any_more() {
    model(|| {
        let (pool, socket) = (Pool::new(2), Socket::new());
        let task = Task::new(&pool);
        poll(&pool, &socket, 0, Read, &task);
        let worker = {
            let pool = pool.clone();
            thread::spawn(move || pool.look(0))
        };
        happen();
        pool.glance(1, |_| false, Duration::ZERO);
        worker.join().unwrap();
        // It has looked since, perhaps: the time begins anew.
        pool.glance(1, |_| false, LONG);
        pool.glance(1, |_| false, 2 * LONG);
        assert!(task.is_woken());
    });
}

#[test]
fn a_writer_sees_the_event_though_the_source_moves_for_a_reader() {
    model(|| {
        let (pool, socket) = (Pool::new(2), Socket::new());
        let writer = Task::new(&pool);
        let waker = Waker::from(writer.clone());
        assert!(!pool.as_worker(1, || socket.poll(Write, &waker)).unwrap());
        let event = thread::spawn(happen);
        let reader = Task::new(&pool);
        poll(&pool, &socket, 0, Read, &reader);
        while !(writer.is_woken() && reader.is_woken()) {
            pool.block();
        }
        event.join().unwrap();
    });
}

#[test]
fn an_event_is_seen_though_the_source_follows_to_another_workers_selector() {
    model(|| {
        let (pool, socket) = (Pool::new(2), Socket::accepted());
        pool.feed(0);
        let task = Task::new(&pool);
        poll(&pool, &socket, 1, Read, &task);
        pool.feed(1);
        let event = thread::spawn(happen);
        poll(&pool, &socket, 1, Read, &task);
        while !task.is_woken() {
            pool.block();
        }
        event.join().unwrap();
    });
}

#[test]
fn two_workers_that_poll_a_source_at_once_both_see_the_event() {
    model(|| {
        let (pool, socket) = (Pool::new(2), Socket::accepted());
        pool.feed(0);
        let writer = Task::new(&pool);
        let other = {
            let (pool, socket, writer) = (pool.clone(), socket.clone(), writer.clone());
            thread::spawn(move || poll(&pool, &socket, 1, Write, &writer))
        };
        let reader = Task::new(&pool);
        poll(&pool, &socket, 0, Read, &reader);
        happen();
        while !(writer.is_woken() && reader.is_woken()) {
            pool.block();
        }
        other.join().unwrap();
    });
}

#[test]
fn a_source_that_is_refused_by_a_workers_selector_stays_where_it_was() {
    model(|| {
        let (pool, socket) = (Pool::new(1), Socket::new());
        pool.refuse_local_selectors();
        let event = thread::spawn(happen);
        let task = Task::new(&pool);
        poll(&pool, &socket, 0, Read, &task);
        while !task.is_woken() {
            pool.block();
        }
        event.join().unwrap();
    });
}
