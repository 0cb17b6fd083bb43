//! Whoever polls inside another future is in the same frame; a frame inside of another has a place of its own.
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _, join, select};
use reactor_hook::{
    Attendance, Blocking, DeadlineSource, Driver as _, Frame, Placement, Unpark, drive, drive_local,
    has_place, is_driven_here, time,
};

use crate::reactors::{Anywhere, Here};
use crate::small::executor;
use crate::support::{Count, poll, until, watchdog};

fn run(future: impl Future<Output = ()>) {
    executor::run(vec![Box::pin(future)]);
}

/// Hands on a wake, as combinators do that want to know which of their futures was woken.
struct Wrapped(Waker);

impl Wake for Wrapped {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

async fn wrapped<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let waker = Waker::from(Arc::new(Wrapped(cx.waker().clone())));
        future.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

/// Both kinds of driver, one after the other, in whatever `combined` makes of the future.
fn runs_in<F: Future<Output = ()>>(combined: impl Fn(std::pin::Pin<Box<dyn Future<Output = ()>>>) -> F) {
    let (shared, local) = (Anywhere::new("shared"), Here::new("local"));
    let this = std::thread::current().id();
    let at_shared = {
        let shared = Arc::clone(&shared);
        async move {
            shared.events.happen_soon();
            shared.next().await.unwrap();
        }
    };
    run(combined(Box::pin(at_shared)));
    assert_eq!(shared.events.threads(), [this], "driven where it was polled");
    let at_local = {
        let local = Rc::clone(&local);
        async move {
            local.events.happen_soon();
            local.next().await.unwrap();
        }
    };
    run(combined(Box::pin(at_local)));
    assert_eq!(local.events.threads(), [this]);
}

#[test]
fn join_is_in_the_same_frame() {
    let _watchdog = watchdog();
    runs_in(async |future| {
        join!(future, async {});
    });
}

#[test]
fn select_is_in_the_same_frame() {
    let _watchdog = watchdog();
    runs_in(async |future| {
        select! {
            () = future.fuse() => {}
            () = std::future::pending().fuse() => {}
        }
    });
}

#[test]
fn futures_unordered_is_in_the_same_frame() {
    let _watchdog = watchdog();
    runs_in(async |future| {
        let mut all = FuturesUnordered::new();
        all.push(future);
        while all.next().await.is_some() {}
    });
}

#[test]
fn a_wrapped_waker_is_in_the_same_frame() {
    let _watchdog = watchdog();
    runs_in(wrapped);
}

#[test]
fn a_task_local_scope_and_an_entered_context_are_in_the_same_frame() {
    let _watchdog = watchdog();
    let local = Here::new("local");
    run(async {
        // Entered and kept while others are polled, as the guard of a runtime is.
        let context = Frame::builder().context_only().blocking(Blocking::Inherited).build();
        let _entered = context.enter();
        local.events.happen_soon();
        local.next().await.unwrap();
    });
}

#[test]
fn a_frame_inside_of_another_has_a_place_of_its_own() {
    let _watchdog = watchdog();
    let outer = Frame::open().build();
    let _outer = outer.enter();
    let (one, other, third) = (Anywhere::new("one"), Anywhere::new("other"), Here::new("third"));
    drive(&one).unwrap();
    let key = |driver: &Arc<Anywhere>| Arc::as_ptr(driver).cast();
    assert!(is_driven_here(key(&one)));
    {
        let inner = Frame::open().build();
        let _inner = inner.enter();
        assert!(has_place());
        assert!(!is_driven_here(key(&one)));
        drive(&other).unwrap();
        assert!(is_driven_here(key(&other)));
        drive_local(&third).unwrap();
        assert!(is_driven_here(Rc::as_ptr(&third).cast()));
        assert!(other.attendance().is_attended());
    }
    assert!(is_driven_here(key(&one)), "as it was before");
    assert!(!is_driven_here(key(&other)));
    assert_eq!(third.events.abandoned(), 1);
}

#[test]
fn frames_left_out_of_order_leave_the_right_driver() {
    let frames = [Frame::open().build(), Frame::open().build(), Frame::open().build()];
    let drivers = [Anywhere::new("0"), Anywhere::new("1"), Anywhere::new("2")];
    let here = |wanted: usize| {
        for (index, driver) in drivers.iter().enumerate() {
            assert_eq!(is_driven_here(Arc::as_ptr(driver).cast()), index == wanted, "{index}");
        }
    };
    let mut guards = Vec::new();
    for (frame, driver) in frames.iter().zip(&drivers) {
        guards.push(frame.enter());
        drive(driver).unwrap();
    }
    here(2);
    drop(guards.remove(1));
    here(2);
    drop(guards.remove(1));
    here(0);
    drop(guards);
    here(usize::MAX);
}

#[test]
fn a_local_driver_serves_a_frame_inside_of_its_own() {
    let _watchdog = watchdog();
    let local = Here::new("local");
    let outer = Frame::open().build();
    let _outer = outer.enter();
    let (count, waker) = Count::new();
    let mut outside = pin!(local.next());
    assert!(poll(outside.as_mut(), &waker).is_pending());
    // Code that blocks the thread: the outer frame cannot wait meanwhile.
    local.events.happen_soon();
    run(async { local.next().await.unwrap() });
    assert_eq!(count.get(), 1, "what happened was for all");
    assert!(matches!(poll(outside.as_mut(), &waker), Poll::Ready(Ok(()))));
}

#[test]
fn a_driver_serves_a_frame_inside_of_its_own() {
    let _watchdog = watchdog();
    let driver = Anywhere::new("driver");
    let outer = Frame::open().build();
    let _outer = outer.enter();
    let (count, waker) = Count::new();
    let mut outside = pin!(driver.next());
    assert!(poll(outside.as_mut(), &waker).is_pending());
    // Code that blocks the thread: the outer frame cannot wait meanwhile.
    driver.events.happen_soon();
    run(async { driver.next().await.unwrap() });
    assert_eq!(count.get(), 1, "what happened was for all");
    assert!(matches!(poll(outside.as_mut(), &waker), Poll::Ready(Ok(()))));
}

#[test]
fn a_driver_moves_aside_for_a_frame_inside_of_its_own_that_has_another() {
    let _watchdog = watchdog();
    let (driver, other) = (Anywhere::new("driver"), Anywhere::new("other"));
    let outer = Frame::open().build();
    let _outer = outer.enter();
    drive(&driver).unwrap();
    driver.events.happen_soon();
    other.events.happen_soon();
    run(async {
        join!(other.next(), driver.next(), other.next()).1.unwrap();
    });
    assert!(driver.attendance().is_attended(), "by the thread that it moved to");
}

/// A frame is built once, and entered for each stretch of polling.
#[test]
fn an_inner_frame_that_is_left_and_kept_gives_back_what_it_took_over() {
    let _watchdog = watchdog();
    let driver = Anywhere::new("driver");
    let kept = Frame::open().build();
    let outer = Frame::open().build();
    let _outer = outer.enter();
    let (count, waker) = Count::new();
    let mut outside = pin!(driver.next());
    assert!(poll(outside.as_mut(), &waker).is_pending());
    {
        let _inner = kept.enter();
        let mut inside = pin!(driver.next());
        assert!(poll(inside.as_mut(), Waker::noop()).is_pending());
        assert!(is_driven_here(Arc::as_ptr(&driver).cast()));
    }
    assert_eq!(count.get(), 1, "to look for somebody else");
    assert!(poll(outside.as_mut(), &waker).is_pending());
    assert!(is_driven_here(Arc::as_ptr(&driver).cast()), "by the outer frame again");
    driver.events.happen_soon();
    outer.wait();
    assert!(poll(outside.as_mut(), &waker).is_ready());
    assert_eq!(driver.events.threads(), [std::thread::current().id()]);
}

#[test]
fn what_an_inner_frame_took_over_and_moved_to_a_thread_stays_there_when_it_is_left() {
    let _watchdog = watchdog();
    let (driver, local) = (Anywhere::new("driver"), Here::new("local"));
    let kept = Frame::open().build();
    let outer = Frame::open().build();
    let _outer = outer.enter();
    let (count, waker) = Count::new();
    let mut outside = pin!(driver.next());
    assert!(poll(outside.as_mut(), &waker).is_pending());
    {
        let _inner = kept.enter();
        drive(&driver).unwrap();
        drive_local(&local).unwrap();
    }
    assert_eq!(driver.events.abandoned(), 0);
    assert!(driver.attendance().is_attended());
    driver.events.happen();
    until(|| count.get() == 1);
    assert!(poll(outside.as_mut(), &waker).is_ready());
}

/// A source that the whole process shares, as those are that somebody else makes: one alarm, for whoever polls last.
#[derive(Default)]
struct Alarm {
    attendance: Attendance,
    set: parking_lot::Mutex<Option<(Instant, Waker)>>,
}

impl DeadlineSource for Alarm {
    fn name(&self) -> &'static str {
        "alarm"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.set.lock().as_ref().map(|(deadline, _)| *deadline)
    }

    fn fire(&self, now: Instant) {
        let due = self.set.lock().take_if(|(deadline, _)| *deadline <= now);
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn set_unpark(&self, _: Option<Arc<dyn Unpark>>) {}

    fn abandoned(&self) {}
}

#[test]
fn a_source_serves_a_frame_inside_of_the_one_that_keeps_its_time() {
    let _watchdog = watchdog();
    let alarm = Arc::new(Alarm::default());
    let outer = Frame::open().build();
    let _outer = outer.enter();
    assert_eq!(time(&alarm).unwrap(), Placement::Here);
    // Code that blocks the thread: the outer frame cannot wait meanwhile.
    run(std::future::poll_fn({
        let deadline = Instant::now() + Duration::from_millis(5);
        let alarm = Arc::clone(&alarm);
        move |cx| {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            *alarm.set.lock() = Some((deadline, cx.waker().clone()));
            assert_eq!(time(&alarm).unwrap(), Placement::Elsewhere);
            Poll::Pending
        }
    }));
}
