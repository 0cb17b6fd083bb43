//! An earlier deadline comes while somebody blocks until a later one.
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::executor::block_on;
// The thread sanitizer sees its locks, and not the standard library's.
use parking_lot::{Condvar, Mutex};
use reactor_hook::{DeadlineSource, Frame, Unpark};
use timer::{Duration, Instant, Timers, sleep};

use crate::support::{CountWakes, Random, count, ms, poll, watchdog};

/// Blocks a keeper of time until a deadline or an unpark, and counts the unparks.
#[derive(Default)]
struct Bench {
    token: Mutex<bool>,
    changed: Condvar,
}

impl Unpark for Bench {
    fn unpark(&self) {
        *self.token.lock() = true;
        self.changed.notify_one();
    }
}

impl Bench {
    fn block(&self, until: Option<std::time::Instant>) {
        let mut token = self.token.lock();
        while !*token {
            match until {
                None => self.changed.wait(&mut token),
                Some(until) if self.changed.wait_until(&mut token, until).timed_out() => break,
                Some(_) => {}
            }
        }
        *token = false;
    }

    fn is_unparked(&self) -> bool {
        *self.token.lock()
    }
}

fn keep(timers: &Timers, bench: &Bench, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let until = timers.prepare_wait();
        bench.block(until);
        timers.finish_wait();
        timers.fire(std::time::Instant::now());
    }
    timers.leave();
}

#[test]
fn earlier_deadlines_end_the_wait_of_the_one_who_blocks() {
    let _watchdog = watchdog();
    let timers = Timers::new(2);
    assert!(timers.attendance().try_attend());
    let (bench, stop) = (Arc::new(Bench::default()), Arc::new(AtomicBool::new(false)));
    timers.set_unpark(Some(bench.clone()));
    let keeper = {
        let (timers, bench, stop) = (timers.clone(), bench.clone(), stop.clone());
        std::thread::spawn(move || keep(&timers, &bench, &stop))
    };
    // The last deadline of all: whatever is armed later is earlier, and is lost if the keeper is not told.
    let context = Frame::builder().source(timers.clone()).context_only().build();
    let mut last = pin!(sleep(Duration::from_secs(3600)));
    {
        let _entered = context.enter();
        assert!(poll(last.as_mut(), &CountWakes::new().1).is_pending());
    }
    std::thread::scope(|scope| {
        for lane in 0..2 {
            let timers = timers.clone();
            let mut random = Random::new();
            scope.spawn(move || {
                let context = Frame::builder().source(timers).context_only().lane(lane).build();
                let _entered = context.enter();
                for _ in 0..count(20_000) {
                    let start = Instant::now();
                    let duration = ms(random.below(3));
                    block_on(sleep(duration));
                    assert!(start.elapsed() >= duration);
                }
            });
        }
    });
    assert_eq!(timers.len(), 1);
    stop.store(true, Ordering::Release);
    bench.unpark();
    keeper.join().unwrap();
    assert_eq!(timers.len(), 0);
}

#[test]
fn only_deadlines_before_the_end_of_the_wait_unpark() {
    let timers = Timers::new(1);
    assert!(timers.attendance().try_attend());
    let bench = Arc::new(Bench::default());
    timers.set_unpark(Some(bench.clone()));
    let worker = Frame::builder().source(timers.clone()).build();
    let _entered = worker.enter();
    let (_, waker) = CountWakes::new();
    let arm = |after| {
        let mut sleep = Box::pin(sleep(ms(after)));
        assert!(poll(sleep.as_mut(), &waker).is_pending());
        sleep
    };
    timers.finish_wait();
    let first = arm(50_000);
    assert!(!bench.is_unparked(), "nobody blocks");
    assert_eq!(timers.prepare_wait(), timers.next_deadline());
    let later = arm(60_000);
    assert!(!bench.is_unparked(), "later than the wait's end");
    let earlier = arm(10_000);
    assert!(bench.is_unparked(), "a worker told the one who blocks");
    bench.block(None);
    timers.finish_wait();
    let _ = timers.prepare_wait();
    drop(earlier);
    let still_in_time = arm(20_000);
    assert!(!bench.is_unparked(), "the wait ends before anyway");
    drop((first, later, still_in_time));
}

#[test]
fn reset_from_another_thread_ends_a_frame_s_wait() {
    let _watchdog = watchdog();
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let (wakes, waker) = CountWakes::new();
    let sleep = Arc::new(Mutex::new(Box::pin(sleep(Duration::from_secs(3600)))));
    assert!(poll(sleep.lock().as_mut(), &waker).is_pending());
    let other = {
        let sleep = sleep.clone();
        std::thread::spawn(move || sleep.lock().as_mut().reset(Instant::now() + ms(10)))
    };
    while wakes.take() == 0 {
        frame.wait();
    }
    other.join().unwrap();
    assert!(sleep.lock().is_elapsed());
}

#[test]
fn insert_on_the_thread_that_waits_needs_no_unpark() {
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let (_, waker) = CountWakes::new();
    let mut sleep = pin!(sleep(Duration::from_secs(3600)));
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    sleep.as_mut().reset(Instant::now() + ms(10));
    assert!(!frame.parker().take_token());
}
