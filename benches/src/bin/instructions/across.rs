//! Kinds in which threads meet: how often one of them finds the other asleep depends on the machine, so that they are no
//! matter for a gate. `locked` counts them.
use std::future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use benches::Host;

use super::BURST;

/// Operations done: stored by one thread at a time wherever its RMW would be counted.
static DONE: AtomicU32 = AtomicU32::new(0);

fn one_more_done() {
    // Ordering: Release pairs with the Acquire of `wait_for`.
    DONE.store(DONE.load(Ordering::Relaxed) + 1, Ordering::Release);
}

fn wait_for(done: u32) {
    // Ordering: Acquire pairs with the Release of `one_more_done`, or of the RMW in `steal`.
    while DONE.load(Ordering::Acquire) < done {
        thread::yield_now();
    }
}

/// A thread that the host knows nothing of spawns detached tasks, and waits now and then until they have run.
pub(crate) fn spawn_outside<H: Host>(host: &'static H, times: u32) {
    for burst in 1..=times / BURST {
        for _ in 0..BURST {
            H::detach(host.spawn_outside(async { one_more_done() }));
        }
        wait_for(burst * BURST);
    }
}

/// A thread outside wakes tasks by reference, a burst at a time.
pub(crate) fn wake_outside<H: Host>(host: &'static H, times: u32) {
    let wakers = sleepers(host, BURST, times / BURST);
    for burst in 1..=times / BURST {
        wakers.iter().for_each(Waker::wake_by_ref);
        wait_for(burst * BURST);
    }
}

/// The same, one task, whose worker has gone to sleep meanwhile.
pub(crate) fn wake_parked<H: Host>(host: &'static H, times: u32) {
    let wakers = sleepers(host, 1, times);
    for wake in 1..=times {
        // Long enough to fall asleep, mostly; nothing depends on it but what is counted.
        thread::sleep(Duration::from_micros(100));
        wakers[0].wake_by_ref();
        wait_for(wake);
    }
}

/// The wakers of so many tasks that count how often they are woken.
fn sleepers<H: Host>(host: &'static H, count: u32, times: u32) -> Vec<Waker> {
    let (tell, told) = mpsc::channel();
    for _ in 0..count {
        let tell = tell.clone();
        let mut polls = 0;
        H::detach(host.spawn_outside(future::poll_fn(move |cx| {
            if polls == 0 {
                tell.send(cx.waker().clone()).expect("the thread listens");
            } else {
                one_more_done();
            }
            polls += 1;
            if polls > times { Poll::Ready(()) } else { Poll::Pending }
        })));
    }
    told.iter().take(count as usize).collect()
}

/// Two tasks are spawned by one that goes on computing until a second worker has run one of them.
pub(crate) async fn steal<H: Host>(host: &'static H, times: u32) {
    let one_more = || {
        // Ordering: Release as in `one_more_done`. An RMW: two workers count.
        DONE.fetch_add(1, Ordering::Release);
    };
    for pair in 0..times {
        for _ in 0..2 {
            H::detach(host.spawn(async move { one_more() }));
        }
        wait_for(2 * pair + 1);
        while DONE.load(Ordering::Relaxed) < 2 * pair + 2 {
            H::yield_now().await;
        }
    }
}

/// A byte there and back over a loopback connection: two tasks that wait until their sockets are readable.
pub(crate) async fn socket<H: Host>(host: &'static H, times: u32) {
    let (listener, address) = H::listen().await.expect("a port is free");
    let server = host.spawn(async move {
        let mut stream = H::accept(&listener).await.expect("one connects");
        let mut byte = [0];
        while H::read(&mut stream, &mut byte).await.expect("the peer writes") > 0 {
            H::write_all(&mut stream, &byte).await.expect("the peer reads");
        }
    });
    let mut stream = H::connect(address).await.expect("it listens");
    for _ in 0..times {
        H::write_all(&mut stream, &[1]).await.expect("the peer reads");
        assert_eq!(H::read(&mut stream, &mut [0]).await.expect("the peer writes"), 1);
    }
    drop(stream);
    server.await;
}
