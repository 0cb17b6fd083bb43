//! Where a local driver cannot be driven, its future is told why, and what to do.
use std::error::Error;
use std::io;
use std::rc::Rc;
use std::task::Waker;

use futures::{FutureExt as _, join};
use reactor_hook::{DriveError, Frame, drive_local};

use crate::reactors::Here;
use crate::small::executor;
use crate::support::{poll, watchdog};

fn error_of(result: io::Result<()>) -> DriveError {
    let error = result.expect_err("it cannot be driven");
    *error.into_inner().unwrap().downcast().expect("a typed error")
}

#[test]
fn two_local_drivers_on_one_thread_are_an_error_that_names_both() {
    let _watchdog = watchdog();
    let (one, other) = (Here::new("one"), Here::new("other"));
    executor::run(vec![Box::pin(async {
        one.events.happen_soon();
        let (first, second) = join!(one.next(), other.next());
        first.expect("the one that was there first goes on");
        let kind = second.as_ref().unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::ResourceBusy);
        let error = error_of(second);
        assert!(error.is_conflict());
        assert_eq!((error.refused(), error.present()), ("other", Some("one")));
        let text = error.to_string();
        assert!(
            text.contains("`one`") && text.contains("`other`") && text.contains("thread of its own"),
            "{text}"
        );
        assert!(error.source().is_none());
        // One after the other is no conflict.
        other.events.happen_soon();
        other.next().await.expect("the place is free");
    })]);
}

#[test]
fn a_local_driver_whose_last_future_has_gone_is_in_nobodys_way() {
    let _watchdog = watchdog();
    let (one, other) = (Here::new("one"), Here::new("other"));
    executor::run(vec![Box::pin(async {
        // Gone without the executor having waited in it.
        assert!(one.next().now_or_never().is_none());
        other.events.happen_soon();
        other.next().await.expect("the place is free");
    })]);
}

#[test]
fn a_local_driver_without_an_executor_is_an_error() {
    let error = drive_local(&Here::new("mine")).unwrap_err();
    assert_eq!((error.refused(), error.present()), ("mine", None));
    let text = error.to_string();
    assert!(text.contains("no executor") && text.contains("`mine`") && text.contains("block_on"), "{text}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Unsupported);
    // And so it reaches the one who awaits, under an executor that knows nothing of frames.
    let error = error_of(futures::executor::block_on(Here::new("mine").next()));
    assert!(!error.is_conflict());
}

#[test]
fn a_local_driver_in_a_frame_that_cannot_be_blocked_in_it_is_an_error() {
    let pool = Frame::builder().build();
    let _entered = pool.enter();
    let error = drive_local(&Here::new("mine")).unwrap_err();
    assert!(error.to_string().contains("a way of its own to wait"), "{error}");
    assert_eq!(error.present(), None);
}

#[test]
fn a_context_outside_of_all_executors_is_none() {
    let context = Frame::builder().context_only().blocking(reactor_hook::Blocking::Inherited).build();
    let _entered = context.enter();
    let error = drive_local(&Here::new("mine")).unwrap_err();
    assert!(error.to_string().contains("no executor"), "{error}");
}

#[test]
fn the_operating_systems_refusal_keeps_its_kind_and_its_cause() {
    let refusal = io::Error::from(io::ErrorKind::WouldBlock);
    let error = DriveError::no_thread("mine", refusal);
    assert!(error.source().is_some());
    assert!(error.to_string().contains("ulimit"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn offering_the_one_that_is_there_is_no_conflict() {
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let mine = Here::new("mine");
    let mut waits = std::pin::pin!(mine.next());
    assert!(poll(waits.as_mut(), Waker::noop()).is_pending());
    drive_local(&Rc::clone(&mine)).unwrap();
    // Nor from inside of a context that somebody entered meanwhile.
    let context = Frame::builder().context_only().blocking(reactor_hook::Blocking::Inherited).build();
    let _inner = context.enter();
    drive_local(&mine).unwrap();
    assert!(drive_local(&Here::new("other")).unwrap_err().is_conflict());
}
