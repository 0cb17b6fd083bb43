//! What is measured, each thing written once for every host.
use std::fmt;
use std::future::Future;

use crate::host::Host;
use crate::stopwatch::Sample;

mod blocking;
mod countdown;
mod echo;
mod spawn;
mod timer;
mod wake;

/// One kind of work. Set-up and tear-down are not in the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// A task spawns empty tasks and waits until all have run.
    Spawn,
    /// A task spawns empty tasks, then awaits their handles in turn.
    SpawnJoin,
    /// A task spawns an empty task and awaits it, again and again.
    SpawnAwait,
    /// Each task spawns the next one.
    Chained,
    /// A thread outside spawns empty tasks on an idle runtime.
    SpawnOutside,
    /// Tasks that yield over and over.
    Yield,
    /// Pairs of tasks that exchange two oneshot messages.
    PingPong,
    /// A task asks a plain thread, which answers by a oneshot.
    ForeignWake,
    /// A timeout that is registered and then cancelled.
    TimeoutCancelled,
    /// As many sleeping tasks, due within 100 ms.
    Sleeps,
    /// `spawn_blocking`, one at a time.
    BlockingInTurn,
    /// `spawn_blocking`, all at once.
    BlockingBurst,
    /// 64 bytes there and back over one TCP connection.
    EchoOne,
    /// The same over 64 connections at once.
    EchoMany,
}

impl Workload {
    /// All of them, in the order of the tables.
    pub const ALL: [Workload; 14] = [
        Workload::Spawn,
        Workload::SpawnJoin,
        Workload::SpawnAwait,
        Workload::Chained,
        Workload::SpawnOutside,
        Workload::Yield,
        Workload::PingPong,
        Workload::ForeignWake,
        Workload::TimeoutCancelled,
        Workload::Sleeps,
        Workload::BlockingInTurn,
        Workload::BlockingBurst,
        Workload::EchoOne,
        Workload::EchoMany,
    ];

    /// The name that `--only` takes.
    pub fn name(self) -> &'static str {
        match self {
            Workload::Spawn => "spawn",
            Workload::SpawnJoin => "spawn_join",
            Workload::SpawnAwait => "spawn_await",
            Workload::Chained => "chained",
            Workload::SpawnOutside => "spawn_outside",
            Workload::Yield => "yield",
            Workload::PingPong => "ping_pong",
            Workload::ForeignWake => "foreign_wake",
            Workload::TimeoutCancelled => "timeout_cancelled",
            Workload::Sleeps => "sleeps",
            Workload::BlockingInTurn => "blocking_in_turn",
            Workload::BlockingBurst => "blocking_burst",
            Workload::EchoOne => "echo_1",
            Workload::EchoMany => "echo_64",
        }
    }

    /// Operations in a sample: what its times are divided by.
    pub fn operations(self) -> u32 {
        match self {
            Workload::Sleeps => 100_000,
            Workload::Yield => 20_000,
            Workload::PingPong => 2_000,
            Workload::ForeignWake | Workload::BlockingInTurn | Workload::EchoOne => 1_000,
            Workload::BlockingBurst => 5_000,
            Workload::EchoMany => 6_400,
            _ => 10_000,
        }
    }

    /// Runs it once on `host`.
    pub fn run<H: Host>(self, host: &'static H) -> Sample {
        let count = self.operations();
        match self {
            Workload::Spawn => in_task(host, spawn::detached(host, count)),
            Workload::SpawnJoin => in_task(host, spawn::joined(host, count)),
            Workload::SpawnAwait => in_task(host, spawn::awaited(host, count)),
            Workload::Chained => in_task(host, spawn::chained(host, count)),
            Workload::SpawnOutside => spawn::outside(host, count),
            Workload::Yield => in_task(host, wake::yielding(host, 200, count)),
            Workload::PingPong => in_task(host, wake::ping_pong(host, count)),
            Workload::ForeignWake => in_task(host, wake::foreign(count)),
            Workload::TimeoutCancelled => in_task(host, timer::cancelled::<H>(count)),
            Workload::Sleeps => in_task(host, timer::sleeps(host, count)),
            Workload::BlockingInTurn => in_task(host, blocking::in_turn(host, count)),
            Workload::BlockingBurst => in_task(host, blocking::burst(host, count)),
            Workload::EchoOne => in_task(host, echo::echo(host, 1, count)),
            Workload::EchoMany => in_task(host, echo::echo(host, 64, count)),
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Runs `work` as a task, so that what it spawns comes from a worker.
fn in_task<H: Host>(host: &'static H, work: impl Future<Output = Sample> + Send + 'static) -> Sample {
    host.block_on(host.spawn_outside(work))
}
