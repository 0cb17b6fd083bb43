//! Waking tasks.
use std::sync::mpsc;
use std::thread;

use futures::channel::oneshot;

use super::countdown::Countdown;
use crate::host::Host;
use crate::stopwatch::{Sample, Stopwatch};

static COUNTDOWN: Countdown = Countdown::new();

pub(super) async fn yielding<H: Host>(host: &'static H, tasks: u32, count: u32) -> Sample {
    let done = COUNTDOWN.start(tasks);
    let watch = Stopwatch::start();
    for _ in 0..tasks {
        H::detach(host.spawn(async move {
            for _ in 0..count / tasks {
                H::yield_now().await;
            }
            COUNTDOWN.arrive();
        }));
    }
    done.await.expect("all tasks ran");
    watch.stop()
}

pub(super) async fn ping_pong<H: Host>(host: &'static H, pairs: u32) -> Sample {
    let done = COUNTDOWN.start(pairs);
    let watch = Stopwatch::start();
    for _ in 0..pairs {
        H::detach(host.spawn(exchange(host, || COUNTDOWN.arrive())));
    }
    done.await.expect("all tasks ran");
    watch.stop()
}

/// Two oneshot messages with a task that is spawned for it, there and back. `then` is called at the end, and not by a task
/// around this one, which would be polled as well.
pub async fn exchange<H: Host>(host: &'static H, then: impl FnOnce()) {
    let (ping, pinged) = oneshot::channel();
    let (pong, ponged) = oneshot::channel();
    H::detach(host.spawn(async move {
        pinged.await.expect("the other side sends first");
        pong.send(()).expect("the other side waits");
    }));
    ping.send(()).expect("the other side waits");
    ponged.await.expect("the other side answers");
    then();
}

pub(super) async fn foreign(count: u32) -> Sample {
    let (ask, asked) = mpsc::channel::<oneshot::Sender<()>>();
    let thread = thread::spawn(move || {
        for answer in asked {
            answer.send(()).expect("the task waits");
        }
    });
    let watch = Stopwatch::start();
    for _ in 0..count {
        let (answer, answered) = oneshot::channel();
        ask.send(answer).expect("the thread listens");
        answered.await.expect("the thread answers");
    }
    let sample = watch.stop();
    drop(ask);
    thread.join().expect("the thread ends when nobody asks");
    sample
}
