//! Timers that are dropped: before, at and after their fire, here and elsewhere.
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;

use reactor_hook::{DeadlineSource, Frame};
use timer::{Duration, Instant, Timeout, Timers, sleep, sleep_until, timeout};

use crate::support::{CountWakes, Random, count, ms, poll, watchdog};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn cancel_against_fire_wakes_at_most_once() {
    let _watchdog = watchdog();
    let mut random = Random::new();
    let timers = Timers::new(1);
    assert!(timers.attendance().try_attend());
    // A clock that leaps an hour each time it is fired by, so that what is armed is due after a few fires.
    let (stop, hours) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let start = Instant::now();
    let firer = {
        let (timers, stop, hours) = (timers.clone(), stop.clone(), hours.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let hour = hours.fetch_add(1, Ordering::Relaxed);
                timers.fire(start.into_std() + HOUR * hour);
            }
        })
    };
    let frame = Frame::builder().source(timers.clone()).build();
    let _entered = frame.enter();
    let (wakes, waker) = CountWakes::new();
    for _ in 0..count(1_000_000) {
        let hour = hours.load(Ordering::Relaxed) + 2 + random.below(3) as u32;
        let mut sleep = Box::pin(sleep_until(start + HOUR * hour));
        if poll(sleep.as_mut(), &waker).is_ready() {
            continue;
        }
        for _ in 0..random.below(200) {
            std::hint::spin_loop();
        }
        let fired = sleep.is_elapsed();
        drop(sleep);
        let woken = wakes.take();
        assert!(woken <= 1);
        // The waker is called after the state is set, so it may still come.
        while Arc::strong_count(&wakes) > 2 {
            std::thread::yield_now();
        }
        let woken = woken + wakes.take();
        assert!(woken <= 1 && (!fired || woken == 1), "fired: {fired}, woken: {woken}");
    }
    stop.store(true, Ordering::Relaxed);
    firer.join().unwrap();
    assert_eq!(timers.len(), 0);
}

#[test]
fn timeouts_made_and_cancelled_across_workers_leave_nothing() {
    let _watchdog = watchdog();
    const WORKERS: u32 = 3;
    let timers = Timers::new(WORKERS as usize);
    assert!(timers.attendance().try_attend());
    let (wakes, waker) = CountWakes::new();
    type Made = Pin<Box<Timeout<std::future::Pending<()>>>>;
    std::thread::scope(|scope| {
        // Each makes timeouts and sends them to the next, who polls or drops them.
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..WORKERS).map(|_| sync_channel::<Made>(64)).unzip();
        for (lane, receiver) in receivers.into_iter().enumerate() {
            let next = senders[(lane + 1) % senders.len()].clone();
            let (timers, waker) = (timers.clone(), waker.clone());
            scope.spawn(move || {
                let frame = Frame::builder().source(timers.clone()).lane(lane as u32).build();
                let _entered = frame.enter();
                for n in 0..count(1_000_000) / WORKERS as usize {
                    let mut made: Made = Box::pin(timeout(ms(n as u64 % 50), std::future::pending()));
                    let _ = poll(made.as_mut(), &waker).is_ready();
                    if let Err(full) = next.try_send(made) {
                        drop(full);
                    }
                    while let Ok(mut received) = receiver.try_recv() {
                        if n % 3 == 0 {
                            let _ = poll(received.as_mut(), &waker).is_ready();
                        }
                    }
                    timers.fire_lane(lane as u32, reactor_hook::now());
                }
            });
        }
    });
    assert_eq!(timers.len(), 0);
    assert_eq!(timers.next_deadline(), None);
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1, "a waker was leaked");
}

#[test]
fn million_timers_are_all_freed() {
    let _watchdog = watchdog();
    let timers = Timers::new(1);
    assert!(timers.attendance().try_attend());
    let frame = Frame::builder().source(timers.clone()).build();
    let _entered = frame.enter();
    let (wakes, waker) = CountWakes::new();
    let mut random = Random::new();
    let number = count(1_000_000);
    let mut sleeps: Vec<_> =
        (0..number).map(|_| Box::pin(sleep(ms(3_600_000 + random.below(100_000_000))))).collect();
    for sleep in &mut sleeps {
        assert!(poll(sleep.as_mut(), &waker).is_pending());
    }
    assert_eq!(timers.len(), number);
    assert_eq!(Arc::strong_count(&wakes), number + 2);
    // Half by fire, half by drop.
    timers.fire(Instant::now().into_std() + ms(3_600_000 + 50_000_000));
    let fired = wakes.take();
    assert!(fired > number / 3 && fired < number, "{fired}");
    assert_eq!(timers.len(), number - fired);
    drop(sleeps);
    assert_eq!(timers.len(), 0);
    assert_eq!(Arc::strong_count(&wakes), 2);
}
