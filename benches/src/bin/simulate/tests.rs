//! The simulation repeats, loses nothing, and would notice if it did.
use super::clock::Clock;
use super::help::{HELP, Help};
use super::job::Job;
use super::machine::Machine;
use super::measured;
use super::model::{Outcome, Setup, simulate};
use super::policy::{OURS, Policy, TOKIO_LIKE};
use super::steps::Steps;
use super::{check, workloads};

fn setup(workers: usize, policy: Policy) -> Setup {
    let machine = Machine::TYPICAL;
    Setup::new(workers, policy, machine, Steps::of(&policy, &machine, &Clock::TYPICAL))
}

/// Every workload at some counts of workers.
fn outcomes(seed: u64, policy: Policy) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for workers in [1, 2, 3, 8, 49, 128] {
        let setup = || Setup { seed, ..setup(workers, policy) };
        let jobs = [
            Job::spawn_join(600, 1, 0),
            Job::spawn_join(300, 3, 20_000),
            Job::spread(600, Job::Arrive),
            Job::spread(50, Job::Yielder { left: 20 }),
            Job::spread(300, Job::Ping { step: 0, channels: 0 }),
            Job::InTurn { left: 100, child: None },
            Job::Nest { left: 100, child: None },
            Job::Chain { left: 500 },
            Job::fork(18, 1_500),
        ];
        outcomes.extend(jobs.map(|job| simulate(Setup { roots: vec![job], ..setup() })));
        let roots = (0..workers).map(|_| Job::spawn_join(40, 4, 0)).collect();
        outcomes.push(simulate(Setup { roots, ..setup() }));
        // With pauses between them in which a worker falls asleep, and without.
        for spawn_outside in [50.0, 500.0, 7_000.0] {
            let steps = Steps { spawn_outside, ..setup().steps };
            outcomes.push(simulate(Setup { outside: 1_000, steps, ..setup() }));
        }
    }
    outcomes
}

#[test]
fn the_same_seed_gives_the_same_outcome_and_another_seed_another() {
    assert_eq!(outcomes(7, OURS), outcomes(7, OURS));
    assert_ne!(outcomes(7, OURS), outcomes(8, OURS));
}

#[test]
fn every_task_runs_once_and_nobody_sleeps_over_one() {
    for policy in [OURS, TOKIO_LIKE] {
        for seed in 1..=2 {
            for outcome in outcomes(seed, policy) {
                assert_eq!(outcome.slept_over, 0, "{outcome:?}");
                assert!(outcome.completions.iter().all(|completions| *completions == 1), "seed {seed}");
            }
        }
    }
}

#[test]
fn on_one_core_nothing_is_done_at_the_same_time_and_each_task_runs_once() {
    for policy in [OURS, TOKIO_LIKE] {
        for workload in workloads::ALL {
            let run = |workers, together| {
                let mut setup = setup(workers, policy);
                workloads::begin(workload, &mut setup);
                setup.put_together(together);
                simulate(Setup { rounds: 1, ..setup })
            };
            let (alone, two) = (run(1, false), run(2, true));
            let ended = |outcome: &Outcome| outcome.completions.iter().filter(|times| **times == 1).count();
            assert_eq!((ended(&two), two.slept_over), (ended(&alone), 0), "{workload}");
            assert!(two.awake <= two.time + two.time / 10, "{workload}: {} in {}", two.awake, two.time);
        }
    }
}

#[test]
fn a_worker_that_is_called_for_little_naps_and_one_that_is_called_for_more_does_not() {
    let naps = |policy, each| -> u64 {
        let run = |tasks| {
            let roots = vec![Job::spawn_join(tasks, 2_000 / tasks, each)];
            simulate(Setup { roots, ..setup(2, policy) }).naps
        };
        [10, 40, 100, 200].into_iter().map(run).sum()
    };
    let long = 50_000_000;
    let (short, worth) = (naps(OURS, 0), naps(OURS, long));
    assert!(short > 0 && worth == 0, "{short} {worth}");
    assert_eq!(naps(Policy { doze: None, ..OURS }, 0), 0);
}

/// By the rule, and by one that nobody satisfies: he would have to bring as much as ten others.
#[test]
fn a_worker_that_is_no_help_stays_away_for_a_while_and_one_that_helps_does_not() {
    let hard = Help { quick: (0, 0), held_up: 0, parts: 0, ..HELP };
    let run = |help, workers| {
        let mut setup = setup(workers, Policy { help, doze: None, ..OURS });
        workloads::begin(benches::Workload::Ring, &mut setup);
        simulate(setup)
    };
    let (ruled, without, alone) = (run(Some(HELP), 2), run(None, 2), run(Some(HELP), 1));
    // It is to be seen now and then what the other one does alone.
    assert!(ruled.naps <= 6 && ruled.time < alone.time, "{} {} {}", ruled.naps, ruled.time, alone.time);
    assert!(ruled.time < without.time + without.time / 10, "{} {}", ruled.time, without.time);
    for workers in [2, 3, 7] {
        let outcome = run(Some(hard), workers);
        assert!(outcome.naps > 6, "{} of {workers}", outcome.naps);
        assert_eq!(outcome.slept_over, 0);
        assert!(outcome.completions.iter().all(|completions| *completions == 1));
    }
}

#[test]
fn a_worker_that_does_not_look_again_before_it_sleeps_sleeps_over_work() {
    // At one of these paces a task comes between the look and the sleep.
    let slept_over = |looks_again| {
        (20..400).step_by(7).any(|pace| {
            let setup = setup(1, OURS);
            let steps = Steps { spawn_outside: f64::from(pace), ..setup.steps };
            simulate(Setup { outside: 500, steps, looks_again, ..setup }).slept_over > 0
        })
    };
    assert!(slept_over(false) && !slept_over(true));
}

/// Who is left waiting is told by the count of operations that they were to make.
#[test]
fn every_workload_is_brought_to_its_end_by_any_number_of_workers() {
    for policy in [OURS, TOKIO_LIKE] {
        for workload in workloads::ALL {
            for workers in [1, 2, 7] {
                let mut setup = setup(workers, policy);
                workloads::begin(workload, &mut setup);
                let outcome = simulate(Setup { rounds: 1, ..setup });
                // Of a ring with one message, all but the last hold on to a channel.
                let ended = outcome.completions.iter().filter(|completions| **completions == 1).count();
                let waits = if workload == benches::Workload::RingOne { 299 } else { 0 };
                assert_eq!(
                    (ended, outcome.slept_over),
                    (outcome.spawned - waits, 0),
                    "{workload}, {workers}"
                );
            }
        }
    }
}

#[test]
fn one_worker_takes_what_its_steps_take() {
    // In order, and not some of the queue before who awaits them.
    let mut setup = setup(1, Policy { go_first: 0, ..OURS });
    setup.machine.far = 0.0;
    let steps = setup.steps;
    let outcome = simulate(Setup { roots: vec![Job::spawn_join(200, 1, 0)], ..setup });
    // The queue is in order: each handle is awaited just before its task runs.
    let each = 200.0 * (steps.spawn + steps.displace + steps.run + steps.wait);
    let took = outcome.time as f64 / 1000.0;
    assert!((took / each - 1.0).abs() < 0.02, "{took} instead of {each}");
}

#[test]
fn work_that_is_long_is_shared_by_all_and_words_that_all_share_are_dear() {
    let time = |workers, policy, job: fn() -> Job, roots| {
        let roots = (0..roots).map(|_| job()).collect();
        simulate(Setup { roots, ..setup(workers, policy) }).time
    };
    let long: fn() -> Job = || Job::spawn_join(500, 1, 50_000_000);
    assert!(time(8, OURS, long, 1) < time(1, OURS, long, 1) / 6);
    let own: fn() -> Job = || Job::spawn_join(64, 10, 0);
    assert!(time(32, OURS, own, 32) < 2 * time(1, OURS, own, 1));
    let counting = Policy { shared_lines: 8, ..OURS };
    assert!(time(32, counting, own, 32) > 8 * time(1, counting, own, 1));
}

/// The record is of the costs that are typical, or of half and a third of them: so nothing depends on this machine.
#[test]
fn a_prediction_that_is_out_by_more_than_the_factor_is_told() {
    let predicted = {
        let mut setup = setup(1, OURS);
        let operations = workloads::begin(benches::Workload::Spawn, &mut setup);
        simulate(setup).time as f64 / 1000.0 / operations as f64
    };
    let record = |factor: f64| {
        let wall = (predicted * factor * 10_000.0) as u64;
        measured::of(&format!(
            r#"{{"machine": {{"cores": 2, "processor": null, "allocator": "A"}}, "commit": null, "runs": [{{"workers": 1,
            "rounds": 1, "workloads": [{{"workload": "spawn", "operations": 10000, "hosts": [{{"host": "runtime",
            "samples": [{{"wall": {wall}, "cpu": {wall}}}]}}]}}]}}]}}"#
        ))
    };
    for (factor, is_wrong) in [(1.0, false), (0.55, false), (1.9, false), (0.45, true), (2.1, true)] {
        let checked = check::check(&record(factor), |workers| setup(workers, OURS));
        assert_eq!(checked.len(), 1);
        assert_eq!(!check::wrong(&checked, 2.0).is_empty(), is_wrong, "{factor}: {checked:?}");
    }
}
