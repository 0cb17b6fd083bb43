//! Futures with a deadline.
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use reactor_hook::{Clock, Frame, budget};
use timer::{Instant, sleep, timeout, timeout_at};

use crate::support::{CountWakes, Manual, ms, poll};

struct CountLooks(AtomicUsize);

impl Clock for CountLooks {
    fn now(&self) -> std::time::Instant {
        self.0.fetch_add(1, Ordering::Relaxed);
        std::time::Instant::now()
    }
}

#[test]
fn ready_future_costs_no_look_at_the_clock() {
    let manual = Manual::new();
    let clock = Arc::new(CountLooks(AtomicUsize::new(0)));
    let frame = Frame::builder().source(manual.timers.clone()).clock(clock.clone()).build();
    let _entered = frame.enter();
    let (_, waker) = CountWakes::new();
    assert_eq!(poll(pin!(timeout(ms(5), ready(7))), &waker), Poll::Ready(Ok(7)));
    assert_eq!(clock.0.load(Ordering::Relaxed), 0);
    let mut waiting = pin!(timeout(ms(5), pending::<()>()));
    for _ in 0..5 {
        assert!(poll(waiting.as_mut(), &waker).is_pending());
    }
    assert_eq!(clock.0.load(Ordering::Relaxed), 1, "one look an arm");
    let mut sleeping = pin!(sleep(ms(5)));
    for _ in 0..5 {
        assert!(poll(sleeping.as_mut(), &waker).is_pending());
    }
    assert_eq!(clock.0.load(Ordering::Relaxed), 2, "one look an arm");
}

#[test]
fn limit_counts_from_the_first_pending() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (wakes, waker) = CountWakes::new();
    let mut limited = pin!(timeout(ms(10), pending::<()>()));
    manual.advance(ms(100));
    assert!(poll(limited.as_mut(), &waker).is_pending());
    manual.advance(ms(9));
    assert_eq!(wakes.take(), 0);
    manual.advance(ms(1));
    assert_eq!(wakes.take(), 1);
    let elapsed = match poll(limited.as_mut(), &waker) {
        Poll::Ready(Err(elapsed)) => elapsed,
        other => panic!("{other:?}"),
    };
    assert_eq!(elapsed.to_string(), "deadline has elapsed");
    assert_eq!(std::io::Error::from(elapsed).kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn limit_of_zero_polls_the_future_once() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (_, waker) = CountWakes::new();
    assert_eq!(poll(pin!(timeout(ms(0), ready(1))), &waker), Poll::Ready(Ok(1)));
    assert!(matches!(poll(pin!(timeout(ms(0), pending::<()>())), &waker), Poll::Ready(Err(_))));
    let past = Instant::now() - ms(5);
    assert_eq!(poll(pin!(timeout_at(past, ready(1))), &waker), Poll::Ready(Ok(1)));
    assert!(matches!(poll(pin!(timeout_at(past, pending::<()>())), &waker), Poll::Ready(Err(_))));
}

#[test]
fn future_in_it_can_be_reached_and_taken_out() {
    let mut limited = timeout(ms(5), ready(3));
    let _: &std::future::Ready<i32> = limited.get_ref();
    *limited.get_mut() = ready(4);
    let (_, waker) = CountWakes::new();
    assert_eq!(poll(pin!(limited.into_inner()), &waker), Poll::Ready(4));
}

#[test]
fn deadline_is_heeded_though_the_future_uses_up_the_budget() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (_, waker) = CountWakes::new();
    let mut limited = pin!(timeout(
        ms(5),
        poll_fn(|cx| loop {
            match budget::poll_proceed(cx) {
                Poll::Ready(charge) => charge.made_progress(),
                Poll::Pending => return Poll::<()>::Pending,
            }
        })
    ));
    let mut turn = || budget::with_budget(budget::PER_POLL, || poll(limited.as_mut(), &waker));
    assert!(turn().is_pending());
    manual.advance(ms(5));
    assert!(turn().is_ready());
}

#[test]
fn timeouts_that_are_always_over_give_way() {
    let manual = Manual::new();
    let _entered = manual.enter();
    let (wakes, waker) = CountWakes::new();
    let mut greedy = pin!(async {
        loop {
            let _ = timeout(ms(0), pending::<()>()).await;
        }
    });
    assert!(budget::with_budget(budget::PER_POLL, || poll(greedy.as_mut(), &waker)).is_pending());
    assert_eq!(wakes.take(), 1);
}
