//! What is measured, each thing written once for every host.
use std::fmt;
use std::future::Future;

use crate::host::{Host, OfFutures};
use crate::stopwatch::Sample;

mod accept;
mod blocking;
mod channel;
mod countdown;
mod descriptors;
mod echo;
mod fork_join;
mod judged;
mod load;
mod million;
mod outside;
mod spawn;
mod ticker;
mod timer;
mod wake;

#[cfg(test)]
mod tests;

pub use echo::Floor;
pub use judged::{Group, Measure};
pub use wake::exchange;

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
    /// Each task spawns the next one and awaits it.
    Recursive,
    /// A thread outside spawns empty tasks on an idle runtime.
    SpawnOutside,
    /// The same while tasks that compute and yield keep the workers busy.
    SpawnOutsideBusy,
    /// Tasks that yield over and over.
    Yield,
    /// Pairs of tasks that exchange two oneshot messages.
    PingPong,
    /// 300 tasks, and as many messages go round them over channels of `futures` that hold one.
    Ring,
    /// The same with one message.
    RingOne,
    /// 16 tasks send to one, over a channel of `futures`.
    Mpsc,
    /// The 24th Fibonacci number: tasks split down to the tenth.
    ForkJoin,
    /// A timeout around a future that is ready.
    TimeoutReady,
    /// A timeout that is registered and then cancelled.
    TimeoutCancelled,
    /// As many sleeping tasks, due within 100 ms.
    Sleeps,
    /// A task asks a plain thread, which answers by a oneshot.
    ForeignWake,
    /// `spawn_blocking`, one at a time.
    BlockingInTurn,
    /// `spawn_blocking`, all at once.
    BlockingBurst,
    /// 64 bytes there and back over one TCP connection.
    EchoOne,
    /// The same over 64 connections at once.
    EchoMany,
    /// The same over a thousand.
    EchoCrowd,
    /// 16 KiB there and back over 16 connections at once.
    EchoLarge,
    /// Connections that 16 clients open for a byte each way and close.
    Accept,
    /// [`Ring`](Workload::Ring) over each runtime's own channel; ours is tokio's.
    RingOwn,
    /// [`Mpsc`](Workload::Mpsc) over each runtime's own channel; ours is tokio's.
    MpscOwn,
    /// A task spawns a hundred that each compute for a microsecond, and awaits them.
    Fan,
    /// From a spawn outside to the first poll, while the workers are busy.
    SpawnLatency,
    /// Short requests at a steady rate, and now and then one that computes for 10 ms.
    Service,
    /// 100 tasks that each tick every millisecond.
    Ticking,
    /// One task that ticks every millisecond, and nothing else.
    IdleTicker,
    /// How late sleeps are on idle workers.
    TimerLateness,
    /// How late sleeps are on busy workers.
    TimerLatenessBusy,
    /// As many tasks are made, and each polled once.
    ParkedMade,
    /// As many parked tasks are aborted.
    ParkedDropped,
    /// A task inserts as many timers.
    TimersInserted,
    /// It cancels them.
    TimersCancelled,
    /// As many timers expire within 10 ms.
    TimersExpired,
}

impl Workload {
    /// All of them, in the order of the tables.
    pub const ALL: [Workload; 38] = [
        Workload::Spawn,
        Workload::SpawnJoin,
        Workload::SpawnAwait,
        Workload::Chained,
        Workload::Recursive,
        Workload::SpawnOutside,
        Workload::SpawnOutsideBusy,
        Workload::Yield,
        Workload::PingPong,
        Workload::Ring,
        Workload::RingOne,
        Workload::Mpsc,
        Workload::ForkJoin,
        Workload::TimeoutReady,
        Workload::TimeoutCancelled,
        Workload::Sleeps,
        Workload::ForeignWake,
        Workload::BlockingInTurn,
        Workload::BlockingBurst,
        Workload::EchoOne,
        Workload::EchoMany,
        Workload::EchoCrowd,
        Workload::EchoLarge,
        Workload::Accept,
        Workload::RingOwn,
        Workload::MpscOwn,
        Workload::Fan,
        Workload::SpawnLatency,
        Workload::Service,
        Workload::Ticking,
        Workload::IdleTicker,
        Workload::TimerLateness,
        Workload::TimerLatenessBusy,
        Workload::ParkedMade,
        Workload::ParkedDropped,
        Workload::TimersInserted,
        Workload::TimersCancelled,
        Workload::TimersExpired,
    ];

    /// The name that `--only` takes.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// Operations in a sample: what its times are divided by.
    pub fn operations(self) -> u32 {
        self.facts().1
    }

    /// What it is bound by.
    pub fn group(self) -> Group {
        self.facts().2
    }

    /// What of a sample says who is ahead.
    pub fn measure(self) -> Measure {
        self.facts().3
    }

    /// How many rounds to run, of so many that are wanted: of one that takes seconds, fewer.
    pub fn rounds(self, wanted: usize) -> usize {
        if self.operations() < 1_000_000 { wanted } else { wanted.min(5) }
    }

    fn facts(self) -> (&'static str, u32, Group, Measure) {
        use Group::{KernelBound, Other, Userland, WakeBound};
        use Measure::{Cpu, P99, Wall};

        match self {
            Workload::Spawn => ("spawn", 10_000, Userland, Wall),
            Workload::SpawnJoin => ("spawn_join", 10_000, Userland, Wall),
            Workload::SpawnAwait => ("spawn_await", 10_000, Userland, Wall),
            Workload::Chained => ("chained", 10_000, Userland, Wall),
            Workload::Recursive => ("recursive", 10_000, Userland, Wall),
            Workload::SpawnOutside => ("spawn_outside", 10_000, Userland, Wall),
            Workload::SpawnOutsideBusy => ("spawn_outside_busy", 10_000, Userland, Wall),
            Workload::Yield => ("yield", 20_000, Userland, Wall),
            Workload::PingPong => ("ping_pong", 2_000, Userland, Wall),
            Workload::Ring => ("ring", 30_000, Userland, Wall),
            Workload::RingOne => ("ring_one", 20_000, Userland, Wall),
            Workload::Mpsc => ("mpsc", 32_000, Userland, Wall),
            Workload::ForkJoin => ("fork_join", 4 * fork_join::TASKS, Userland, Wall),
            Workload::TimeoutReady => ("timeout_ready", 100_000, Userland, Wall),
            Workload::TimeoutCancelled => ("timeout_cancelled", 10_000, Userland, Wall),
            Workload::Sleeps => ("sleeps", 100_000, Userland, Wall),
            Workload::ForeignWake => ("foreign_wake", 1_000, WakeBound, Wall),
            Workload::BlockingInTurn => ("blocking_in_turn", 1_000, WakeBound, Wall),
            Workload::BlockingBurst => ("blocking_burst", 5_000, WakeBound, Wall),
            Workload::EchoOne => ("echo_1", 1_000, KernelBound, Wall),
            Workload::EchoMany => ("echo_64", 6_400, KernelBound, Wall),
            Workload::EchoCrowd => ("echo_1000", 20_000, KernelBound, Wall),
            Workload::EchoLarge => ("echo_16k", 1_600, KernelBound, Wall),
            Workload::Accept => ("accept", 1_600, KernelBound, Wall),
            Workload::RingOwn => ("ring_own", 30_000, Other, Wall),
            Workload::MpscOwn => ("mpsc_own", 32_000, Other, Wall),
            Workload::Fan => ("fan", 10_000, Other, Wall),
            Workload::SpawnLatency => ("spawn_latency", 1_000, Other, P99),
            Workload::Service => ("service", 2_000, Other, P99),
            Workload::Ticking => ("ticking", 20_000, Other, Cpu),
            Workload::IdleTicker => ("idle_ticker", 200, Other, Cpu),
            Workload::TimerLateness => ("timer_lateness", 400, Other, P99),
            Workload::TimerLatenessBusy => ("timer_lateness_busy", 400, Other, P99),
            Workload::ParkedMade => ("parked_made", 1_000_000, Other, Wall),
            Workload::ParkedDropped => ("parked_dropped", 1_000_000, Other, Wall),
            Workload::TimersInserted => ("timers_inserted", 1_000_000, Other, Wall),
            Workload::TimersCancelled => ("timers_cancelled", 1_000_000, Other, Wall),
            Workload::TimersExpired => ("timers_expired", 1_000_000, Other, Cpu),
        }
    }

    /// Runs it once on `host`.
    pub fn run<H: Host>(self, host: &'static H) -> Sample {
        self.run_times(host, self.operations())
    }

    /// The same on as many raw threads, of those whose floors can be measured: see `echo/raw.rs`.
    pub fn floor(self, threads: usize, floor: Floor) -> Option<impl Fn() -> Sample> {
        let shape = match self {
            Workload::EchoOne => echo::SINGLE,
            Workload::EchoMany => echo::MANY,
            Workload::EchoCrowd => echo::CROWD,
            Workload::EchoLarge => echo::LARGE,
            _ => return None,
        };
        Some(move || echo::raw(threads, shape.times(self.operations()), floor))
    }

    /// Runs it with so many operations.
    fn run_times<H: Host>(self, host: &'static H, count: u32) -> Sample {
        match self {
            Workload::Spawn => in_task(host, spawn::detached(host, count)),
            Workload::SpawnJoin => in_task(host, spawn::joined(host, count)),
            Workload::SpawnAwait => in_task(host, spawn::awaited(host, count)),
            Workload::Chained => in_task(host, spawn::chained(host, count)),
            Workload::Recursive => in_task(host, spawn::recursive(host, count)),
            Workload::SpawnOutside => spawn::outside(host, count),
            Workload::SpawnOutsideBusy => outside::spawn_throughput(host, count),
            Workload::Yield => in_task(host, wake::yielding(host, 200, count)),
            Workload::PingPong => in_task(host, wake::ping_pong(host, count)),
            Workload::Ring => in_task(host, channel::ring::<H, OfFutures>(host, 300, count)),
            Workload::RingOne => in_task(host, channel::ring::<H, OfFutures>(host, 1, count)),
            Workload::Mpsc => in_task(host, channel::many_to_one::<H, OfFutures>(host, count)),
            Workload::ForkJoin => in_task(host, fork_join::fibonacci(host, count)),
            Workload::TimeoutReady => in_task(host, timer::ready::<H>(count)),
            Workload::TimeoutCancelled => in_task(host, timer::cancelled::<H>(count)),
            Workload::Sleeps => in_task(host, timer::sleeps(host, count)),
            Workload::ForeignWake => in_task(host, wake::foreign(count)),
            Workload::BlockingInTurn => in_task(host, blocking::in_turn(host, count)),
            Workload::BlockingBurst => in_task(host, blocking::burst(host, count)),
            Workload::EchoOne => in_task(host, echo::echo(host, echo::SINGLE.times(count))),
            Workload::EchoMany => in_task(host, echo::echo(host, echo::MANY.times(count))),
            Workload::EchoCrowd => in_task(host, echo::echo(host, echo::CROWD.times(count))),
            Workload::EchoLarge => in_task(host, echo::echo(host, echo::LARGE.times(count))),
            Workload::Accept => in_task(host, accept::accept(host, 16, count)),
            Workload::RingOwn => in_task(host, channel::ring::<H, H::Channel>(host, 300, count)),
            Workload::MpscOwn => in_task(host, channel::many_to_one::<H, H::Channel>(host, count)),
            Workload::Fan => in_task(host, fork_join::fan(host, count)),
            Workload::SpawnLatency => outside::spawn_latency(host, count),
            Workload::Service => outside::service(host, count),
            Workload::Ticking => in_task(host, ticker::ticking(host, 100, count)),
            Workload::IdleTicker => in_task(host, ticker::ticking(host, 1, count)),
            Workload::TimerLateness => in_task(host, ticker::lateness(host, count)),
            Workload::TimerLatenessBusy => in_task(host, ticker::lateness_when_busy(host, count)),
            Workload::ParkedMade => in_task(host, million::parked_made(host, count)),
            Workload::ParkedDropped => in_task(host, million::parked_dropped(host, count)),
            Workload::TimersInserted => in_task(host, million::timers_inserted::<H>(count)),
            Workload::TimersCancelled => in_task(host, million::timers_cancelled::<H>(count)),
            Workload::TimersExpired => in_task(host, million::timers_expired::<H>(count)),
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
