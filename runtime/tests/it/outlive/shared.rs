//! One socket, waited for in two places at a time.
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures::channel::oneshot;
use runtime::Runtime;
use runtime::net::UnixStream;
use runtime::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::place::{Second, sole};
use crate::support::{Rng, count, pool, watchdog};

/// Far more than fits between the two ends.
const MUCH: usize = 1 << 20;

async fn write_much(mut half: OwnedWriteHalf) -> usize {
    half.write_all(&vec![3; MUCH]).await.unwrap();
    MUCH
}

async fn read_much(mut half: OwnedReadHalf) -> usize {
    let mut buffer = vec![0; 16 << 10];
    let mut received = 0;
    while received < MUCH {
        let n = half.read(&mut buffer).await.unwrap();
        assert_ne!(n, 0, "closed after {received} bytes");
        received += n;
    }
    received
}

/// A runtime that is driven until it is dropped, by itself or by a thread.
struct Driven {
    runtime: Option<Arc<Runtime>>,
    thread: Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>,
}

impl Driven {
    fn new(rng: &mut Rng) -> Driven {
        if rng.below(2) == 0 {
            return Driven { runtime: Some(Arc::new(pool(1 + rng.below(2)))), thread: None };
        }
        let runtime = Arc::new(sole());
        let (stop, stopped) = oneshot::channel();
        let inside = Arc::clone(&runtime);
        let thread = thread::spawn(move || {
            inside.block_on(stopped).unwrap();
        });
        Driven { runtime: Some(runtime), thread: Some((stop, thread)) }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().unwrap()
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            stop.send(()).unwrap();
            thread.join().unwrap();
        }
        drop(Arc::into_inner(self.runtime.take().unwrap()).unwrap());
    }
}

// X5
#[test]
fn of_two_halves_in_two_runtimes_the_one_goes_on_when_the_other_ones_is_dropped() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for _ in 0..count(60, 6_000) {
        let [first, second] = [Driven::new(&mut rng), Driven::new(&mut rng)];
        let (near, far) = first.runtime().handle().block_on(async { UnixStream::pair().unwrap() });
        let (near_read, near_write) = near.into_split();
        let (far_read, far_write) = far.into_split();
        // The near end is waited for in both runtimes; what is at the far end is nobody's of these.
        let (lost, kept);
        if rng.below(2) == 0 {
            lost = first.runtime().spawn(read_much(near_read));
            kept = second.runtime().spawn(write_much(near_write));
        } else {
            lost = first.runtime().spawn(write_much(near_write));
            kept = second.runtime().spawn(read_much(near_read));
        }
        let mut drop_early = Some(first);
        if rng.below(2) == 0 {
            rng.spin(20_000);
            drop_early = None;
        }
        let (mut short, mut long) = (rng.fork(), rng.fork());
        let reader = thread::spawn(move || {
            short.spin(20_000);
            // Ends early where nobody writes any more.
            futures::executor::block_on(async {
                let mut far_read = far_read;
                let mut buffer = vec![0; 64 << 10];
                while matches!(far_read.read(&mut buffer).await, Ok(1..)) {}
            });
        });
        let writer = thread::spawn(move || {
            long.spin(20_000);
            futures::executor::block_on(async {
                let mut far_write = far_write;
                drop(far_write.write_all(&vec![4; MUCH]).await);
                // Kept open: that the other end of the runtime's half has gone must not end this one.
                far_write
            })
        });
        drop(drop_early);
        assert_eq!(futures::executor::block_on(kept).unwrap(), MUCH);
        // Cancelled, unless it was faster.
        drop(futures::executor::block_on(lost));
        drop(second);
        drop(writer.join().unwrap());
        reader.join().unwrap();
    }
}

const EXECUTORS: [Second; 6] =
    [Second::Sole, Second::Guest, Second::BlockOn, Second::Futures, Second::Pollster, Second::Smol];

// X5: they must neither take the registration from each other for ever nor lose an event by it.
#[test]
fn reader_and_writer_of_one_socket_change_their_executors_all_the_time() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let messages = count(400, 40_000);
    let (near, far) = runtime::block_on(async { UnixStream::pair().unwrap() });
    let polls = Arc::new(AtomicUsize::new(0));
    let ends: Vec<_> = [near, far]
        .into_iter()
        .flat_map(|stream| {
            let stream = Arc::new(stream);
            [(Arc::clone(&stream), true), (stream, false)]
        })
        .map(|(stream, reads)| {
            let (mut rng, polls) = (rng.fork(), Arc::clone(&polls));
            thread::spawn(move || {
                // Larger than what fits: the writer waits, too.
                let mut left = messages * 1024;
                let mut buffer = vec![1; 256 << 10];
                while left > 0 {
                    let (stream, polls) = (Arc::clone(&stream), Arc::clone(&polls));
                    let mut bytes = std::mem::take(&mut buffer);
                    let most = left.min(bytes.len());
                    let (done, moved) = std::sync::mpsc::channel();
                    let operation = async move {
                        let n = loop {
                            let tried = if reads {
                                stream.try_read(&mut bytes[..most])
                            } else {
                                stream.try_write(&bytes[..most])
                            };
                            match tried {
                                Ok(n) => break n,
                                Err(_) if reads => stream.readable().await.unwrap(),
                                Err(_) => stream.writable().await.unwrap(),
                            }
                        };
                        done.send((n, bytes)).unwrap();
                    };
                    let counted = async move {
                        let mut operation = pin!(operation);
                        std::future::poll_fn(|cx| {
                            polls.fetch_add(1, Ordering::Relaxed);
                            operation.as_mut().poll(cx)
                        })
                        .await;
                    };
                    EXECUTORS[rng.below(EXECUTORS.len())].run(Box::pin(counted));
                    let (n, bytes) = moved.recv().unwrap();
                    assert_ne!(n, 0, "closed early");
                    left -= n;
                    buffer = bytes;
                }
            })
        })
        .collect();
    for end in ends {
        end.join().unwrap();
    }
    // One that is idle is polled no more: the two directions do not wake each other without end.
    let (polls, most) = (polls.load(Ordering::Relaxed), 100 * messages);
    assert!(polls < most, "{polls} polls for {messages} messages");
}

// Two threads, each with a driver of its own in its frame.
#[test]
fn two_threads_in_block_on_share_a_socket_and_come_and_go() {
    let _watchdog = watchdog();
    for _ in 0..count(20, 2_000) {
        let (near, far) = runtime::block_on(async { UnixStream::pair().unwrap() });
        let [near, far] = [near, far].map(UnixStream::into_split);
        let threads = [
            thread::spawn(move || runtime::block_on(read_much(near.0))),
            thread::spawn(move || runtime::block_on(write_much(near.1))),
            thread::spawn(move || runtime::block_on(read_much(far.0))),
            thread::spawn(move || runtime::block_on(write_much(far.1))),
        ];
        for thread in threads {
            assert_eq!(thread.join().unwrap(), MUCH);
        }
    }
}
