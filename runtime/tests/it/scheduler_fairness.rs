//! No task waits for ever behind others. Polls are counted, not time: these runtimes have one worker.
use parking_lot::Mutex;
use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use runtime::net::UnixStream;
use runtime::task::yield_now;

use crate::support::{pool, until_no_tasks, watchdog};

/// What the runtime looks after every so many polls, by default.
const INTERVAL: usize = 61;
/// Tasks from the LIFO slot in a row, at most.
const LIFO_CAP: usize = 3;

/// Wakes itself at each poll, and counts them.
struct SelfWaker {
    polls: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Future for SelfWaker {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        if self.stop.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Polls of `self_wakers` tasks that go by until a task spawned from outside, ten times, is polled.
fn polls_before_a_probe(self_wakers: usize) -> Vec<usize> {
    let runtime = pool(1);
    let (polls, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    for _ in 0..self_wakers {
        drop(runtime.spawn(SelfWaker { polls: Arc::clone(&polls), stop: Arc::clone(&stop) }));
    }
    let (tx, rx) = mpsc::channel();
    let (handle, counter) = (runtime.handle().clone(), Arc::clone(&polls));
    let spawner = runtime.spawn(async move {
        // Not before all of them are there.
        while counter.load(Ordering::Relaxed) < 10 * self_wakers {
            yield_now().await;
        }
        let mut waits = Vec::new();
        for _ in 0..10 {
            let (handle, polls) = (handle.clone(), Arc::clone(&counter));
            // Spawned by a thread outside while this one, the only worker, stands still: the counter does too.
            let probe = thread::spawn(move || {
                let before = polls.load(Ordering::Relaxed);
                handle.spawn(async move { polls.load(Ordering::Relaxed) - before })
            })
            .join()
            .unwrap();
            waits.push(probe.await.unwrap());
        }
        tx.send(waits).unwrap();
    });
    let waits = rx.recv().unwrap();
    stop.store(true, Ordering::Relaxed);
    drop(spawner);
    until_no_tasks(&runtime);
    waits
}

// S2
#[test]
fn among_a_thousand_self_wakers_a_probe_waits_at_most_two_rounds() {
    let _watchdog = watchdog();
    let waits = polls_before_a_probe(1_000);
    assert!(waits.iter().all(|wait| *wait <= 2_000), "{waits:?}");
}

// S2
#[test]
fn the_injector_is_looked_at_within_one_interval() {
    let _watchdog = watchdog();
    // One self-waker and the spawner itself: what is taken from the injector has at most these two before it.
    let waits = polls_before_a_probe(1);
    assert!(waits.iter().all(|wait| *wait <= INTERVAL + 2), "{waits:?}");
}

/// A slot for a waker and a flag to be woken for.
#[derive(Default)]
struct Seat {
    waker: Mutex<Option<Waker>>,
    called: AtomicBool,
}

impl Seat {
    fn call(&self) {
        self.called.store(true, Ordering::Relaxed);
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            if self.called.swap(false, Ordering::Relaxed) {
                return Poll::Ready(());
            }
            *self.waker.lock() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

// S3
#[test]
fn a_pair_that_plays_ping_pong_through_the_lifo_slot_lets_a_victim_run() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let seats: Arc<[Seat; 3]> = Arc::default();
    let turns = Arc::new(AtomicUsize::new(0));
    let called_at = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = mpsc::channel();
    let rounds = 1_000;

    // Each wakes the other: always through the LIFO slot.
    let pair = [0, 1].map(|me| {
        let (seats, turns, called_at) = (Arc::clone(&seats), Arc::clone(&turns), Arc::clone(&called_at));
        runtime.spawn(async move {
            for round in 0..rounds * 10 {
                seats[me].wait().await;
                let turn = turns.fetch_add(1, Ordering::Relaxed) + 1;
                if me == 0 && round % 10 == 0 {
                    called_at.store(turn, Ordering::Relaxed);
                    // First the victim, whom the partner then pushes out of the LIFO slot.
                    seats[2].call();
                }
                seats[1 - me].call();
            }
        })
    });
    let (victim_seats, victim_turns) = (Arc::clone(&seats), Arc::clone(&turns));
    let victim = runtime.spawn(async move {
        let mut waits = Vec::new();
        for _ in 0..rounds {
            victim_seats[2].wait().await;
            waits.push(victim_turns.load(Ordering::Relaxed) - called_at.load(Ordering::Relaxed));
        }
        tx.send(waits).unwrap();
    });
    // Not through `block_on`: that thread must not take part.
    drop(runtime.spawn(async move { seats[0].call() }));
    let waits = rx.recv().unwrap();
    assert!(waits.iter().all(|wait| *wait <= LIFO_CAP + 1), "{:?}", waits.iter().max());
    drop((pair, victim));
    until_no_tasks(&runtime);
}

// S8
#[test]
fn beside_a_hot_yielder_a_ready_socket_is_served_within_one_event_interval() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let (theirs, ours) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let polls = Arc::new(AtomicUsize::new(0));
    let written_at = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = mpsc::channel();
    let rounds = 50;

    let (served, counter, written) = (Arc::clone(&stop), Arc::clone(&polls), Arc::clone(&written_at));
    let reader = runtime.spawn(async move {
        let mut ours = UnixStream::from_std(ours).unwrap();
        let mut waits = Vec::new();
        for _ in 0..rounds {
            let n = ours.read(&mut [0; 8]).await.unwrap();
            assert_eq!(n, 1);
            waits.push(counter.load(Ordering::Relaxed) - written.swap(0, Ordering::Relaxed));
        }
        served.store(true, Ordering::Relaxed);
        tx.send(waits).unwrap();
    });
    let mut theirs = theirs;
    let yielder = runtime.spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            // A poll of some length: the least time between two looks is bounded by the clock as well.
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(2) {
                std::hint::spin_loop();
            }
            let poll = polls.fetch_add(1, Ordering::Relaxed) + 1;
            // Written inside a poll of the only worker: nobody looks at the socket in this very moment.
            if poll.is_multiple_of(200) && written_at.load(Ordering::Relaxed) == 0 {
                written_at.store(poll, Ordering::Relaxed);
                theirs.write_all(&[1]).unwrap();
            }
            yield_now().await;
        }
    });
    let waits = rx.recv().unwrap();
    assert!(waits.iter().all(|wait| *wait <= INTERVAL + 2), "{waits:?}");
    drop((reader, yielder));
    until_no_tasks(&runtime);
}

#[test]
fn a_task_whose_operations_are_always_ready_gives_way_to_its_neighbours() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // Joins finished tasks and sleeps for no time, without ever being pending by itself: the budget makes it pending.
    let greedy = runtime.spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            runtime::time::sleep(Duration::ZERO).await;
        }
    });
    let neighbour = runtime.spawn(async move { stop.store(true, Ordering::Relaxed) });
    runtime.block_on(async { (greedy.await.unwrap(), neighbour.await.unwrap()) });
}
