//! Sockets and timers outlive the runtime that they began to wait in: X5, M9.
mod dropped;
mod fallback;
mod leaf;
mod place;
mod shared;
mod sole_runtime;

use std::sync::mpsc;
use std::thread;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use self::leaf::{KINDS, Wait};
use self::place::{FIRSTS, First, SECONDS, Second, poll_once};
use crate::support::{Rng, count, watchdog};

/// How a wait is carried from one place to the next.
#[derive(Clone, Copy, Debug)]
enum Carriage {
    /// As it is: polled anew by who takes it over.
    Bare,
    /// In a future that polls what is in it only when that was woken.
    Wrapped,
}

impl Carriage {
    fn load(self, wait: Wait) -> Wait {
        match self {
            Carriage::Bare => wait,
            Carriage::Wrapped => {
                let mut set: FuturesUnordered<Wait> = std::iter::once(wait).collect();
                Box::pin(async move { set.next().await.unwrap() })
            }
        }
    }
}

/// A wait begins in one place, goes on in another, and the next one in the first again.
fn goes_on(kind: usize, first: First, second: Second, carriage: Carriage) {
    let leaf = KINDS[kind].1();
    let (wait, mut left) = first.begin(carriage.load((leaf.wait)()));
    let (polled, is_polled) = mpsc::channel();
    let waiting = thread::Builder::new()
        .name(format!("{}, {first:?} to {second:?}, {carriage:?}", KINDS[kind].0))
        .spawn(move || {
            second.run(Box::pin(async move {
                let wait = poll_once(wait).await;
                polled.send(()).unwrap();
                wait.await;
            }));
        })
        .unwrap();
    is_polled.recv().unwrap();
    left.goes_on();
    (leaf.end)();
    waiting.join().unwrap();
    let wait = (leaf.wait)();
    (leaf.end)();
    left.wait(wait);
}

// X5, M9
#[test]
fn whatever_waits_goes_on_wherever_it_is_polled_next_and_comes_back() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let mut ways = Vec::new();
    for kind in 0..KINDS.len() {
        for first in FIRSTS {
            for second in SECONDS {
                ways.push((kind, first, second, Carriage::Bare));
                if first.wakes() {
                    ways.push((kind, first, second, Carriage::Wrapped));
                }
            }
        }
    }
    for round in 0..count(1, 10) {
        for at in (1..ways.len()).rev() {
            ways.swap(at, rng.below(at + 1));
        }
        // One in ten each time in the short run.
        for &(kind, first, second, carriage) in &ways[..count(ways.len() / 10, ways.len())] {
            println!("{round}: {}, {first:?} to {second:?}, {carriage:?}", KINDS[kind].0);
            goes_on(kind, first, second, carriage);
        }
    }
}

// X5, M9: the end of the first place against polls, events and the end of the wait in the second.
#[test]
fn the_end_of_a_runtime_against_a_poll_elsewhere_loses_no_wake_up() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    const ENDING: [First; 5] =
        [First::DroppingPool, First::DroppingSole, First::ShutPool, First::Guest, First::Between];
    for _ in 0..count(300, 30_000) {
        let kind = rng.below(KINDS.len());
        let first = ENDING[rng.below(ENDING.len())];
        let second = SECONDS[rng.below(SECONDS.len())];
        let carriage = if rng.below(2) == 0 { Carriage::Bare } else { Carriage::Wrapped };
        println!("{}, {first:?} to {second:?}, {carriage:?}", KINDS[kind].0);
        let leaf = KINDS[kind].1();
        let (wait, mut left) = first.begin(carriage.load((leaf.wait)()));
        let (mut early, mut late) = (rng.fork(), rng.fork());
        let waiting = thread::spawn(move || second.run(wait));
        let ending = thread::spawn(move || {
            early.spin(50_000);
            left.goes_on();
            drop(left);
        });
        late.spin(50_000);
        (leaf.end)();
        ending.join().unwrap();
        waiting.join().unwrap();
    }
}
