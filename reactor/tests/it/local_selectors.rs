//! A worker's own selector: which sources come to be there, and who sees what happens to them.
use std::io::Write as _;
use std::net::{TcpListener as StdListener, TcpStream as StdStream, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use reactor::net::{TcpListener, TcpStream};
use reactor::{AsyncFd, Reactor};
use reactor_hook::{Driver as _, Entered, Frame};

use crate::by_hand::Count;
use crate::drive::Watchdog;

/// With fewer for each worker all are in the shared selector.
const FEW: usize = 8;
/// Times a source is left pending, until it is where it belongs, whenever it is asked.
const POLLS: usize = 16;
/// A worker that is awake is thought to be inside of a long poll then.
const LONG: Duration = Duration::from_secs(1);

/// The thread is worker 0 of some.
struct Worker {
    _entered: Entered,
    _frame: Rc<Frame>,
    reactor: Arc<Reactor>,
}

impl Worker {
    fn one_of(workers: usize) -> Worker {
        let reactor = Reactor::with_lanes(workers).unwrap();
        assert!(reactor.attendance().try_attend());
        let frame = Frame::builder().driver(reactor.clone()).lane(0).build();
        Worker { _entered: frame.enter(), _frame: frame, reactor }
    }
}

/// Connections of which one end is a source and the other is written to by hand.
struct Crowd {
    peers: Vec<StdStream>,
    sources: Vec<TcpStream>,
    woken: Arc<Count>,
    waker: Waker,
}

impl Crowd {
    /// So many that have connected, each where it belongs, with a task that waits to read.
    fn of(count: usize) -> Crowd {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let (mut peers, mut sources) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let source = StdStream::connect(listener.local_addr().unwrap()).unwrap();
            source.set_nonblocking(true).unwrap();
            sources.push(TcpStream::from_std(source).unwrap());
            peers.push(listener.accept().unwrap().0);
        }
        let (woken, waker) = Count::new();
        let crowd = Crowd { peers, sources, woken, waker };
        for _ in 0..POLLS {
            crowd.wait_to_read();
        }
        crowd
    }

    fn wait_to_read(&self) {
        for source in &self.sources {
            leave_pending(source, &self.waker);
        }
    }

    fn write_to_all(&mut self) {
        for peer in &mut self.peers {
            peer.write_all(b"x").unwrap();
        }
    }

    fn woken(&self) -> usize {
        self.woken.get()
    }
}

/// Reads until there is nothing left, and waits for more.
fn leave_pending(source: &TcpStream, waker: &Waker) {
    while source.poll_read_ready(&mut Context::from_waker(waker)).is_ready() {
        let _ = source.try_read(&mut [0; 8]);
    }
}

#[test]
fn a_worker_finds_the_events_of_its_sources_by_a_look_of_its_own() {
    let _watchdog = Watchdog::new();
    let worker = Worker::one_of(1);
    let mut crowd = Crowd::of(FEW);
    assert!(worker.reactor.has_local_sources(0));
    assert_eq!(worker.reactor.sources(), FEW);
    crowd.write_to_all();
    while crowd.woken() < FEW {
        worker.reactor.look(0, usize::MAX);
    }
    assert_eq!(worker.reactor.turns(), 0);
}

#[test]
fn a_look_takes_no_more_than_is_asked_for() {
    let _watchdog = Watchdog::new();
    let worker = Worker::one_of(1);
    let mut crowd = Crowd::of(FEW);
    crowd.write_to_all();
    let mut before = 0;
    while before < FEW {
        worker.reactor.look(0, 3);
        assert!(crowd.woken() <= before + 3);
        before = crowd.woken();
    }
}

#[test]
fn who_blocks_is_told_of_what_comes_to_other_workers() {
    let _watchdog = Watchdog::new();
    let worker = Worker::one_of(2);
    let mut crowd = Crowd::of(2 * FEW);
    crowd.write_to_all();
    let reactor = &worker.reactor;
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while crowd.woken() < 2 * FEW {
                let _ = reactor.block(None);
            }
        });
    });
}

#[test]
fn each_worker_has_as_many_that_lead() {
    let _watchdog = Watchdog::new();
    let worker = Worker::one_of(2);
    let mut crowd = Crowd::of(2 * FEW);
    crowd.write_to_all();
    for _ in 0..2 {
        while crowd.woken() < FEW {
            worker.reactor.look(0, usize::MAX);
        }
        // The rest is the other one's.
        worker.reactor.look(0, usize::MAX);
        assert_eq!(crowd.woken(), FEW);
    }
    while crowd.woken() < 2 * FEW {
        worker.reactor.look(1, usize::MAX);
    }
}

#[test]
fn a_busy_worker_leaves_the_events_of_another_unless_that_does_not_look() {
    let _watchdog = Watchdog::new();
    let worker = Worker::one_of(2);
    let mut crowd = Crowd::of(2 * FEW);
    crowd.write_to_all();
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(worker.reactor.glance(1, |_| false, begun) & 0b01, 1, "left to lane 0");
    }
    assert_eq!(crowd.woken(), 0);
    while crowd.woken() < FEW {
        worker.reactor.glance(1, |_| false, begun + LONG);
    }
    // To its own it looks by itself.
    worker.reactor.glance(1, |_| false, begun + 2 * LONG);
    assert_eq!(crowd.woken(), FEW);
}

#[test]
fn a_busy_worker_takes_the_events_of_one_that_is_parked() {
    let _watchdog = Watchdog::new();
    let worker = Worker::one_of(2);
    let mut crowd = Crowd::of(2 * FEW);
    crowd.write_to_all();
    let begun = Instant::now();
    while crowd.woken() < FEW {
        assert_eq!(worker.reactor.glance(1, |lane| lane == 0, begun) & 0b01, 0);
    }
}

#[test]
fn few_sources_are_all_in_the_shared_selector() {
    let _watchdog = Watchdog::new();
    let worker = Worker::one_of(2);
    let mut crowd = Crowd::of(2 * FEW - 1);
    assert!(!worker.reactor.has_local_sources(0));
    assert!(!worker.reactor.has_local_sources(1));
    crowd.write_to_all();
    while crowd.woken() < 2 * FEW - 1 {
        worker.reactor.glance(0, |_| false, Instant::now());
    }
}

#[test]
fn what_is_in_a_workers_selector_is_told_when_nobody_drives_it_any_more_and_leaves_nothing() {
    let _watchdog = Watchdog::new();
    let worker = Worker::one_of(2);
    let crowd = Crowd::of(2 * FEW);
    worker.reactor.abandoned();
    assert_eq!(crowd.woken(), 2 * FEW);
    drop(crowd);
    assert_eq!(worker.reactor.sources(), 0);
    assert!(!worker.reactor.has_local_sources(0));
    assert!(!worker.reactor.has_local_sources(1));
}

/// Any descriptor is left where all find it; they are here for their number.
fn sources_for_all() -> Vec<AsyncFd<UdpSocket>> {
    let source = |_| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let source = AsyncFd::new(socket).unwrap();
        for _ in 0..POLLS {
            while let Poll::Ready(guard) = source.poll_read_ready(&mut Context::from_waker(Waker::noop())) {
                guard.unwrap().clear_ready();
            }
        }
        source
    };
    (0..4 * FEW).map(source).collect()
}

#[test]
fn what_was_accepted_goes_to_the_worker_that_feeds_it_and_others_stay() {
    let _watchdog = Watchdog::new();
    let worker = Worker::one_of(2);
    let _others = sources_for_all();
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    let mut peer = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    let Poll::Ready(Ok((served, _))) = listener.poll_accept(&mut Context::from_waker(Waker::noop())) else {
        panic!("it has connected");
    };
    assert!(!worker.reactor.has_local_sources(0));
    // The thread is worker 1 as well, and on another core now and then.
    let mut rounds = 0;
    while !worker.reactor.has_local_sources(0) && !worker.reactor.has_local_sources(1) {
        worker.reactor.look(rounds % 2, usize::MAX);
        rounds += 1;
        let (woken, waker) = Count::new();
        leave_pending(&served, &waker);
        peer.write_all(b"x").unwrap();
        while woken.get() == 0 {
            let _ = worker.reactor.block(None);
        }
    }
}
