//! A runtime without workers, which nobody drives between two `block_on`.
use std::io::Write as _;
use std::sync::{Arc, mpsc};
use std::thread;

use futures::channel::oneshot;
use runtime::net::UnixStream;
use runtime::time::{Duration, Instant, sleep, timeout};

use super::place::{poll_once, sole};
use crate::support::{Rng, count, watchdog};

fn stream() -> (UnixStream, std::os::unix::net::UnixStream) {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    (UnixStream::from_std(near).unwrap(), far)
}

#[test]
fn its_tasks_go_on_at_the_next_block_on_with_what_happened_in_between() {
    let _watchdog = watchdog();
    let runtime = sole();
    for _ in 0..count(100, 10_000) {
        let (mut near, mut far) = stream();
        let reader = runtime.spawn(async move {
            let mut byte = [0];
            assert_eq!(near.read(&mut byte).await.unwrap(), 1);
            byte[0]
        });
        let deadline = Instant::now() + Duration::from_millis(1);
        let sleeper = runtime.spawn(async move {
            runtime::time::sleep_until(deadline).await;
            assert!(Instant::now() >= deadline);
        });
        // Both wait.
        runtime.block_on(runtime::task::yield_now());
        far.write_all(&[9]).unwrap();
        assert_eq!(runtime.block_on(reader).unwrap(), 9);
        runtime.block_on(sleeper).unwrap();
    }
}

#[test]
fn the_next_thread_in_block_on_takes_over_what_waits() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = Arc::new(sole());
    for _ in 0..count(100, 10_000) {
        let mut threads = Vec::new();
        let mut fars = Vec::new();
        for _ in 0..3 {
            let (mut near, far) = stream();
            fars.push(far);
            let (runtime, millis) = (Arc::clone(&runtime), rng.below(2) as u64);
            threads.push(thread::spawn(move || {
                runtime.block_on(async {
                    let waits = async { near.read(&mut [0]).await.unwrap() };
                    assert_eq!(timeout(Duration::from_secs(3600), waits).await, Ok(1));
                    sleep(Duration::from_millis(millis)).await;
                });
            }));
        }
        // Whoever has the seat leaves it in this order; the others still wait.
        for far in &mut fars {
            rng.spin(5_000);
            far.write_all(&[1]).unwrap();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

// The root blocks; what it waits for waits for a socket of this runtime.
#[test]
fn a_thread_that_its_root_waits_for_is_not_let_down() {
    let _watchdog = watchdog();
    let runtime = sole();
    let (mut near, mut far) = stream();
    let (polled, is_polled) = mpsc::channel();
    let (done, is_done) = oneshot::channel();
    let writer = thread::spawn(move || {
        is_polled.recv().unwrap();
        far.write_all(&[1]).unwrap();
    });
    runtime.block_on(async {
        let wait = poll_once(Box::pin(async move {
            assert_eq!(near.read(&mut [0]).await.unwrap(), 1);
            sleep(Duration::from_millis(2)).await;
            done.send(()).unwrap();
        }))
        .await;
        let waiting = thread::spawn(move || {
            futures::executor::block_on(async {
                let wait = poll_once(wait).await;
                polled.send(()).unwrap();
                wait.await;
            });
        });
        // Blocks the only thread that drives.
        waiting.join().unwrap();
        is_done.await.unwrap();
    });
    writer.join().unwrap();
}

#[test]
fn a_timer_carried_from_place_to_place_keeps_its_deadline() {
    let _watchdog = watchdog();
    let first = sole();
    let mut slept = Box::pin(first.block_on(async { sleep(Duration::from_millis(20)) }));
    let deadline = slept.deadline();
    let half_way = |slept: &mut std::pin::Pin<Box<runtime::time::Sleep>>| {
        let polled = slept.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        assert_eq!(slept.deadline(), deadline);
        polled.is_ready()
    };
    let second = crate::support::pool(1);
    let mut ended = false;
    while !ended {
        ended |= first.block_on(async { half_way(&mut slept) });
        ended |= second.block_on(async { half_way(&mut slept) });
        ended |= half_way(&mut slept);
        ended |= runtime::block_on(async { half_way(&mut slept) });
        ended |= pollster::block_on(async { half_way(&mut slept) });
        assert!(!ended || Instant::now() >= deadline, "early");
    }
    runtime::block_on(slept);
}
