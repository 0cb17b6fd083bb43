//! Who drives a source: decided when it is polled, and again when that one has gone.
use std::future::{Future, poll_fn};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reactor::{AsyncFd, Interest, Reactor};
use reactor_hook::{Driver, Frame, driver_of};

use crate::by_hand::{Count, drain, fill, pair};
use crate::drive::{self, Watchdog, hosted, in_frame};
use crate::reactors::Here;

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

/// Tells when `future` has been polled once.
async fn announced<F: Future>(polled: mpsc::Sender<()>, future: F) -> F::Output {
    let mut future = pin!(future);
    let first = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    polled.send(()).unwrap();
    match first {
        Poll::Ready(output) => output,
        Poll::Pending => future.await,
    }
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
                let mut other = pin!(read_one(source));
                assert!(other.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                drop(entered);
                // ... and a waiter of another executor joins the one of this.
                hosted(announced(registered, read_one(source)))
            })
        };
        is_registered.recv().unwrap();
        assert_eq!(reactor.sources(), 1, "it stays where it is driven, for others wait there");
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
        std::thread::spawn(move || hosted(announced(waits, read_one(&source))))
    };
    is_waiting.recv().unwrap();
    drop(entered);
    drop(frame);
    (&peer).write_all(b"x").unwrap();
    assert_eq!(waiting.join().unwrap(), 1);
}

// The thread that drives is blocked, and by the very thread that waits.
#[test]
fn a_waiter_does_not_depend_on_a_driver_that_it_does_not_know() {
    let _watchdog = Watchdog::new();
    for elsewhere in [in_thread::hosted, in_thread::in_frame] {
        for blocks in [true, false] {
            let (mut peer, source) = pair();
            let source = Arc::new(source);
            in_frame(async {
                let mut read = pin!(read_one(&source));
                assert!(poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await.is_pending());
                if blocks {
                    // Given up: the other is the only one to wait.
                    read.set(read_one(&source));
                }
                let (waits, is_waiting) = mpsc::channel();
                let waiting = elsewhere(Arc::clone(&source), waits);
                is_waiting.recv().unwrap();
                peer.write_all(b"x").unwrap();
                if blocks {
                    assert_eq!(waiting.join().unwrap(), 1, "while this thread is here");
                } else {
                    // Either of them may take all that is there: more comes until both have had something.
                    let (both_have, until_both_have) = mpsc::channel::<()>();
                    let pace = Duration::from_millis(1);
                    let writer = std::thread::spawn(move || {
                        while until_both_have.recv_timeout(pace) == Err(mpsc::RecvTimeoutError::Timeout) {
                            peer.write_all(b"y").unwrap();
                        }
                    });
                    assert!(read.await > 0);
                    // The other one is served although this thread waits for nothing but it.
                    assert!(waiting.join().unwrap() > 0);
                    drop(both_have);
                    writer.join().unwrap();
                }
            });
        }
    }
}

mod in_thread {
    use super::*;

    type Source = Arc<AsyncFd<UnixStream>>;

    pub(super) fn hosted(source: Source, waits: mpsc::Sender<()>) -> std::thread::JoinHandle<usize> {
        std::thread::spawn(move || drive::hosted(announced(waits, read_one(&source))))
    }

    pub(super) fn in_frame(source: Source, waits: mpsc::Sender<()>) -> std::thread::JoinHandle<usize> {
        std::thread::spawn(move || drive::in_frame(announced(waits, read_one(&source))))
    }
}

#[test]
fn who_waits_for_the_same_source_inside_of_the_frame_that_drives_it_is_served() {
    let _watchdog = Watchdog::new();
    let (mut peer, source) = pair();
    in_frame(async {
        let mut read = pin!(read_one(&source));
        assert!(poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await.is_pending());
        fill(source.get_ref());
        let drained = {
            let peer = peer.try_clone().unwrap();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(5));
                drain(&peer)
            })
        };
        // The frame around this one does not wait meanwhile, and is where the source is registered.
        in_frame(source.async_io(Interest::WRITABLE, |mut stream| stream.write(b"x"))).unwrap();
        drained.join().unwrap();
        peer.write_all(b"x").unwrap();
        assert_eq!(read.await, 1);
    });
}

#[test]
fn two_executors_that_wait_for_one_source_do_not_take_it_from_each_other() {
    let _watchdog = Watchdog::new();
    let (peer, source) = pair();
    fill(source.get_ref());
    // Both poll by turns, each in a frame that could drive; each poll may be the one that takes the source along.
    let frames = [Frame::open().build(), Frame::open().build()];
    let counts = [Count::new(), Count::new()];
    let poll = |of: usize| {
        let _entered = frames[of].enter();
        let cx = &mut Context::from_waker(&counts[of].1);
        let polled = match of {
            0 => source.poll_read_ready(cx).map_ok(drop),
            _ => source.poll_write_ready(cx).map_ok(|mut guard| guard.clear_ready()),
        };
        let driver = driver_of::<Reactor>().map_or(0, |reactor| reactor.sources());
        (polled.is_pending(), driver)
    };
    assert_eq!(poll(0), (true, 1));
    // Nothing is known of writing yet.
    while !poll(1).0 {}
    for _ in 0..100 {
        assert_eq!(poll(1), (true, 0), "it stays where it is");
        assert_eq!(poll(0), (true, 1));
    }
    // The one who drives loses nothing for the other.
    drain(&peer);
    let written = counts[1].0.get();
    (&peer).write_all(b"x").unwrap();
    let _entered = frames[0].enter();
    while counts[0].0.get() == 0 || counts[1].0.get() == written {
        frames[0].wait();
    }
}

// The descriptor's number means something else by then, which the new selector refuses.
#[test]
fn a_move_that_is_refused_leaves_the_source_where_it_was() {
    let _watchdog = Watchdog::new();
    let (mut peer, source) = pair();
    let (read, write) = (Count::new(), Count::new());
    fill(source.get_ref());
    assert!(source.poll_read_ready(&mut Context::from_waker(&read.1)).is_pending());
    while source
        .poll_write_ready(&mut Context::from_waker(&write.1))
        .map_ok(|mut guard| guard.clear_ready())
        .is_ready()
    {}
    let kept = source.get_ref().try_clone().unwrap();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    replace(source.get_ref(), &file);
    {
        // It would be better driven here.
        let frame = Frame::open().build();
        let _entered = frame.enter();
        assert!(source.poll_read_ready(&mut Context::from_waker(&read.1)).is_pending());
    }
    replace(source.get_ref(), &kept);
    peer.write_all(b"x").unwrap();
    drain(&peer);
    while read.0.get() == 0 || write.0.get() == 0 {
        std::thread::yield_now();
    }
}

/// Makes the first descriptor mean what the second does.
fn replace(fd: &impl AsRawFd, by: &impl AsRawFd) {
    // SAFETY: both are open and stay so; their owners know no more of them than their numbers.
    assert_ne!(unsafe { libc::dup2(by.as_raw_fd(), fd.as_raw_fd()) }, -1);
}

#[test]
fn a_reactor_that_made_way_ends_its_thread_when_its_last_source_has_gone() {
    let _watchdog = Watchdog::new();
    let (mut peer, source) = pair();
    let frame = Frame::open().build();
    let _entered = frame.enter();
    let (count, waker) = Count::new();
    assert!(source.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
    let reactor = driver_of::<Reactor>().expect("the thread drives it");
    let local = Here::new("local");
    assert_eq!(reactor_hook::drive_local(&local).ok(), Some(()));
    assert!(reactor.attendance().is_attended());
    assert_eq!(count.get(), 0, "nobody need know");
    peer.write_all(b"x").unwrap();
    while count.get() == 0 {
        std::thread::yield_now();
    }
    // A new one joins it there.
    let (_other_peer, other) = pair();
    assert!(other.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(reactor.sources(), 2);
    drop((source, other));
    // Of its own accord: its thread has nothing to wait for.
    while reactor.attendance().is_attended() {
        std::thread::sleep(Duration::from_millis(10));
    }
}
