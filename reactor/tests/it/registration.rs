//! Descriptors and registrations: none crosses another, none is left behind.
use parking_lot::Mutex;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use reactor::{AsyncFd, Interest, Reactor};

use crate::by_hand::{ByHand, Call, Count, drain, is_readable, pair, poll_with};
use crate::child::alone;
use crate::drive::{Watchdog, soak};

/// A descriptor that somebody else owns.
#[derive(Debug)]
struct Borrowed(RawFd);

impl AsRawFd for Borrowed {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

#[test]
fn an_event_for_a_source_that_went_in_the_same_batch_is_ignored() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer_of_first, first) = pair();
    let (mut peer_of_second, second) = pair();
    let (quiet_peer, quiet) = pair();
    let sources = Arc::new(Mutex::new(vec![first, second]));
    let (woken, successor_waker) = Count::new();
    let successor = Arc::new(Mutex::new(Some(quiet)));
    let once = Arc::new(AtomicBool::new(false));
    // Whichever is woken first drops both, and registers another source in the place of one of them.
    let waker = {
        let (sources, successor, once) = (Arc::clone(&sources), Arc::clone(&successor), Arc::clone(&once));
        let waker = successor_waker.clone();
        Waker::from(Arc::new(Call(move || {
            if !once.swap(true, Ordering::SeqCst) {
                let sources = std::mem::take(&mut *sources.lock());
                drop(sources);
                let successor = successor.lock();
                let quiet = successor.as_ref().unwrap();
                assert!(quiet.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
            }
        })))
    };
    for source in &*sources.lock() {
        assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
    }
    hand.turn();
    peer_of_first.write_all(b"x").unwrap();
    peer_of_second.write_all(b"x").unwrap();
    hand.turn();
    assert!(once.load(Ordering::SeqCst), "neither was woken");
    assert_eq!(woken.get(), 0, "the successor was woken by an event of its predecessor");
    assert!(!is_readable(successor.lock().as_ref().unwrap()));
    assert_eq!(hand.reactor.sources(), 1);
    drop(quiet_peer);
}

#[test]
fn numbers_that_are_used_again_do_not_cross() {
    alone("registration::numbers_that_are_used_again_do_not_cross", use_numbers_again);
}

fn use_numbers_again() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let rounds = if soak() { 100_000 } else { 1_000 };
    let mut reused = 0;
    for round in 0..rounds {
        let (mut peer, source) = pair();
        let number = source.as_raw_fd();
        // A duplicate keeps the open file, and whatever the system still knows of it, alive.
        let duplicate = source.get_ref().try_clone().unwrap();
        let (count, waker) = Count::new();
        assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_pending(), "round {round}");
        drop(source);
        peer.write_all(b"x").unwrap();
        // The same number again, for something that is not ready.
        let (quiet_peer, quiet) = pair();
        reused += usize::from(quiet.as_raw_fd() == number || quiet_peer.as_raw_fd() == number);
        assert!(!is_readable(&quiet), "round {round}");
        hand.turn();
        assert!(!is_readable(&quiet), "round {round}: ready by an event of another");
        assert_eq!(count.get(), 0, "round {round}: woken after it went");
        // The duplicate is a source of its own, whatever became of the first.
        let duplicate = AsyncFd::new(duplicate).unwrap();
        assert!(!is_readable(&duplicate));
        hand.turn();
        assert!(is_readable(&duplicate), "round {round}");
    }
    assert_eq!(reused, rounds, "the system uses the lowest number that is free");
    assert_eq!(hand.reactor.sources(), 0);
}

#[test]
fn a_duplicate_is_a_source_of_its_own() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer, source) = pair();
    let twin = AsyncFd::new(source.get_ref().try_clone().unwrap()).unwrap();
    assert!(!is_readable(&source) && !is_readable(&twin));
    peer.write_all(b"x").unwrap();
    hand.turn();
    assert!(is_readable(&source) && is_readable(&twin));
    drop(source);
    drain(twin.get_ref());
    peer.write_all(b"x").unwrap();
    hand.turn();
    assert!(is_readable(&twin));
}

/// A source whose descriptor is closed by somebody else.
fn close_behind(source: &AsyncFd<Borrowed>) {
    // SAFETY: in a process of its own nobody else has the number, and `Borrowed` does not close it.
    assert_eq!(unsafe { libc::close(source.as_raw_fd()) }, 0);
}

#[test]
fn a_descriptor_that_was_closed_behind_our_back_harms_nobody() {
    alone("registration::a_descriptor_that_was_closed_behind_our_back_harms_nobody", || {
        let _watchdog = Watchdog::new();
        let hand = ByHand::new();
        let (_peer, owned) = UnixStream::pair().unwrap();
        owned.set_nonblocking(true).unwrap();
        let number = owned.into_raw_fd();
        let lost = AsyncFd::new(Borrowed(number)).unwrap();
        assert!(!is_readable(&lost));
        hand.turn();
        close_behind(&lost);
        // What was known to be ready is tried, and says so.
        let write = lost.try_io(Interest::WRITABLE, |fd| write_some(fd.as_raw_fd()));
        assert_eq!(write.unwrap_err().raw_os_error(), Some(libc::EBADF));
        // Its number goes to another source of the same reactor.
        let (heir, mut peer) = UnixStream::pair().unwrap();
        assert_eq!(heir.as_raw_fd(), number, "the system uses the lowest number that is free");
        heir.set_nonblocking(true).unwrap();
        let heir = AsyncFd::new(heir).unwrap();
        assert!(!is_readable(&heir));
        assert_eq!(hand.reactor.sources(), 2);
        // The former owner goes, and must not take the registration of the present one with it.
        drop(lost);
        assert_eq!(hand.reactor.sources(), 1);
        peer.write_all(b"x").unwrap();
        hand.turn();
        assert!(is_readable(&heir), "deregistered by the former owner of its number");
        drop(heir);
        assert_eq!(hand.reactor.sources(), 0);
    });
}

#[test]
fn an_event_for_a_registration_that_has_gone_is_ignored() {
    alone("registration::an_event_for_a_registration_that_has_gone_is_ignored", || {
        let _watchdog = Watchdog::new();
        let hand = ByHand::new();
        let (mut peer, owned) = UnixStream::pair().unwrap();
        owned.set_nonblocking(true).unwrap();
        // The system keeps what it knows of the open file for as long as there is a duplicate.
        let _duplicate = owned.try_clone().unwrap();
        let lost = AsyncFd::new(Borrowed(owned.into_raw_fd())).unwrap();
        assert!(!is_readable(&lost));
        close_behind(&lost);
        drop(lost);
        assert_eq!(hand.reactor.sources(), 0);
        // Another source in its place.
        let (_quiet_peer, quiet) = pair();
        let (count, waker) = Count::new();
        assert!(quiet.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
        peer.write_all(b"x").unwrap();
        hand.turn();
        assert_eq!(count.get(), 0, "woken by an event of its predecessor");
        assert!(!is_readable(&quiet));
    });
}

fn write_some(fd: RawFd) -> io::Result<usize> {
    // SAFETY: the buffer is as long as is said.
    let n = unsafe { libc::write(fd, b"x".as_ptr().cast(), 1) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

#[test]
fn a_descriptor_that_was_closed_before_its_first_wait_is_an_error() {
    alone("registration::a_descriptor_that_was_closed_before_its_first_wait_is_an_error", || {
        let _watchdog = Watchdog::new();
        let hand = ByHand::new();
        let (_peer, owned) = UnixStream::pair().unwrap();
        owned.set_nonblocking(true).unwrap();
        let lost = AsyncFd::new(Borrowed(owned.into_raw_fd())).unwrap();
        close_behind(&lost);
        for _ in 0..2 {
            let Poll::Ready(Err(error)) = poll_with(pin!(lost.readable()), Waker::noop()) else {
                panic!("waits for what is not open");
            };
            assert!(error.to_string().contains("is not open"), "{error}");
            assert_eq!(hand.reactor.sources(), 0);
        }
    });
}

#[test]
fn a_source_that_cannot_be_registered_leaves_nothing_behind() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (_peer, source) = pair();
    assert!(!is_readable(&source));
    // The same descriptor again: the system knows it already.
    let again = AsyncFd::new(Borrowed(source.as_raw_fd())).unwrap();
    for _ in 0..3 {
        let error = match poll_with(pin!(again.readable()), Waker::noop()) {
            Poll::Ready(Err(error)) => error,
            _ => panic!("registered twice"),
        };
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("registered already"), "{error}");
        assert_eq!(hand.reactor.sources(), 1);
    }
    drop(again);
    assert_eq!(hand.reactor.sources(), 1);
    drop(source);
    assert_eq!(hand.reactor.sources(), 0);
}

#[test]
fn a_regular_file_is_refused() {
    let hand = ByHand::new();
    for path in ["/proc/self/exe", "/"] {
        let file = std::fs::OpenOptions::new();
        let file = open_nonblocking(file, path);
        let error = AsyncFd::new(file).expect_err("files cannot be polled");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("cannot be polled"), "{error}");
    }
    assert_eq!(hand.reactor.sources(), 0);
}

fn open_nonblocking(mut options: std::fs::OpenOptions, path: &str) -> File {
    use std::os::unix::fs::OpenOptionsExt;
    options.read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap()
}

#[test]
fn a_blocking_descriptor_is_refused_and_given_back() {
    let (_peer, stream) = UnixStream::pair().unwrap();
    let number = stream.as_raw_fd();
    let error = AsyncFd::try_new(stream).expect_err("it would block its thread");
    let (stream, error) = error.into_parts();
    assert_eq!(stream.as_raw_fd(), number);
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("set_nonblocking(true)"), "{error}");
}

#[test]
fn a_closed_descriptor_is_refused() {
    for number in [-1, i32::MAX] {
        let error = AsyncFd::new(Borrowed(number)).expect_err("it is not open");
        assert!(error.to_string().contains("is not open"), "{error}");
    }
}

#[test]
fn a_source_may_be_dropped_on_another_thread() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (count, waker) = Count::new();
    for _ in 0..100 {
        let (peer, source) = pair();
        assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
        std::thread::spawn(move || drop(source)).join().unwrap();
        drop(peer);
        hand.turn();
    }
    assert_eq!(hand.reactor.sources(), 0);
    assert_eq!(count.get(), 0);
    assert_eq!(Arc::strong_count(&count), 2, "a source that has gone keeps a waker");
}

/// Sources go on one thread while their events are processed on another.
#[test]
fn sources_may_go_while_their_events_are_processed() {
    let _watchdog = Watchdog::new();
    let rounds = if soak() { 100_000 } else { 1_000 };
    let reactor = Reactor::new().unwrap();
    use reactor_hook::{Driver, Frame};
    assert!(reactor.attendance().try_attend());
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::SeqCst) {
                reactor.block(None);
            }
        });
        for _ in 0..2 {
            scope
                .spawn(|| {
                    let frame = Frame::builder().driver(Arc::clone(&reactor) as Arc<dyn Driver>).build();
                    let _entered = frame.enter();
                    let (_count, waker) = Count::new();
                    for _ in 0..rounds {
                        let (mut peer, source) = pair();
                        assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
                        peer.write_all(b"x").unwrap();
                        drop(source);
                    }
                })
                .join()
                .unwrap();
        }
        ended.store(true, Ordering::SeqCst);
        reactor.unblock();
    });
    assert_eq!(reactor.sources(), 0);
}

#[test]
fn into_inner_gives_the_descriptor_back_deregistered() {
    let _watchdog = Watchdog::new();
    let hand = ByHand::new();
    let (mut peer, source) = pair();
    assert!(!is_readable(&source));
    let stream = source.into_inner();
    assert_eq!(hand.reactor.sources(), 0);
    let source = AsyncFd::new(stream).unwrap();
    assert!(!is_readable(&source));
    peer.write_all(b"x").unwrap();
    hand.turn();
    assert!(is_readable(&source));
}
