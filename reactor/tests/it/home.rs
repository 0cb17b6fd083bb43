//! Who drives a source: decided when it is polled, and again when that one has gone.
use std::future::{Future, poll_fn};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use reactor::{AsyncFd, Interest, Reactor};
use reactor_hook::{Driver, Frame, driver_of};

use crate::by_hand::{Count, drain, pair};
use crate::drive::{Watchdog, hosted, in_frame};

async fn read_one(source: &AsyncFd<UnixStream>) -> usize {
    source
        .async_io(Interest::READABLE, |stream| match drain(stream) {
            0 => Err(std::io::ErrorKind::WouldBlock.into()),
            n => Ok(n),
        })
        .await
        .unwrap()
}

/// Writes a byte once the future has been pending.
async fn read_late(source: &AsyncFd<UnixStream>, peer: &mut UnixStream) -> usize {
    let mut read = pin!(read_one(source));
    assert!(poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await.is_pending());
    peer.write_all(b"x").unwrap();
    read.await
}

#[test]
fn a_thread_that_polls_drives_its_sources_itself() {
    let _watchdog = Watchdog::new();
    let (mut peer, source) = pair();
    in_frame(async {
        assert!(driver_of::<Reactor>().is_none(), "nobody asked for one");
        assert_eq!(read_late(&source, &mut peer).await, 1);
        let reactor = driver_of::<Reactor>().expect("the thread drives it");
        assert_eq!(reactor.sources(), 1);
    });
}

#[test]
fn a_source_goes_on_from_one_executor_to_the_next() {
    let _watchdog = Watchdog::new();
    let (mut peer, source) = pair();
    for _ in 0..3 {
        assert_eq!(in_frame(read_late(&source, &mut peer)), 1);
        assert_eq!(hosted(read_late(&source, &mut peer)), 1);
    }
}

#[test]
fn a_thread_that_could_drive_a_source_takes_it_from_the_fallback() {
    let _watchdog = Watchdog::new();
    let (mut peer, source) = pair();
    assert_eq!(hosted(read_late(&source, &mut peer)), 1);
    in_frame(async {
        assert_eq!(read_late(&source, &mut peer).await, 1);
        assert_eq!(driver_of::<Reactor>().expect("the thread drives it").sources(), 1);
    });
}

#[test]
fn a_waiter_whose_driver_leaves_is_woken_and_finds_another() {
    let _watchdog = Watchdog::new();
    let (mut peer, source) = pair();
    let reactor = Reactor::new().unwrap();
    assert!(reactor.attendance().try_attend());
    let (registered, is_registered) = mpsc::channel();
    std::thread::scope(|scope| {
        let source = &source;
        let waiting = {
            let reactor = Arc::clone(&reactor);
            scope.spawn(move || {
                // A first poll registers it with a reactor that is driven elsewhere...
                let frame = Frame::builder().driver(reactor as Arc<dyn Driver>).context_only().build();
                let entered = frame.enter();
                let mut read = pin!(read_one(source));
                assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                drop(entered);
                // ... and another executor waits for it.
                let mut first = true;
                hosted(poll_fn(|cx| {
                    let polled = read.as_mut().poll(cx);
                    if std::mem::take(&mut first) {
                        registered.send(()).unwrap();
                    }
                    polled
                }))
            })
        };
        is_registered.recv().unwrap();
        assert_eq!(reactor.sources(), 1, "it stays where it is driven");
        reactor.attendance().vacate();
        reactor.abandoned();
        peer.write_all(b"x").unwrap();
        assert_eq!(waiting.join().unwrap(), 1);
        assert_eq!(reactor.sources(), 0, "it has moved");
    });
}

#[test]
fn what_is_ready_when_a_source_moves_is_not_lost() {
    let _watchdog = Watchdog::new();
    for _ in 0..100 {
        let (mut peer, source) = pair();
        let (count, waker) = Count::new();
        let frame = Frame::open().build();
        {
            let _entered = frame.enter();
            assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
            // Reported to nobody: the thread never waits.
            peer.write_all(b"x").unwrap();
        }
        drop(frame);
        assert_eq!(count.get(), 1, "woken, for its driver has left");
        assert_eq!(in_frame(read_one(&source)), 1);
    }
}

#[test]
fn a_frame_that_has_gone_leaves_nobody_waiting() {
    let _watchdog = Watchdog::new();
    let (peer, source) = pair();
    let source = Arc::new(source);
    // One thread drives while another waits on the same reactor's source.
    let frame = Frame::open().build();
    let entered = frame.enter();
    assert!(source.poll_read_ready(&mut Context::from_waker(Waker::noop())).is_pending());
    let (waits, is_waiting) = mpsc::channel();
    let waiting = {
        let source = Arc::clone(&source);
        std::thread::spawn(move || {
            let mut first = true;
            let mut read = pin!(read_one(&source));
            hosted(poll_fn(|cx| {
                let polled = read.as_mut().poll(cx);
                if std::mem::take(&mut first) {
                    waits.send(()).unwrap();
                }
                polled
            }))
        })
    };
    is_waiting.recv().unwrap();
    drop(entered);
    drop(frame);
    (&peer).write_all(b"x").unwrap();
    assert_eq!(waiting.join().unwrap(), 1);
}
