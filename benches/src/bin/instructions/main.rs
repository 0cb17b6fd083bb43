//! Work of one kind on one host, so often as it is told, for a tool that counts instructions: `.ci/jobs/instructions.sh`
//! and the binary `locked` run it.
//!
//! `instructions <host> <kind> <times>`; `instructions kinds` lists what is counted for the gate, `instructions across` the
//! rest. One worker, but where a kind needs a second: callgrind runs one thread at a time, so that the count says what
//! the work takes, and not who had to wait for whom.
use std::future::{self, Future};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use benches::{Host, Ours, Smol, Tokio};
use futures::channel::oneshot;
use runtime::Runtime;

mod across;

/// Detached tasks between two pauses of who spawns them: few enough for its own queue.
const BURST: u32 = 128;

/// What `.ci/jobs/instructions.sh` holds to the recorded figures. What each is: the function of its name.
const KINDS: [&str; 11] = [
    "spawn",
    "spawn_join",
    "spawn_await",
    "spawn_many",
    "yield",
    "wake",
    "oneshot",
    "message",
    "ping_pong",
    "timeout",
    "timeout_ready",
];

/// What only `locked` counts, because threads meet in it.
const ACROSS: [&str; 5] = ["spawn_outside", "wake_outside", "wake_parked", "steal", "socket"];

async fn spawn<H: Host>(host: &'static H, times: u32) {
    for _ in 0..times / BURST {
        spawn_burst(host, BURST).await;
    }
}

/// Ends when all have run: one yield is not enough where it goes before what is queued.
async fn spawn_burst<H: Host>(host: &'static H, burst: u32) {
    static LEFT: AtomicU32 = AtomicU32::new(0);
    LEFT.store(burst, Ordering::Relaxed);
    for _ in 0..burst {
        // No RMW: there is one worker.
        H::detach(host.spawn(async { LEFT.store(LEFT.load(Ordering::Relaxed) - 1, Ordering::Relaxed) }));
    }
    while LEFT.load(Ordering::Relaxed) > 0 {
        H::yield_now().await;
    }
}

async fn spawn_join<H: Host>(host: &'static H, times: u32) {
    for _ in 0..times / BURST {
        let handles: Vec<_> = (0..BURST).map(|_| host.spawn(async {})).collect();
        for handle in handles {
            handle.await;
        }
    }
}

async fn spawn_await<H: Host>(host: &'static H, times: u32) {
    for _ in 0..times {
        host.spawn(async {}).await;
    }
}

/// More than its own queue takes: the rest goes through the injector.
async fn spawn_many<H: Host>(host: &'static H, times: u32) {
    let many = 32 * BURST;
    for _ in 0..times / many {
        spawn_burst(host, many).await;
    }
}

/// By the only task there is.
async fn yield_now<H: Host>(times: u32) {
    for _ in 0..times {
        H::yield_now().await;
    }
}

/// Two tasks that wake each other by reference: a wake and a poll.
async fn wake<H: Host>(host: &'static H, times: u32) {
    async fn own_waker() -> Waker {
        future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
    }
    async fn take_turns(other: Waker, times: u32) {
        for _ in 0..times {
            other.wake_by_ref();
            let mut woken = false;
            future::poll_fn(|_| match std::mem::replace(&mut woken, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
        }
        other.wake();
    }
    let (tell, told) = oneshot::channel();
    let (answer, answered) = oneshot::channel();
    let other = host.spawn(async move {
        answer.send(own_waker().await).expect("the other side waits");
        take_turns(told.await.expect("the other side sends"), times / 2).await;
    });
    let waker = answered.await.expect("the other side answers");
    tell.send(own_waker().await).expect("the other side waits");
    take_turns(waker, times / 2).await;
    other.await;
}

/// Pairs of tasks that exchange two messages, counted by message: a task spawned and run, a channel, and a wake each.
async fn oneshot<H: Host>(host: &'static H, times: u32) {
    static LEFT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..times / BURST {
        LEFT.store(BURST / 2, Ordering::Relaxed);
        for _ in 0..BURST / 2 {
            H::detach(host.spawn(async move {
                let (ping, pinged) = oneshot::channel();
                let (pong, ponged) = oneshot::channel();
                H::detach(host.spawn(async move {
                    pinged.await.expect("the other side sends first");
                    pong.send(()).expect("the other side waits");
                }));
                ping.send(()).expect("the other side waits");
                ponged.await.expect("the other side answers");
                // No RMW: there is one worker.
                LEFT.store(LEFT.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
            }));
        }
        while LEFT.load(Ordering::Relaxed) > 0 {
            H::yield_now().await;
        }
    }
}

/// Two tasks that throw each other the way back: a channel, a wake and a poll each time.
async fn message<H: Host>(host: &'static H, times: u32) {
    struct Ball(oneshot::Sender<Ball>);
    let (mut to, mut next) = oneshot::channel::<Ball>();
    let other = host.spawn(async move {
        while let Ok(Ball(to)) = next.await {
            let (back, returned) = oneshot::channel();
            next = returned;
            if to.send(Ball(back)).is_err() {
                break;
            }
        }
    });
    for _ in 0..times / 2 {
        let (back, returned) = oneshot::channel();
        assert!(to.send(Ball(back)).is_ok(), "the other side waits");
        to = returned.await.expect("the other side answers").0;
    }
    drop(to);
    other.await;
}

/// There and back: a spawn, a yield, two channels, two wakes.
async fn ping_pong<H: Host>(host: &'static H, times: u32) {
    for _ in 0..times {
        let (ping, pinged) = oneshot::channel();
        let (pong, ponged) = oneshot::channel();
        H::detach(host.spawn(async move {
            pinged.await.expect("it is sent");
            pong.send(()).expect("it is awaited");
        }));
        H::yield_now().await;
        ping.send(()).expect("it is awaited");
        ponged.await.expect("it is sent");
    }
}

/// Registered, because the future is pending once, and then cancelled.
async fn timeout<H: Host>(times: u32) {
    for _ in 0..times {
        H::timeout(Duration::from_secs(60), H::yield_now()).await.expect("a minute is enough");
    }
}

async fn timeout_ready<H: Host>(times: u32) {
    for _ in 0..times {
        H::timeout(Duration::from_secs(60), future::ready(())).await.expect("a minute is enough");
    }
}

fn run<H: Host>(host: H, kind: &str, times: u32) -> ExitCode {
    fn in_task<H: Host>(host: &'static H, work: impl Future<Output = ()> + Send + 'static) {
        host.block_on(host.spawn_outside(work));
    }
    let host: &'static H = Box::leak(Box::new(host));
    match kind {
        "spawn" => in_task(host, spawn(host, times)),
        "spawn_join" => in_task(host, spawn_join(host, times)),
        "spawn_await" => in_task(host, spawn_await(host, times)),
        "spawn_many" => in_task(host, spawn_many(host, times)),
        "yield" => in_task(host, yield_now::<H>(times)),
        "wake" => in_task(host, wake(host, times)),
        "oneshot" => in_task(host, oneshot(host, times)),
        "message" => in_task(host, message(host, times)),
        "ping_pong" => in_task(host, ping_pong(host, times)),
        "timeout" => in_task(host, timeout::<H>(times)),
        "timeout_ready" => in_task(host, timeout_ready::<H>(times)),
        "spawn_outside" => across::spawn_outside(host, times),
        "wake_outside" => across::wake_outside(host, times),
        "wake_parked" => across::wake_parked(host, times),
        "steal" => in_task(host, across::steal(host, times)),
        "socket" => in_task(host, across::socket(host, times)),
        _ => {
            eprintln!("no such kind: {kind}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Ours without the supervisor's samples, which follow the clock: so that the count repeats.
fn unwatched(workers: usize) -> Ours {
    let mut builder = Runtime::builder();
    builder.worker_threads(workers).stall_threshold(Duration::MAX);
    Ours::from(builder.build().expect("the runtime starts"))
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [list] if list == "kinds" => println!("{}", KINDS.join("\n")),
        [list] if list == "across" => println!("{}", ACROSS.join("\n")),
        [host, kind, times] => {
            let times = times.parse().expect("a number of times");
            let workers = if kind == "steal" { 2 } else { 1 };
            match host.as_str() {
                "ours" => return run(unwatched(workers), kind, times),
                "watched" => return run(Ours::start(workers), kind, times),
                "tokio" => return run(Tokio::start(workers), kind, times),
                "smol" => return run(Smol::start(workers), kind, times),
                _ => eprintln!("no such host: {host}"),
            }
            return ExitCode::FAILURE;
        }
        _ => {
            eprintln!(
                "usage: instructions <ours | watched | tokio | smol> <kind> <times>\n       instructions kinds | across"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
