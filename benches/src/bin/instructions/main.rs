//! Work of one kind on one host, so often as it is told, for a tool that counts instructions: `.ci/jobs/instructions.sh`
//! and the binary `locked` run it.
//!
//! `instructions <host> <kind> <times>`; `instructions kinds` lists what is counted for the gate, `instructions steps` and
//! `instructions across` the rest; `instructions compare` is the gate itself. One worker, but where a kind needs a second: callgrind runs one thread at a time, so that the count says what
//! the work takes, and not who had to wait for whom.
use std::future::{self, Future};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use benches::{Channel, Host, OfFutures, Ours, Smol, Tokio, exchange};
use futures::channel::oneshot;
use runtime::{Builder, Runtime};

mod across;
mod gate;

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

/// What only `locked` counts: steps of other kinds, for the simulation.
const STEPS: [&str; 5] = ["chain", "yield_many", "channel", "channel_one", "hop"];

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

/// Each spawns the next one, which nothing is displaced for.
async fn chain<H: Host>(host: &'static H, times: u32) {
    fn link<H: Host>(host: &'static H, left: u32, done: oneshot::Sender<()>) {
        H::detach(host.spawn(async move {
            match left {
                1 => done.send(()).expect("it is awaited"),
                _ => link(host, left - 1, done),
            }
        }));
    }
    let (done, all) = oneshot::channel();
    link(host, times, done);
    all.await.expect("the last one sends");
}

/// By many tasks in turn.
async fn yield_many<H: Host>(host: &'static H, times: u32) {
    let each = |_| {
        host.spawn(async move {
            for _ in 0..times / BURST {
                H::yield_now().await;
            }
        })
    };
    for task in (0..BURST).map(each).collect::<Vec<_>>() {
        task.await;
    }
}

/// A message to oneself through a channel that is filled and emptied: nobody waits.
async fn channel(times: u32, capacity: u32) {
    let (mut sender, mut receiver) = OfFutures::bounded(capacity as usize);
    for _ in 0..times / capacity {
        for number in 0..capacity {
            OfFutures::send(&mut sender, number).await;
        }
        for _ in 0..capacity {
            OfFutures::receive(&mut receiver).await.expect("as many were sent");
        }
    }
}

/// One message goes round a ring of tasks: a channel, a wake and a poll each time.
async fn hop<H: Host>(host: &'static H, times: u32) {
    const RING: usize = 8;
    let (mut senders, receivers): (Vec<_>, Vec<_>) = (0..RING).map(|_| OfFutures::bounded(1)).unzip();
    OfFutures::send(&mut senders[0], times).await;
    senders.rotate_left(1);
    let (done, all) = oneshot::channel();
    let mut done = Some(done);
    for (at, (mut from, mut to)) in receivers.into_iter().zip(senders).enumerate() {
        // So many that the last hop is this one's.
        let mut done = (at == times as usize % RING).then(|| done.take()).flatten();
        H::detach(host.spawn(async move {
            while let Some(left) = OfFutures::receive(&mut from).await {
                if left == 0 {
                    done.take().expect("it is the one").send(()).expect("it is awaited");
                    return;
                }
                OfFutures::send(&mut to, left - 1).await;
            }
        }));
    }
    all.await.expect("the last one sends");
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
            // No RMW: there is one worker.
            let one_less = || LEFT.store(LEFT.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
            H::detach(host.spawn(exchange(host, one_less)));
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
        "chain" => in_task(host, chain(host, times)),
        "yield" => in_task(host, yield_now::<H>(times)),
        "yield_many" => in_task(host, yield_many(host, times)),
        "wake" => in_task(host, wake(host, times)),
        "oneshot" => in_task(host, oneshot(host, times)),
        "message" => in_task(host, message(host, times)),
        "ping_pong" => in_task(host, ping_pong(host, times)),
        "channel" => in_task(host, channel(times, BURST)),
        "channel_one" => in_task(host, channel(times, 1)),
        "hop" => in_task(host, hop(host, times)),
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

/// Fails if the gate does, or the files are no tables.
fn compare(recorded: &str, counted: &str, only: Option<&str>) -> ExitCode {
    let read = |path: &str| std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let compared = read(recorded)
        .and_then(|recorded| Ok((recorded, read(counted)?)))
        .and_then(|(recorded, counted)| gate::compare(&recorded, &counted, only));
    match compared {
        Ok((report, open)) => {
            print!("{report}");
            if open { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Ours with the driver's turns counted in polls, not by the clock.
fn watched(workers: usize) -> Builder {
    let mut builder = Runtime::builder();
    builder.worker_threads(workers).event_interval(61);
    builder
}

/// And without the supervisor's samples, which follow the clock as well: so that the count repeats.
fn unwatched(workers: usize) -> Builder {
    let mut builder = watched(workers);
    builder.stall_threshold(Duration::MAX);
    builder
}

fn start(mut builder: Builder) -> Ours {
    Ours::from(builder.build().expect("the runtime starts"))
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [list] if list == "kinds" => println!("{}", KINDS.join("\n")),
        [list] if list == "steps" => println!("{}", STEPS.join("\n")),
        [list] if list == "across" => println!("{}", ACROSS.join("\n")),
        [command, recorded, counted, only @ ..] if command == "compare" && only.len() <= 1 => {
            return compare(recorded, counted, only.first().map(String::as_str));
        }
        [host, kind, times] => {
            let times = times.parse().expect("a number of times");
            let workers = if kind == "steal" { 2 } else { 1 };
            match host.as_str() {
                "ours" => return run(start(unwatched(workers)), kind, times),
                "watched" => return run(start(watched(workers)), kind, times),
                "tokio" => return run(Tokio::start(workers), kind, times),
                "smol" => return run(Smol::start(workers), kind, times),
                _ => eprintln!("no such host: {host}"),
            }
            return ExitCode::FAILURE;
        }
        _ => {
            eprintln!(
                "usage: instructions <ours | watched | tokio | smol> <kind> <times>\n       instructions kinds | steps | across\n       instructions compare <recorded> <counted> [<kind>]"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
