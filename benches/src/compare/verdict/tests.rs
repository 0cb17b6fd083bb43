use benches::Quartiles;

use super::super::record::tests::{measured, record, samples};
use super::{BAR, lowest, verdict};
use crate::compare::record::{Measured, Run};

#[test]
fn a_ratio_is_within_a_round_and_not_of_medians() {
    // The machine was three times slower in the last two rounds.
    let workload =
        measured("w", "userland", vec![samples("ours", &[10, 30, 30]), samples("a", &[20, 60, 60])]);
    let against: Vec<_> = workload.against().collect();
    assert_eq!(against[0].ratio, Quartiles { low: 2.0, median: 2.0, high: 2.0 });
}

#[test]
fn the_best_peer_is_the_one_with_the_lowest_ratio() {
    let record = record();
    let best = record.runs[0].workloads[0].best_peer().expect("there are peers");
    assert_eq!(best.peer, "b");
    assert!((best.ratio.median - 1.5).abs() < 1e-12);
    let alone = measured("w", "userland", vec![samples("ours", &[10])]);
    assert_eq!(alone.best_peer(), None);
}

#[test]
fn what_is_compared_is_what_the_workload_says() {
    let mut workload = record().runs[0].workloads[2].clone();
    for host in &mut workload.hosts[1..] {
        for sample in &mut host.samples {
            sample.cpu = 500;
            sample.latency.as_mut().expect("it has them").p99 = 1000;
        }
    }
    workload.hosts[0] = samples("ours", &[100, 100, 100]);
    for sample in &mut workload.hosts[0].samples {
        let latency = Some(super::super::record::Latency { count: 1, p50: 1, p99: 100, max: 200 });
        (sample.cpu, sample.latency) = (50, latency);
    }
    workload.measure = "cpu".into();
    assert_eq!(workload.best_peer().expect("there are peers").ratio.median, 10.0);
    workload.measure = "p99".into();
    assert_eq!(workload.best_peer().expect("there are peers").ratio.median, 10.0);
    workload.measure = "wall".into();
    assert_eq!(workload.best_peer().expect("there are peers").ratio.median, 1.65);
}

#[test]
fn the_floor_is_under_us_and_not_a_peer() {
    let record = record();
    let echo = &record.runs[0].workloads[2];
    assert_eq!(echo.over_floor(), Some(Quartiles { low: 1.9, median: 2.0, high: 2.1 }));
    assert_eq!(echo.against().count(), 2);
    assert_eq!(record.runs[0].workloads[0].over_floor(), None);
}

#[test]
fn tails_are_compared_where_they_are_timed() {
    let record = record();
    assert_eq!(record.runs[0].workloads[2].p99_against().count(), 2);
    assert_eq!(record.runs[0].workloads[0].p99_against().count(), 0);
}

#[test]
fn a_time_too_short_for_the_clock_is_not_an_infinite_ratio() {
    let workload = measured("w", "userland", vec![samples("ours", &[0]), samples("a", &[50])]);
    assert_eq!(workload.best_peer().expect("there is a peer").ratio.median, 50.0);
}

#[test]
fn a_group_has_the_geometric_mean_of_its_own_workloads() {
    let ratio =
        |name, group, peer| measured(name, group, vec![samples("ours", &[10]), samples("a", &[peer])]);
    let workloads = vec![ratio("w", "userland", 20), ratio("x", "userland", 80), ratio("y", "wake", 5)];
    let run = Run { workers: 2, rounds: 1, workloads };
    let (workloads, mean) = run.group("userland");
    assert_eq!(workloads.len(), 2);
    assert!((mean.expect("there are ratios") - 4.0).abs() < 1e-12);
    assert_eq!(run.group("kernel").1, None);
}

#[test]
fn losses_are_listed_the_worst_first() {
    let ratio = |name, peer| measured(name, "wake", vec![samples("ours", &[100]), samples("a", &[peer])]);
    let workloads = vec![ratio("near", 119), ratio("far", 121), ratio("lost", 50), ratio("tie", 98)];
    let run = Run { workers: 2, rounds: 1, workloads };
    let below = run.below(BAR, Measured::best_peer);
    let said: Vec<_> = below
        .iter()
        .map(|(workload, peer)| (workload.workload.as_str(), verdict(peer.ratio.median)))
        .collect();
    assert_eq!(said, [("lost", "behind"), ("tie", "a tie"), ("near", "ahead")]);
}

#[test]
fn who_needs_more_cpu_time_is_found_whoever_is_faster() {
    let mut workload =
        measured("w", "wake", vec![samples("ours", &[100]), samples("a", &[200]), samples("b", &[300])]);
    workload.hosts[0].samples[0].cpu = 800;
    let run = Run { workers: 2, rounds: 1, workloads: vec![workload] };
    let below = run.below(1.0, |workload| lowest(workload.cpu_against()));
    assert_eq!((below[0].1.peer, below[0].1.ratio.median), ("a", 0.5));
    assert_eq!(run.below(1.0, Measured::best_peer).len(), 0);
    assert_eq!(run.below(1.0, |workload| lowest(workload.p99_against())).len(), 0);
}
