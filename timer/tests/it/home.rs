//! Timers on executors that come and go.
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use futures::executor::block_on;
use reactor_hook::Frame;
use timer::{Instant, Timers, sleep};

use crate::support::{CountWakes, Manual, ms, poll, watchdog};

/// Runs a future in a frame of its own, as a small executor would.
fn run_open<F: Future>(future: F) -> F::Output {
    let frame: Rc<Frame> = Frame::open().build();
    let _entered = frame.enter();
    let waker = Waker::from(frame.parker().clone());
    let mut future = pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = poll(future.as_mut(), &waker) {
            return output;
        }
        frame.wait();
    }
}

#[test]
fn open_frame_keeps_the_time_itself() {
    let _watchdog = watchdog();
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let mut sleep = pin!(sleep(ms(20)));
    let start = Instant::now();
    assert!(poll(sleep.as_mut(), Waker::noop()).is_pending());
    let timers = reactor_hook::source_of::<Timers>().expect("the frame was given timers");
    assert_eq!(timers.len(), 1);
    while !sleep.is_elapsed() {
        frame.wait();
    }
    assert!(start.elapsed() >= ms(20));
}

#[test]
fn one_look_says_which_timers_which_lane_and_who_keeps_the_time() {
    assert!(reactor_hook::source_here::<Timers>().is_none(), "no frame");
    let timers = Timers::new(1);
    let found = |frame: &Rc<Frame>| {
        let _entered = frame.enter();
        reactor_hook::source_here::<Timers>()
            .map(|here| (here.source.as_ptr().cast_const(), here.lane, here.is_timed))
    };
    let worker = Frame::builder().source(timers.clone()).lane(3).build();
    assert_eq!(found(&worker), Some((Arc::as_ptr(&timers), 3, true)));
    let context = Frame::builder().source(timers.clone()).context_only().build();
    assert_eq!(found(&context), Some((Arc::as_ptr(&timers), 0, false)));
    assert_eq!(found(&Frame::open().build()), None, "a place for some, and none yet");
}

#[test]
fn timers_go_on_when_their_executor_is_gone() {
    let _watchdog = watchdog();
    let (wakes, waker) = CountWakes::new();
    let mut sleep = Box::pin(sleep(ms(30)));
    let deadline = sleep.deadline();
    {
        let frame = Frame::open().build();
        let _entered = frame.enter();
        assert!(poll(sleep.as_mut(), &waker).is_pending());
    }
    assert_eq!(wakes.take(), 1, "its keeper left: it must be polled again");
    run_open(async {
        sleep.await;
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn timers_of_a_dead_runtime_are_kept_by_the_process() {
    let _watchdog = watchdog();
    let manual = Manual::new();
    let _entered = manual.enter();
    manual.timers.leave();
    // As the context of a runtime that is gone.
    let context = Frame::builder().source(manual.timers.clone()).context_only().build();
    let _entered = context.enter();
    block_on(async {
        let deadline = Instant::now() + ms(20);
        timer::sleep_until(deadline).await;
        assert!(Instant::now() >= deadline);
    });
    assert_eq!(manual.timers.len(), 0);
}

#[test]
fn timer_polled_in_an_entered_context_is_kept_by_its_runtime() {
    let manual = Manual::new();
    let context =
        Frame::builder().source(manual.timers.clone()).clock(manual.clock.clone()).context_only().build();
    let _entered = context.enter();
    let (wakes, waker) = CountWakes::new();
    let mut sleep = pin!(sleep(ms(20)));
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    assert_eq!(manual.timers.len(), 1);
    manual.advance(ms(20));
    assert_eq!(wakes.take(), 1);
}

#[test]
fn leaving_wakes_every_waiter_once_and_they_move() {
    let first = Manual::new();
    let (wakes, waker) = CountWakes::new();
    let mut sleeps: Vec<_> = {
        let _entered = first.enter();
        (0..100).map(|n| Box::pin(sleep(ms(10 + n)))).collect()
    };
    {
        let _entered = first.enter();
        for sleep in &mut sleeps {
            assert!(poll(sleep.as_mut(), &waker).is_pending());
        }
    }
    first.timers.leave();
    assert_eq!((wakes.take(), first.timers.len()), (100, 0));
    let second = Manual::of(Timers::with_origin(1, first.now()), first.clock.clone(), 0);
    let _entered = second.enter();
    for sleep in &mut sleeps {
        assert!(!sleep.is_elapsed());
        assert!(poll(sleep.as_mut(), &waker).is_pending());
    }
    assert_eq!(second.timers.len(), 100);
    second.advance(ms(200));
    assert_eq!(wakes.take(), 100);
}

#[test]
fn dropped_timers_leave_nobody_behind() {
    let (wakes, waker) = CountWakes::new();
    let mut sleep = Box::pin(sleep(ms(10)));
    let manual = Manual::new();
    {
        let _entered = manual.enter();
        assert!(poll(sleep.as_mut(), &waker).is_pending());
    }
    let timers = Arc::downgrade(&manual.timers);
    drop(manual);
    assert_eq!(timers.strong_count(), 0);
    assert_eq!(wakes.take(), 1);
    sleep.as_mut().reset(Instant::now());
    block_on(sleep);
}

#[test]
fn timer_that_moves_to_another_executor_is_kept_there() {
    let (first, second) = (Manual::new(), Manual::new());
    let mut sleep = pin!(sleep(ms(60_000)));
    {
        let _entered = first.enter();
        assert!(poll(sleep.as_mut(), Waker::noop()).is_pending());
    }
    let (wakes, waker) = CountWakes::new();
    let _entered = second.enter();
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    assert_eq!((first.timers.len(), second.timers.len()), (0, 1));
    second.advance(ms(61_000));
    assert_eq!(wakes.take(), 1);
}

#[test]
fn timer_armed_on_a_foreign_executor_moves_into_a_frame_that_polls_it() {
    let _watchdog = watchdog();
    let mut sleep = Box::pin(sleep(ms(25)));
    assert!(poll(sleep.as_mut(), Waker::noop()).is_pending());
    run_open(sleep);
}
