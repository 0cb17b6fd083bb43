//! Who is in the place of the driver: it is kept, given up, and yielded to a local driver.
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::thread::{self, ThreadId};
use std::time::Duration;

use futures::join;
use reactor_hook::{
    Attendance, Driver, Frame, LocalDriver, Parker, Placement, Turn, Unpark, current_driver, drive,
    drive_local, driver_of, has_place, is_driven_here, local_driver_of,
};

use crate::reactors::{Anywhere, Here};
use crate::small::executor;
use crate::support::{Count, poll, until, watchdog, without_threads};

fn this() -> ThreadId {
    thread::current().id()
}

fn key<T: ?Sized>(driver: *const T) -> *const () {
    driver.cast()
}

/// Runs one future in the small executor.
fn run(future: impl Future<Output = ()>) {
    executor::run(vec![Box::pin(future)]);
}

#[test]
fn a_driver_stays_from_poll_to_poll() {
    let _watchdog = watchdog();
    let (shared, local) = (Anywhere::new("shared"), Here::new("local"));
    run(async {
        for _ in 0..3 {
            shared.events.happen_soon();
            shared.next().await.unwrap();
            assert_eq!(shared.events.threads(), [this()]);
        }
    });
    run(async {
        for _ in 0..3 {
            local.events.happen_soon();
            local.next().await.unwrap();
            assert_eq!(local.events.threads(), [this()]);
        }
    });
}

#[test]
fn one_that_waits_for_others_too_is_not_taken_for_unused() {
    let _watchdog = watchdog();
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let shared = Anywhere::new("shared");
    let mut next = pin!(shared.next());
    assert!(poll(next.as_mut(), Waker::noop()).is_pending());
    for _ in 0..3 {
        shared.unblock();
        frame.wait();
        assert!(is_driven_here(key(Arc::as_ptr(&shared))), "somebody still waits");
    }
}

#[test]
fn a_driver_that_is_unused_gives_up_its_place() {
    let _watchdog = watchdog();
    let frame = Frame::open().build();
    let _entered = frame.enter();

    let shared = Anywhere::new("shared");
    assert_eq!(drive(&shared).unwrap(), Placement::Here);
    assert!(!has_place());
    shared.unblock();
    frame.wait();
    assert!(has_place());
    assert!(current_driver().is_none());
    assert!(!shared.attendance().is_attended());
    assert!(!is_driven_here(key(Arc::as_ptr(&shared))));

    let local = Here::new("local");
    drive_local(&local).unwrap();
    assert!(!has_place());
    local.events.happen();
    frame.wait();
    assert!(has_place());
    assert!(local_driver_of::<Here>().is_none());
    assert!(!is_driven_here(key(Rc::as_ptr(&local))));
    drive_local(&Here::new("the next one")).unwrap();
}

#[test]
fn a_frame_that_goes_wakes_who_waits_in_it() {
    let _watchdog = watchdog();
    let (shared, local) = (Anywhere::new("shared"), Here::new("local"));
    let (count, waker) = Count::new();
    let (mut at_shared, mut at_local) = (Box::pin(shared.next()), Box::pin(local.next()));
    {
        let frame = Frame::open().build();
        let _entered = frame.enter();
        assert!(poll(at_shared.as_mut(), &waker).is_pending());
    }
    assert_eq!(count.get(), 1, "its driver has left");
    assert!(!shared.attendance().is_attended());
    {
        let frame = Frame::open().build();
        let _entered = frame.enter();
        assert!(poll(at_local.as_mut(), &waker).is_pending());
    }
    assert_eq!(count.get(), 2, "its driver has left");
    // They go on in the next executor.
    shared.events.happen_soon();
    run(async { at_shared.await.unwrap() });
    local.events.happen_soon();
    run(async { at_local.await.unwrap() });
}

#[test]
fn a_driver_moves_aside_for_a_local_one_and_nobody_notices() {
    let _watchdog = watchdog();
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let (shared, local) = (Anywhere::new("shared"), Here::new("local"));
    let (count, waker) = Count::new();
    let (mut at_shared, mut at_local) = (pin!(shared.next()), pin!(local.next()));
    assert!(poll(at_shared.as_mut(), &waker).is_pending());
    assert!(is_driven_here(key(Arc::as_ptr(&shared))));

    assert!(poll(at_local.as_mut(), &waker).is_pending());
    assert!(is_driven_here(key(Rc::as_ptr(&local))));
    assert!(!is_driven_here(key(Arc::as_ptr(&shared))));
    assert!(shared.attendance().is_attended());
    assert_eq!((count.get(), shared.events.abandoned()), (0, 0), "nobody was woken");
    assert!(Rc::ptr_eq(&local_driver_of::<Here>().unwrap(), &local));
    assert!(
        Arc::ptr_eq(&driver_of::<Anywhere>().unwrap(), &shared),
        "who registers anew finds the one on its thread, instead of making another"
    );

    shared.events.happen();
    until(|| count.get() == 1);
    assert!(poll(at_shared.as_mut(), &waker).is_ready());
    assert_ne!(shared.events.threads(), [this()]);
    local.events.happen();
    frame.wait();
    assert!(poll(at_local.as_mut(), &waker).is_ready());
    assert_eq!(local.events.threads(), [this()]);
}

#[test]
fn a_local_driver_keeps_its_place_when_another_comes() {
    let _watchdog = watchdog();
    let (shared, local) = (Anywhere::new("shared"), Here::new("local"));
    run(async {
        local.events.happen_soon();
        let after = async {
            assert!(is_driven_here(key(Rc::as_ptr(&local))), "it was polled first");
            assert_eq!(drive(&shared).unwrap(), Placement::Elsewhere);
            shared.events.happen_soon();
            shared.next().await.unwrap();
            assert_eq!(shared.events.threads().len(), 1);
            assert_ne!(shared.events.threads(), [this()]);
        };
        join!(async { local.next().await.unwrap() }, after);
        assert_eq!(local.events.threads(), [this()]);
    });
}

#[test]
fn a_driver_that_moved_aside_stays_on_its_thread_when_the_local_one_has_gone() {
    let _watchdog = watchdog();
    let (shared, local) = (Anywhere::new("shared"), Here::new("local"));
    run(async {
        for _ in 0..10 {
            shared.events.happen_soon();
            local.events.happen_soon();
            let (first, second) = join!(shared.next(), local.next());
            first.unwrap();
            second.unwrap();
        }
    });
    // One move at most: it does not come back for each, nor is a thread started for each.
    let threads = shared.events.threads();
    assert!(threads.len() <= 2, "{threads:?}");
    // The place is free for another.
    let other = Anywhere::new("other");
    run(async {
        shared.events.happen_soon();
        other.events.happen_soon();
        join!(async { shared.next().await.unwrap() }, async { other.next().await.unwrap() });
        assert_eq!(other.events.threads(), [this()]);
    });
}

#[test]
fn several_foreign_drivers_run_side_by_side() {
    let _watchdog = watchdog();
    let (local, first, second) = (Here::new("local"), Anywhere::new("first"), Anywhere::new("second"));
    run(async {
        for _ in 0..10 {
            local.events.happen_soon();
            first.events.happen_soon();
            second.events.happen_soon();
            let (one, two, three) = join!(first.next(), local.next(), second.next());
            one.and(two).and(three).unwrap();
        }
    });
    assert_eq!(local.events.threads(), [this()]);
}

#[test]
fn a_local_driver_is_not_let_in_while_another_is_blocked_in() {
    let _watchdog = watchdog();
    // A waker that polls at once, inside of `block`.
    struct PollsAtOnce;
    impl std::task::Wake for PollsAtOnce {
        fn wake(self: Arc<Self>) {
            let error = drive_local(&Here::new("local")).expect_err("the other is inside of `block`");
            assert!(error.to_string().contains("being blocked"), "{error}");
        }
    }
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let shared = Anywhere::new("shared");
    let mut next = pin!(shared.next());
    assert!(poll(next.as_mut(), &Waker::from(Arc::new(PollsAtOnce))).is_pending());
    shared.events.happen();
    frame.wait();
    assert_eq!(shared.events.threads(), [this()]);
}

#[test]
fn a_driver_whose_thread_is_refused_tells_those_who_wait_for_it() {
    without_threads("place::a_driver_whose_thread_is_refused_tells_those_who_wait_for_it", || {
        let (shared, local) = (Anywhere::new("shared"), Here::new("local"));
        let frame = Frame::open().build();
        let _entered = frame.enter();
        let (count, waker) = Count::new();
        let (mut at_shared, mut at_local) = (pin!(shared.next()), pin!(local.next()));
        assert!(poll(at_shared.as_mut(), &waker).is_pending());
        assert!(poll(at_local.as_mut(), Waker::noop()).is_pending(), "the one that came is not at fault");
        assert_eq!(count.get(), 1, "who waited for the other is to look for somebody else");
        let std::task::Poll::Ready(Err(error)) = poll(at_shared.as_mut(), &waker) else {
            panic!("there is nobody else")
        };
        assert!(error.raw_os_error().is_some(), "it is the operating system's: {error}");
        local.events.happen();
        frame.wait();
        assert!(poll(at_local.as_mut(), Waker::noop()).is_ready());
        // Afterwards there is a place again.
        shared.events.happen();
        let mut again = pin!(shared.next());
        assert!(poll(again.as_mut(), &waker).is_pending());
        shared.events.happen();
        frame.wait();
        assert!(poll(again.as_mut(), &waker).is_ready());
    });
}

#[test]
fn deadlines_bound_the_block_in_a_local_driver() {
    let _watchdog = watchdog();
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let local = Here::new("local");
    let mut next = pin!(local.next());
    assert!(poll(next.as_mut(), Waker::noop()).is_pending());
    // A wake from another thread ends it too.
    let parker = Arc::clone(frame.parker());
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        reactor_hook::Unpark::unpark(&*parker);
    });
    frame.wait();
    assert!(is_driven_here(key(Rc::as_ptr(&local))));
}

/// Offers another driver while it is asked for its unblocker.
struct Offers {
    other: Rc<Here>,
    abandoned: Cell<usize>,
}

impl LocalDriver for Offers {
    fn name(&self) -> &'static str {
        "offers"
    }

    fn block(&self, _: Option<Duration>) -> Turn {
        Turn::Used
    }

    fn unblocker(&self) -> Arc<dyn Unpark> {
        drive_local(&self.other).unwrap();
        Parker::new()
    }

    fn abandoned(&self) {
        self.abandoned.set(self.abandoned.get() + 1);
    }
}

#[test]
fn one_that_comes_while_another_is_asked_for_its_unblocker_stays() {
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let other = Here::new("other");
    let offers = Rc::new(Offers { other: Rc::clone(&other), abandoned: Cell::new(0) });
    let error = drive_local(&offers).unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(is_driven_here(key(Rc::as_ptr(&other))));
    assert_eq!((other.events.abandoned(), offers.abandoned.get()), (0, 0));
}

/// Wakes somebody whose waker panics.
struct Panics;

impl LocalDriver for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn block(&self, _: Option<Duration>) -> Turn {
        Turn::Unused
    }

    fn unblocker(&self) -> Arc<dyn Unpark> {
        Parker::new()
    }

    fn abandoned(&self) {
        panic!("a waker panics");
    }
}

struct SharedPanics(Attendance);

impl Driver for SharedPanics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn attendance(&self) -> &Attendance {
        &self.0
    }

    fn block(&self, _: Option<Duration>) -> Turn {
        Turn::Unused
    }

    fn unblock(&self) {}

    fn abandoned(&self) {
        panic!("a waker panics");
    }
}

#[test]
fn a_frame_gives_up_all_it_has_also_when_those_who_are_woken_panic() {
    let _watchdog = watchdog();
    let shared = Arc::new(SharedPanics(Attendance::new()));
    let frame = Frame::open().build();
    {
        let _entered = frame.enter();
        drive_local(&Rc::new(Panics)).unwrap();
        frame.wait();
        assert!(!frame.has_local_driver());
        assert_eq!(drive(&shared).unwrap(), Placement::Here);
        assert!(shared.attendance().is_attended());
        drop(frame);
    }
    assert!(!shared.attendance().is_attended());
    let frame = Frame::open().build();
    let entered = frame.enter();
    drive_local(&Rc::new(Panics)).unwrap();
    drop((entered, frame));
}
