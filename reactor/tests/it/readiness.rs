//! What a source's readiness means, and who is woken by it.
use std::cell::Cell;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::{FromRawFd, OwnedFd};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use reactor::{AsyncFd, Interest, Ready};

use crate::by_hand::{ByHand, Count, drain, fill, is_readable, pair, poll_with};
use crate::drive::{Watchdog, soak};

#[test]
fn an_event_between_would_block_and_clear_is_kept() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer, source) = pair();
    assert!(!is_readable(&source));
    peer.write_all(b"first").unwrap();
    hand.turn();
    let Poll::Ready(Ok(mut guard)) = poll_with(pin!(source.readable()), Waker::noop()) else {
        panic!("not ready");
    };
    let blocked = guard.try_io(|source| -> io::Result<()> {
        assert_eq!(drain(source.get_ref()), 5);
        // It would block; and before that is noted, there is more.
        peer.write_all(b"second").unwrap();
        hand.turn();
        Err(io::ErrorKind::WouldBlock.into())
    });
    assert!(blocked.is_err());
    assert!(is_readable(&source));
    assert_eq!(drain(source.get_ref()), 6);
}

#[test]
fn a_stale_clear_spares_whatever_number_of_events_came_since() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer, source) = pair();
    assert!(!is_readable(&source));
    peer.write_all(b"x").unwrap();
    hand.turn();
    let Poll::Ready(Ok(mut guard)) = poll_with(pin!(source.readable()), Waker::noop()) else {
        panic!("not ready");
    };
    // A 16-bit number of the event would be the old one again.
    for _ in 0..65_536 {
        drain(source.get_ref());
        peer.write_all(b"x").unwrap();
        hand.turn();
    }
    guard.clear_ready();
    assert!(is_readable(&source), "the last event was cleared with the first");
}

#[test]
fn what_closed_stays_ready_whatever_is_cleared() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (peer, source) = pair();
    assert!(!is_readable(&source));
    drop(peer);
    hand.turn();
    for _ in 0..3 {
        let both = Interest::READABLE | Interest::WRITABLE;
        let Poll::Ready(Ok(mut guard)) = poll_with(pin!(source.ready(both)), Waker::noop()) else {
            panic!("no longer ready");
        };
        assert!(guard.ready().is_read_closed() && guard.ready().is_write_closed());
        guard.clear_ready();
        guard.clear_ready_matching(Ready::READ_CLOSED | Ready::WRITE_CLOSED);
    }
}

#[test]
fn what_closed_does_not_make_a_wait_spin() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (peer, source) = pair();
    assert!(!is_readable(&source));
    drop(peer);
    hand.turn();
    let tries = Cell::new(0);
    let mut operation = pin!(source.async_io(Interest::READABLE, |_| -> io::Result<()> {
        tries.set(tries.get() + 1);
        Err(io::ErrorKind::WouldBlock.into())
    }));
    assert!(poll_with(operation.as_mut(), Waker::noop()).is_pending());
    assert_eq!(tries.get(), 1);
}

/// Both directions of a source wait; `event` is to wake both.
fn wakes_both(source: &AsyncFd<impl std::os::fd::AsRawFd>, hand: &ByHand, event: impl FnOnce()) {
    let (reads, reader) = Count::new();
    let (writes, writer) = Count::new();
    let clear = |interest| {
        if let Poll::Ready(Ok(mut guard)) = poll_with(pin!(source.ready(interest)), Waker::noop()) {
            guard.clear_ready();
        }
    };
    assert!(source.poll_read_ready(&mut Context::from_waker(&reader)).is_pending());
    hand.turn();
    clear(Interest::WRITABLE);
    clear(Interest::READABLE);
    let (before_reads, before_writes) = (reads.get(), writes.get());
    assert!(source.poll_read_ready(&mut Context::from_waker(&reader)).is_pending());
    assert!(source.poll_write_ready(&mut Context::from_waker(&writer)).is_pending());
    event();
    hand.turn();
    assert!(reads.get() > before_reads, "the reader was not woken");
    assert!(writes.get() > before_writes, "the writer was not woken");
}

#[test]
fn hang_up_wakes_both_directions() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (peer, source) = pair();
    fill(source.get_ref());
    wakes_both(&source, &hand, || drop(peer));
    assert!(is_readable(&source));
}

#[test]
fn a_half_close_wakes_both_directions() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (peer, source) = pair();
    fill(source.get_ref());
    wakes_both(&source, &hand, || peer.shutdown(Shutdown::Write).unwrap());
    assert!(is_readable(&source));
}

#[test]
fn an_error_wakes_both_directions() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let mut ends = [0; 2];
    // SAFETY: the array has room for both.
    assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC) }, 0);
    // SAFETY: just opened, and nobody else's.
    let reader = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: as above.
    let writer = AsyncFd::new(unsafe { OwnedFd::from_raw_fd(ends[1]) }).unwrap();
    // A pipe whose reader goes reports EPOLLERR and nothing else to a writer that is full.
    // SAFETY: the buffer is as long as is said.
    while unsafe { libc::write(ends[1], [0u8; 4096].as_ptr().cast(), 4096) } > 0 {}
    wakes_both(&writer, &hand, || drop(reader));
}

#[test]
fn any_number_of_futures_wait_in_one_direction() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer, source) = pair();
    let mut waiters: Vec<_> = (0..10).map(|_| (Count::new(), Box::pin(source.readable()))).collect();
    for ((_, waker), waiter) in &mut waiters {
        assert!(poll_with(waiter.as_mut(), waker).is_pending());
    }
    // Beside them, the caller of a poll function, whose like have one place together.
    let (replaced, first) = Count::new();
    let (polled, second) = Count::new();
    assert!(source.poll_read_ready(&mut Context::from_waker(&first)).is_pending());
    assert!(source.poll_read_ready(&mut Context::from_waker(&second)).is_pending());
    peer.write_all(b"x").unwrap();
    hand.turn();
    assert_eq!((replaced.get(), polled.get()), (0, 1));
    for ((count, waker), waiter) in &mut waiters {
        assert_eq!(count.get(), 1);
        assert!(poll_with(waiter.as_mut(), waker).is_ready());
    }
}

#[test]
fn a_cancelled_wait_does_not_swallow_anothers_wake_up() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer, source) = pair();
    // Who is first has the slot, who is second is on the list: each is cancelled in turn, before and after.
    for cancelled in 0..2 {
        for after in [false, true] {
            let mut waiters: Vec<_> = (0..2).map(|_| (Count::new(), Box::pin(source.readable()))).collect();
            for ((_, waker), waiter) in &mut waiters {
                assert!(poll_with(waiter.as_mut(), waker).is_pending());
            }
            if !after {
                drop(waiters.remove(cancelled));
            }
            peer.write_all(b"x").unwrap();
            hand.turn();
            if after {
                drop(waiters.remove(cancelled));
            }
            let ((count, waker), mut waiter) = waiters.pop().unwrap();
            assert_eq!(count.get(), 1, "cancelled: {cancelled}, after the event: {after}");
            let Poll::Ready(Ok(mut guard)) = poll_with(waiter.as_mut(), &waker) else {
                panic!("not ready");
            };
            drain(source.get_ref());
            guard.clear_ready();
        }
    }
}

#[test]
fn a_waker_is_neither_cloned_nor_dropped_while_the_same_task_comes_back() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer, source) = pair();
    let (count, waker) = Count::new();
    let mut handles = None;
    for _ in 0..100 {
        let mut waiter = pin!(source.readable());
        assert!(poll_with(waiter.as_mut(), &waker).is_pending());
        assert_eq!(std::sync::Arc::strong_count(&count), *handles.get_or_insert(3));
        peer.write_all(b"x").unwrap();
        hand.turn();
        let Poll::Ready(Ok(mut guard)) = poll_with(waiter, &waker) else { panic!("not ready") };
        drain(source.get_ref());
        guard.clear_ready();
    }
    assert_eq!(count.get(), 100);
    drop(source);
    assert_eq!(std::sync::Arc::strong_count(&count), 2, "a source that has gone keeps a waker");
}

#[test]
fn a_flood_of_writable_events_does_not_keep_a_reader_busy() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (peer, source) = pair();
    let tries = Cell::new(0);
    let events = 100;
    let mut reading = pin!(source.async_io(Interest::READABLE, |_| -> io::Result<()> {
        tries.set(tries.get() + 1);
        Err(io::ErrorKind::WouldBlock.into())
    }));
    let (count, waker) = Count::new();
    assert!(poll_with(reading.as_mut(), &waker).is_pending());
    for _ in 0..events {
        // Full, then with room again: an event for writers.
        fill(source.get_ref());
        drain(&peer);
        let before = count.get();
        hand.turn();
        if count.get() > before {
            assert!(poll_with(reading.as_mut(), &waker).is_pending());
        }
    }
    assert!(tries.get() <= 2, "{} reads for {events} events of the other direction", tries.get());
}

/// Readers on threads of their own against a writer: nothing is lost, however often they are cancelled.
#[test]
fn readers_that_come_and_go_read_everything() {
    let _watchdog = Watchdog::new();
    let count: usize = if soak() { 1_000_000 } else { 10_000 };
    let (mut peer, source) = pair();
    peer.set_nonblocking(false).unwrap();
    let read = std::sync::atomic::AtomicUsize::new(0);
    let reads_all = || {
        use std::sync::atomic::Ordering::SeqCst;
        futures::executor::block_on(async {
            let mut round = 0u32;
            loop {
                round = round.wrapping_add(1);
                let wait = source.readable();
                let mut guard = if round.is_multiple_of(3) {
                    // Polled once, and thrown away.
                    let mut wait = Box::pin(wait);
                    let once = futures::poll!(wait.as_mut());
                    drop(wait);
                    drop(once);
                    source.readable().await.unwrap()
                } else {
                    wait.await.unwrap()
                };
                let closed = guard.ready().is_read_closed();
                read.fetch_add(drain(source.get_ref()), SeqCst);
                if closed {
                    return;
                }
                guard.clear_ready();
            }
        });
    };
    std::thread::scope(|scope| {
        scope.spawn(reads_all);
        scope.spawn(reads_all);
        scope.spawn(move || {
            for _ in 0..count {
                peer.write_all(b"x").unwrap();
            }
        });
    });
    assert_eq!(read.into_inner() + drain(source.get_ref()), count);
}

#[test]
fn sources_may_be_sent_shared_and_unwound_through() {
    use std::panic::{RefUnwindSafe, UnwindSafe};
    fn all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    all::<AsyncFd<std::os::unix::net::UnixStream>>();
    all::<reactor::AsyncFdReadyGuard<'_, OwnedFd>>();
    all::<reactor::Reactor>();
    all::<reactor::net::TcpStream>();
    all::<Ready>();
    all::<Interest>();
}
