//! The simulation repeats, loses nothing, and would notice if it did.
use super::costs::Costs;
use super::job::Job;
use super::model::{Outcome, Setup, simulate};

/// Every workload at some counts of workers.
fn outcomes(seed: u64, looks_again: bool) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for workers in [1, 2, 3, 8, 48, 49, 128] {
        let setup = || Setup { seed, looks_again, ..Setup::new(workers, Costs::TYPICAL) };
        let jobs = [
            Job::spawn_join(1_000, 1, 0),
            Job::spawn_join(300, 3, 20_000),
            Job::Chain { left: 500 },
            Job::fork(18, 1_500),
        ];
        outcomes.extend(jobs.map(|job| simulate(Setup { roots: vec![job], ..setup() })));
        let roots = (0..workers).map(|_| Job::spawn_join(40, 4, 0)).collect();
        outcomes.push(simulate(Setup { roots, shared_rmws: 3, ..setup() }));
        // With pauses between them in which a worker falls asleep, and without.
        for spawn_outside in [50.0, 500.0, 7_000.0] {
            let costs = Costs { spawn_outside, ..Costs::TYPICAL };
            outcomes.push(simulate(Setup { outside: 2_000, costs, ..setup() }));
        }
    }
    outcomes
}

#[test]
fn the_same_seed_gives_the_same_outcome_and_another_seed_another() {
    assert_eq!(outcomes(7, true), outcomes(7, true));
    assert_ne!(outcomes(7, true), outcomes(8, true));
}

#[test]
fn every_task_runs_once_and_nobody_sleeps_over_one() {
    for seed in 1..=3 {
        for outcome in outcomes(seed, true) {
            assert_eq!(outcome.slept_over, 0, "{outcome:?}");
            assert_eq!(outcome.completions.len(), outcome.spawned);
            assert!(outcome.completions.iter().all(|completions| *completions == 1), "seed {seed}");
        }
    }
}

#[test]
fn a_worker_that_does_not_look_again_before_it_sleeps_sleeps_over_work() {
    assert!((1..=5).any(|seed| outcomes(seed, false).iter().any(|outcome| outcome.slept_over > 0)));
}

#[test]
fn one_worker_takes_what_its_steps_take() {
    let costs = Costs::TYPICAL;
    let outcome = simulate(Setup { roots: vec![Job::spawn_join(200, 1, 0)], ..Setup::new(1, costs) });
    // The queue is in order: each handle is awaited just before its task runs.
    let steps = 200.0 * (costs.spawn + costs.run + costs.suspend);
    let took = outcome.time as f64 / 1000.0;
    assert!((took / steps - 1.0).abs() < 0.01, "{took} instead of {steps}");
}

#[test]
fn work_that_is_long_is_shared_by_all_and_words_that_all_share_are_dear() {
    let time = |workers, shared_rmws, job: fn() -> Job, roots| {
        let roots = (0..roots).map(|_| job()).collect();
        simulate(Setup { roots, shared_rmws, ..Setup::new(workers, Costs::TYPICAL) }).time
    };
    let long: fn() -> Job = || Job::spawn_join(500, 1, 50_000_000);
    assert!(time(8, 0, long, 1) < time(1, 0, long, 1) / 6);
    let own: fn() -> Job = || Job::spawn_join(64, 10, 0);
    assert!(time(32, 0, own, 32) < 2 * time(1, 0, own, 1));
    assert!(time(32, 8, own, 32) > 8 * time(1, 8, own, 1));
}
