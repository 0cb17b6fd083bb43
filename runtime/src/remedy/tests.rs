//! The texts are tokio's own: each is provoked, and must be recognized. What is said is the same in both configurations
//! but for the feature, which the other half of the tests would need.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use super::*;

#[track_caller]
fn message(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("tokio should have panicked");
    message_of(payload.as_ref()).expect("a text").to_owned()
}

fn poll_once<F: Future>(future: F) {
    let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}

#[track_caller]
fn assert_says(remedy: Option<&Remedy>, word: &str) {
    let remedy = remedy.expect("recognized");
    assert!(remedy.help.iter().all(|line| !line.contains('\n')));
    assert!(remedy.short.contains(word) && remedy.help[0].contains(word), "{remedy:?} lacks {word}");
}

#[test]
fn a_missing_reactor_is_recognized_wherever_tokio_looks_for_it() {
    let provoked = [
        message(|| poll_once(tokio::net::TcpStream::connect("127.0.0.1:1"))),
        message(|| poll_once(tokio::net::UdpSocket::bind("127.0.0.1:0"))),
        message(|| poll_once(tokio::time::sleep(Duration::from_millis(1)))),
        message(|| drop(tokio::time::interval(Duration::from_millis(1)))),
        message(|| drop(tokio::spawn(async {}))),
        message(|| drop(tokio::task::spawn_blocking(|| ()))),
    ];
    for text in provoked {
        assert_says(choose(&text, true), "`Builder::tokio_compat(true)`");
        assert_says(choose(&text, false), "feature `tokio-compat`");
    }
}

#[test]
fn a_part_that_is_disabled_is_recognized() {
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = bare.enter();
    let timers = message(|| poll_once(tokio::time::sleep(Duration::from_millis(1))));
    let sockets = message(|| poll_once(tokio::net::TcpListener::bind("127.0.0.1:0")));
    for text in [timers, sockets] {
        assert_says(of(&text), "`enable_all()`");
    }
}

#[test]
fn a_timer_that_outlives_its_runtime_is_recognized() {
    let theirs = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sleep = {
        let _entered = theirs.enter();
        Box::pin(tokio::time::sleep(Duration::from_secs(60)))
    };
    drop(theirs);
    let text = message(|| {
        let _ = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    });
    assert_says(of(&text), "has outlived");
}

#[test]
fn other_panics_are_left_alone() {
    for text in ["", "index out of bounds", "there is no reactor", "context of a runtime"] {
        assert_eq!(choose(text, true), None);
        assert_eq!(choose(text, false), None);
    }
    assert_eq!(message_of(&7_u8), None);
}
