//! Blocking in the reactor, and being unblocked.
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use reactor::Reactor;
use reactor_hook::{Driver, Turn};

use crate::by_hand::{ByHand, Call, Count, pair};
use crate::drive::{Watchdog, soak};

#[test]
fn unblock_before_the_block_ends_it() {
    let _watchdog = Watchdog::new();
    let reactor = Reactor::new().unwrap();
    reactor.unblock();
    reactor.unblock();
    // A look in between does not swallow it.
    reactor.block(Some(Duration::ZERO));
    reactor.block(None);
    assert_eq!(reactor.knocks(), 0, "nobody was blocked");
}

#[test]
fn a_block_writes_to_the_eventfd_at_most_once_however_often_it_is_ended() {
    let _watchdog = Watchdog::new();
    let reactor = Reactor::new().unwrap();
    let unblocks = if soak() { 2_500_000 } else { 25_000 };
    let left = AtomicUsize::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..unblocks {
                    reactor.unblock();
                }
                left.fetch_sub(1, Ordering::SeqCst);
                reactor.unblock();
            });
        }
        // Every unblock is answered by a block that ends: or this one would not see the last.
        while left.load(Ordering::SeqCst) > 0 {
            reactor.block(None);
        }
    });
    assert!(
        reactor.knocks() <= reactor.turns(),
        "{} writes for {} blocks",
        reactor.knocks(),
        reactor.turns()
    );
}

#[test]
fn a_block_is_never_shorter_than_its_timeout_for_no_reason() {
    let _watchdog = Watchdog::new();
    let reactor = Reactor::new().unwrap();
    for micros in [1, 300, 999, 1_001, 5_500] {
        let timeout = Duration::from_micros(micros);
        let start = Instant::now();
        assert_eq!(reactor.block(Some(timeout)), Turn::Unused);
        assert!(start.elapsed() >= timeout, "{timeout:?}: after {:?}", start.elapsed());
    }
    let start = Instant::now();
    reactor.unblock();
    reactor.block(Some(Duration::MAX));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_turn_is_used_while_there_are_sources() {
    let hand = ByHand::new();
    assert_eq!(hand.reactor.block(Some(Duration::ZERO)), Turn::Unused);
    let (_peer, source) = pair();
    assert!(source.poll_read_ready(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(hand.reactor.block(Some(Duration::ZERO)), Turn::Used);
    drop(source);
    assert_eq!(hand.reactor.block(Some(Duration::ZERO)), Turn::Unused);
    assert_eq!(hand.reactor.turns(), 3);
}

#[test]
fn a_second_thread_does_not_block_beside_the_first() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer, source) = pair();
    let reactor = Arc::clone(&hand.reactor);
    // In the middle of a turn, which the waker is a part of.
    let beside = Arc::new(AtomicBool::new(false));
    let waker = {
        let beside = Arc::clone(&beside);
        Waker::from(Arc::new(Call(move || {
            assert_eq!(reactor.block(None), Turn::Used);
            let reactor = Arc::clone(&reactor);
            std::thread::spawn(move || assert_eq!(reactor.block(None), Turn::Used)).join().unwrap();
            beside.store(true, Ordering::SeqCst);
        })))
    };
    assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
    hand.turn();
    peer.write_all(b"x").unwrap();
    hand.turn();
    assert!(beside.load(Ordering::SeqCst));
}

#[test]
fn a_block_that_is_leaving_needs_no_unblocking() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer, source) = pair();
    let reactor = Arc::clone(&hand.reactor);
    // As a task does that is woken by the thread that blocked.
    let waker = Waker::from(Arc::new(Call(move || reactor.unblock())));
    assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
    hand.turn();
    peer.write_all(b"x").unwrap();
    hand.reactor.block(None);
    assert_eq!(hand.reactor.knocks(), 0);
    let start = Instant::now();
    let timeout = Duration::from_millis(2);
    hand.reactor.block(Some(timeout));
    assert!(start.elapsed() >= timeout, "the next block was ended, too");
}

#[test]
fn a_signal_ends_a_block_and_nothing_else() {
    let _watchdog = Watchdog::new();
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: an all-zero sigaction is a valid one.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as *const () as usize;
    // SAFETY: the action was filled in, and its handler does nothing.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR2, &action, std::ptr::null_mut()) }, 0);

    let hand = ByHand::new();
    let (mut peer, source) = pair();
    let (count, waker) = Count::new();
    assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
    hand.turn();
    let interrupted = AtomicUsize::new(0);
    let (thread, its_id) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: no argument, and it cannot fail.
            thread.send(unsafe { libc::pthread_self() }).unwrap();
            while count.get() == 0 {
                assert_eq!(hand.reactor.block(None), Turn::Used);
                interrupted.fetch_add(1, Ordering::SeqCst);
            }
        });
        let thread = its_id.recv().unwrap();
        while interrupted.load(Ordering::SeqCst) < 10 {
            // SAFETY: the thread ends after the event, which is still to come.
            assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR2) }, 0);
            std::thread::yield_now();
        }
        peer.write_all(b"x").unwrap();
    });
    assert_eq!(count.get(), 1, "the event after the signals arrived");
}

#[test]
fn a_waker_that_panics_does_not_cost_the_others_their_wake_up() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let pairs: Vec<_> = (0..8).map(|_| pair()).collect();
    let (count, waker) = Count::new();
    let bomb = Waker::from(Arc::new(Call(|| panic!("a waker's, on purpose"))));
    let mut waiters = Vec::new();
    for (n, (_, source)) in pairs.iter().enumerate() {
        let waker = if n % 2 == 0 { &bomb } else { &waker };
        assert!(source.poll_read_ready(&mut Context::from_waker(waker)).is_pending());
        // One on the cold list of each, too.
        let mut second = Box::pin(source.readable());
        let cold = if n % 4 == 0 { &bomb } else { &waker.clone() };
        assert!(crate::by_hand::poll_with(second.as_mut(), cold).is_pending());
        waiters.push(second);
    }
    hand.turn();
    for (peer, _) in &pairs {
        (&*peer).write_all(b"x").unwrap();
    }
    hand.turn();
    // Four in the slots, and four behind them on the lists.
    assert_eq!(count.get(), 8);
    // And the reactor goes on.
    for (_, source) in &pairs {
        assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_ready());
    }
}
