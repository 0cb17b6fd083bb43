use std::time::Duration;

use super::{Measure, Workload, fork_join};
use crate::WORKERS;
use crate::host::{Host, Ours, Smol, Tokio};

mod counted;

use counted::{Counted, Tally};

/// At least one, and how many is left to the workload.
const SOME: u32 = u32::MAX;

const NOTHING: Tally = Tally {
    tasks_begun: 0,
    tasks_aborted: 0,
    yields: 0,
    sleeps_begun: 0,
    sleeps_ended: 0,
    timeouts: 0,
    ticks: 0,
    jobs: 0,
    messages: 0,
    accepted: 0,
    bytes_read: 0,
};

/// So few operations, and what the workload has the host do for them. Most are themselves a task; a load is eight.
fn promised(workload: Workload) -> (u32, Tally) {
    let tasks = |tasks_begun| Tally { tasks_begun, ..NOTHING };
    match workload {
        Workload::Spawn | Workload::SpawnJoin | Workload::SpawnAwait => (20, tasks(1 + 20)),
        Workload::Chained | Workload::Recursive => (20, tasks(1 + 20)),
        Workload::SpawnOutside => (20, tasks(20)),
        Workload::SpawnOutsideBusy => (20, Tally { yields: SOME, ..tasks(8 + 20) }),
        Workload::Yield => (400, Tally { yields: 400, ..tasks(1 + 200) }),
        Workload::PingPong => (5, tasks(1 + 2 * 5)),
        Workload::Ring | Workload::RingOne => (600, tasks(1 + 300)),
        Workload::RingOwn => (600, Tally { messages: 600, ..tasks(1 + 300) }),
        Workload::Mpsc => (64, tasks(1 + 16)),
        Workload::MpscOwn => (64, Tally { messages: 64, ..tasks(1 + 16) }),
        Workload::ForkJoin => (fork_join::TASKS, tasks(1 + fork_join::TASKS)),
        Workload::TimeoutReady => (20, Tally { timeouts: 20, ..tasks(1) }),
        Workload::TimeoutCancelled => (20, Tally { timeouts: 20, yields: 20, ..tasks(1) }),
        Workload::Sleeps => (20, Tally { sleeps_begun: 20, sleeps_ended: 20, ..tasks(1 + 20) }),
        // Neither the thread nor the channel is the host's: who is not answered waits for ever.
        Workload::ForeignWake => (5, tasks(1)),
        Workload::BlockingInTurn | Workload::BlockingBurst => (5, Tally { jobs: 5, ..tasks(1) }),
        Workload::EchoOne => (5, Tally { accepted: 1, bytes_read: 5 * 2 * 64, ..tasks(1 + 2) }),
        Workload::EchoMany => {
            (2 * 64, Tally { accepted: 64, bytes_read: 2 * 64 * 2 * 64, ..tasks(1 + 2 * 64) })
        }
        Workload::EchoCrowd => {
            (1_000, Tally { accepted: 1_000, bytes_read: 1_000 * 2 * 64, ..tasks(1 + 2 * 1_000) })
        }
        Workload::EchoLarge => (16, Tally { accepted: 16, bytes_read: 16 * 2 * 16_384, ..tasks(1 + 2 * 16) }),
        // Who accepts, who asks, and who answers.
        Workload::Accept => (32, Tally { accepted: 32, bytes_read: 32 * 2, ..tasks(1 + 1 + 16 + 32) }),
        Workload::Fan => (200, tasks(1 + 200)),
        Workload::SpawnLatency => (20, Tally { yields: SOME, ..tasks(8 + 20) }),
        // A burst, and of each request a second task.
        Workload::Service => (10, Tally { yields: 10, ..tasks(1 + 2 * 10) }),
        Workload::Ticking => (200, Tally { ticks: 200, ..tasks(1 + 100) }),
        Workload::IdleTicker => (3, Tally { ticks: 3, ..tasks(1 + 1) }),
        Workload::TimerLateness => (16, Tally { sleeps_begun: 16, sleeps_ended: 16, ..tasks(1 + 8) }),
        Workload::TimerLatenessBusy => {
            (16, Tally { sleeps_begun: 16, sleeps_ended: 16, yields: SOME, ..tasks(1 + 8 + 8) })
        }
        Workload::ParkedMade | Workload::ParkedDropped => (20, Tally { tasks_aborted: 20, ..tasks(1 + 20) }),
        Workload::TimersInserted | Workload::TimersCancelled => {
            (100, Tally { sleeps_begun: 100, yields: 2, ..tasks(1) })
        }
        // It counts the wakes itself, and begins again if it was too slow for the clock.
        Workload::TimersExpired => (100, Tally { sleeps_begun: SOME, yields: SOME, ..tasks(1) }),
    }
}

fn keeps_its_promise<H: Host>(host: &'static Counted<H>, workload: Workload) {
    let (count, mut promised) = promised(workload);
    Tally::take();
    let sample = workload.run_times(host, count);
    let done = Tally::take();
    for (promised, done) in
        [(&mut promised.yields, done.yields), (&mut promised.sleeps_begun, done.sleeps_begun)]
    {
        if *promised == SOME && done > 0 {
            *promised = done;
        }
    }
    assert_eq!(done, promised, "{workload} on {}", H::NAME);
    assert!(sample.wall > Duration::ZERO && sample.cpu > Duration::ZERO, "{workload} on {}", H::NAME);
    let timed = sample.latency.map(|latency| latency.count);
    assert!(timed.is_some() || workload.measure() != Measure::P99, "{workload} on {}", H::NAME);
    assert_eq!(timed.unwrap_or(count as usize), count as usize, "{workload} on {}", H::NAME);
}

fn started<H: Host>() -> &'static Counted<H> {
    Box::leak(Box::new(Host::start(WORKERS)))
}

/// One after the other: some count by statics.
#[test]
fn every_workload_has_each_host_do_what_it_is_divided_by() {
    let (ours, tokio, smol) = (started::<Ours>(), started::<Tokio>(), started::<Smol>());
    for workload in Workload::ALL {
        eprintln!("{workload}");
        keeps_its_promise(ours, workload);
        keeps_its_promise(tokio, workload);
        keeps_its_promise(smol, workload);
    }
}

#[test]
fn a_name_means_one_workload() {
    for workload in Workload::ALL {
        let named = Workload::ALL.into_iter().filter(|other| other.name() == workload.name());
        assert_eq!(named.collect::<Vec<_>>(), [workload]);
    }
}
