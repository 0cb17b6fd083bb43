//! Work of one kind, so often as it is told, for a tool that counts instructions: `.ci/jobs/instructions.sh` runs it.
//!
//! `instructions <kind> <times> <stall threshold: default | never>`. One worker: callgrind runs one thread at a time, so
//! that the count says what the work takes, and not who had to wait for whom.
use std::process::ExitCode;
use std::time::Duration;

use futures::channel::oneshot;
use runtime::Runtime;
use runtime::task::yield_now;

/// Detached tasks between two pauses of who spawns them: few enough for its own queue.
const BURST: u32 = 128;

async fn spawn(times: u32) {
    for _ in 0..times / BURST {
        for _ in 0..BURST {
            drop(runtime::spawn(async {}));
        }
        yield_now().await;
    }
}

async fn spawn_join(times: u32) {
    for _ in 0..times / BURST {
        let handles: Vec<_> = (0..BURST).map(|_| runtime::spawn(async {})).collect();
        for handle in handles {
            handle.await.expect("it does nothing");
        }
    }
}

async fn spawn_await(times: u32) {
    for _ in 0..times {
        runtime::spawn(async {}).await.expect("it does nothing");
    }
}

/// More than its own queue takes: the rest goes through the injector.
async fn spawn_many(times: u32) {
    let many = 32 * BURST;
    for _ in 0..times / many {
        for _ in 0..many {
            drop(runtime::spawn(async {}));
        }
        yield_now().await;
    }
}

async fn yield_alone(times: u32) {
    for _ in 0..times {
        yield_now().await;
    }
}

/// There and back: two channels, two wakes, two polls.
async fn ping_pong(times: u32) {
    for _ in 0..times {
        let (ping, pinged) = oneshot::channel();
        let (pong, ponged) = oneshot::channel();
        drop(runtime::spawn(async move {
            pinged.await.expect("it is sent");
            pong.send(()).expect("it is awaited");
        }));
        yield_now().await;
        ping.send(()).expect("it is awaited");
        ponged.await.expect("it is sent");
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [kind, times, threshold] = &arguments[..] else {
        eprintln!("usage: instructions <kind> <times> <default | never>");
        return ExitCode::FAILURE;
    };
    let times: u32 = times.parse().expect("a number of times");
    let mut builder = Runtime::builder();
    builder.worker_threads(1);
    if threshold == "never" {
        builder.stall_threshold(Duration::MAX);
    }
    let runtime = builder.build().expect("threads are to be had");
    let work = match kind.as_str() {
        "spawn" => runtime.spawn(spawn(times)),
        "spawn_join" => runtime.spawn(spawn_join(times)),
        "spawn_await" => runtime.spawn(spawn_await(times)),
        "spawn_many" => runtime.spawn(spawn_many(times)),
        "yield" => runtime.spawn(yield_alone(times)),
        "ping_pong" => runtime.spawn(ping_pong(times)),
        _ => panic!("no such kind: {kind}"),
    };
    runtime.block_on(work).expect("it ends");
    ExitCode::SUCCESS
}
