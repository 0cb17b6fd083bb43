//! The parker: tokens are neither lost nor forged.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::super::Parker;
use crate::watchdog::{rounds, watched};

fn never() {
    panic!("nobody blocks in the driver");
}

#[test]
fn unpark_before_park_is_kept() {
    watched("unpark_before_park_is_kept", || {
        let parker = Parker::new();
        parker.adopt();
        parker.unpark(never);
        parker.unpark(never);
        parker.park();
        assert!(!parker.park_timeout(Duration::ZERO), "two unparks leave one token");
    });
}

#[test]
fn unpark_before_a_timed_park_is_taken_by_it() {
    let parker = Parker::new();
    parker.adopt();
    parker.unpark(never);
    assert!(parker.park_timeout(Duration::MAX));
    assert!(!parker.park_timeout(Duration::ZERO));
}

#[test]
fn unpark_before_the_driver_keeps_the_slot_out_of_it() {
    let parker = Parker::new();
    parker.adopt();
    parker.unpark(never);
    assert!(!parker.begin_driver());
    assert!(parker.begin_driver(), "the token was taken");
    assert!(!parker.end_driver());
}

#[test]
fn unpark_in_the_driver_unblocks_it_once() {
    let parker = Parker::new();
    parker.adopt();
    assert!(parker.begin_driver());
    let unblocked = AtomicUsize::new(0);
    for _ in 0..3 {
        parker.unpark(|| {
            unblocked.fetch_add(1, Ordering::Relaxed);
        });
    }
    assert_eq!(unblocked.load(Ordering::Relaxed), 1);
    assert!(parker.end_driver());
    assert!(!parker.park_timeout(Duration::ZERO), "the token was taken");
}

#[test]
fn a_token_survives_the_race_with_a_timeout() {
    watched("a_token_survives_the_race_with_a_timeout", || {
        let rounds = rounds(1_000_000);
        let parker = Arc::new(Parker::new());
        // Counts the tokens taken; the other side sends the next one when the last was seen.
        let taken = Arc::new(AtomicUsize::new(0));
        let sleeper = std::thread::spawn({
            let (parker, taken) = (Arc::clone(&parker), Arc::clone(&taken));
            move || {
                parker.adopt();
                let mut timeouts = 0;
                while taken.load(Ordering::Relaxed) < rounds {
                    // From zero up to about what an unpark takes, so that both orders come up.
                    let timeout = Duration::from_nanos(timeouts % 16 * 500);
                    if parker.park_timeout(timeout) {
                        taken.fetch_add(1, Ordering::Relaxed);
                    } else {
                        timeouts += 1;
                    }
                }
            }
        });
        for sent in 0..rounds {
            parker.unpark(never);
            while taken.load(Ordering::Relaxed) == sent {
                std::thread::yield_now();
            }
            assert_eq!(taken.load(Ordering::Relaxed), sent + 1, "one token was taken twice");
        }
        sleeper.join().expect("the sleeper does not panic");
    });
}

#[test]
fn wake_ups_by_others_do_not_end_a_park() {
    watched("wake_ups_by_others_do_not_end_a_park", || {
        let parker = Arc::new(Parker::new());
        let (ours, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let sleeper = std::thread::spawn({
            let (parker, ours, ended) = (Arc::clone(&parker), Arc::clone(&ours), Arc::clone(&ended));
            move || {
                parker.adopt();
                parker.park();
                assert!(ours.load(Ordering::Relaxed), "the park ended before the unpark");
                ended.store(true, Ordering::Relaxed);
            }
        });
        for _ in 0..1_000 {
            sleeper.thread().unpark();
            std::thread::yield_now();
        }
        assert!(!ended.load(Ordering::Relaxed));
        // Relaxed: the token publishes it.
        ours.store(true, Ordering::Relaxed);
        parker.unpark(never);
        sleeper.join().expect("the park ended by our token");
    });
}

#[test]
fn a_task_that_parks_the_thread_does_not_eat_our_token() {
    watched("a_task_that_parks_the_thread_does_not_eat_our_token", || {
        let parker = Arc::new(Parker::new());
        let unparker = {
            let parker = Arc::clone(&parker);
            parker.adopt();
            std::thread::spawn(move || parker.unpark(never))
        };
        unparker.join().expect("unpark does not panic");
        // User code takes whatever token the thread has.
        std::thread::park_timeout(Duration::ZERO);
        parker.park();
    });
}

#[test]
fn a_slot_that_changed_threads_unparks_the_present_one() {
    watched("a_slot_that_changed_threads_unparks_the_present_one", || {
        let parker = Arc::new(Parker::new());
        for _ in 0..100 {
            let parked = {
                let parker = Arc::clone(&parker);
                std::thread::spawn(move || {
                    parker.adopt();
                    parker.park();
                })
            };
            parker.unpark(never);
            parked.join().expect("park does not panic");
        }
    });
}
