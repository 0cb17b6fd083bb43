//! A wake is not slept over, whenever it comes.
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use futures::future::{Either, select};
use runtime::Runtime;
use runtime::task::yield_now;
use runtime::time::{Duration, sleep};

use crate::support::{Rng, WORKERS, count, pool, watchdog};

/// A future whose first polls are each woken by another thread before they return.
async fn woken_before_it_is_pending(rounds: usize) {
    let mut left = rounds;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        let waker = cx.waker().clone();
        thread::spawn(move || waker.wake()).join().unwrap();
        Poll::Pending
    })
    .await;
}

// P1
#[test]
fn an_unpark_before_the_park_ends_it() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        runtime.block_on(woken_before_it_is_pending(200));
        runtime.block_on(runtime.spawn(woken_before_it_is_pending(200))).unwrap();
    }
    let sole = runtime::Builder::new_current_thread().build().unwrap();
    sole.block_on(woken_before_it_is_pending(200));
    runtime::block_on(woken_before_it_is_pending(200));
}

/// Wakes and timeouts that come at about the same time; each round ends by one of them, and none is lost.
async fn timeouts_against_wakes(mut rng: Rng, rounds: usize) -> (usize, usize) {
    let (to_waker, wakers) = mpsc::channel::<(Waker, Arc<AtomicUsize>, Duration)>();
    let mut delays = rng.fork();
    let foreign = thread::spawn(move || {
        for (waker, round, delay) in wakers {
            let began = std::time::Instant::now();
            while began.elapsed() < delay {
                std::hint::spin_loop();
            }
            delays.spin(500);
            round.store(1, Ordering::Release);
            waker.wake();
        }
    });
    let (mut woken, mut timed_out) = (0, 0);
    for _ in 0..rounds {
        let flag = Arc::new(AtomicUsize::new(0));
        let mut sent = false;
        let wake = poll_fn(|cx| {
            if flag.load(Ordering::Acquire) == 1 {
                return Poll::Ready(());
            }
            if !sent {
                sent = true;
                to_waker.send((cx.waker().clone(), Arc::clone(&flag), rng.micros(3_000))).unwrap();
            }
            Poll::Pending
        });
        match select(pin!(wake), pin!(sleep(Duration::from_millis(1)))).await {
            Either::Left(_) => woken += 1,
            Either::Right((_, wake)) => {
                timed_out += 1;
                // It still comes.
                wake.await;
            }
        }
    }
    drop(to_waker);
    foreign.join().unwrap();
    (woken, timed_out)
}

fn show(who: &str, (woken, timed_out): (usize, usize)) {
    println!("{who}: {woken} woken, {timed_out} timed out");
}

// P2
#[test]
fn a_wake_against_a_timeout_keeps_its_token() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let rounds = count(150, 1_000_000);
    for workers in WORKERS {
        let runtime = pool(workers);
        show("guest", runtime.block_on(timeouts_against_wakes(rng.fork(), rounds)));
        let task = runtime.spawn(timeouts_against_wakes(rng.fork(), rounds));
        show("task", runtime.block_on(task).unwrap());
    }
    let sole = runtime::Builder::new_current_thread().build().unwrap();
    show("sole thread", sole.block_on(timeouts_against_wakes(rng.fork(), rounds)));
    show("no runtime", runtime::block_on(timeouts_against_wakes(rng.fork(), rounds)));
}

/// Several threads inside `block_on` of one runtime: one is the guest, the others are not.
fn many_in_block_on(runtime: &Runtime) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..200 {
                    let sum = runtime.block_on(async {
                        let one = runtime::spawn(async move { n });
                        yield_now().await;
                        let two = runtime::spawn(async move { n });
                        if n % 50 == 0 {
                            sleep(Duration::from_millis(1)).await;
                        }
                        one.await.unwrap() + two.await.unwrap()
                    });
                    assert_eq!(sum, 2 * n);
                }
            });
        }
    });
}

#[test]
fn several_threads_in_block_on_at_once_all_go_on() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        many_in_block_on(&pool(workers));
    }
}

#[test]
fn several_threads_in_block_on_of_a_runtime_without_workers_all_go_on() {
    let _watchdog = watchdog();
    many_in_block_on(&runtime::Builder::new_current_thread().build().unwrap());
}
