//! A discrete-event simulation of the wake, steal and park protocol, driven by costs that it measures first:
//! `cargo run --release -p benches --bin simulate [typical] [seed N]`.
//!
//! It predicts what one and two workers take for some workloads of `compare`, which it runs as well, so that it can be seen
//! to be wrong; and then what up to 128 workers would. With `typical` it takes recorded costs, measures nothing, and says
//! the same each time.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use benches::{Host, Ours, Workload};
use comfy_table::{CellAlignment, Table, presets};

mod costs;
mod job;
mod line;
mod model;
#[cfg(test)]
mod tests;

use costs::Costs;
use job::Job;
use line::Time;
use model::{Outcome, Setup, simulate};

/// Counts of workers whose figures are predicted and not measured.
const WORKERS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// Rounds of which a measured figure is the median.
const ROUNDS: usize = 9;

/// A workload of the library, told to the simulation.
fn setup_of(workload: Workload, workers: usize, costs: Costs) -> Setup {
    let count = workload.operations() as usize;
    let mut setup = Setup::new(workers, costs);
    match workload {
        Workload::SpawnJoin => setup.roots.push(Job::spawn_join(count, 1, 0)),
        Workload::Chained => setup.roots.push(Job::Chain { left: count }),
        Workload::ForkJoin => setup.roots.push(Job::fork(24, (costs.call * 1000.0) as Time)),
        Workload::SpawnOutside => setup.outside = count,
        _ => unreachable!("not among the predicted"),
    }
    setup
}

/// Nanoseconds an operation.
fn nanos_each(outcome: &Outcome, operations: usize) -> f64 {
    outcome.time as f64 / 1000.0 / operations as f64
}

fn table(header: impl IntoIterator<Item = &'static str>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(header.into_iter().collect::<Vec<_>>());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Predicted beside measured.
fn check(costs: Costs, seed: u64, hosts: [&'static Ours; 2]) {
    let mut table = table(["workload", "workers", "predicted ns", "measured ns", "error"]);
    for workload in [Workload::SpawnJoin, Workload::Chained, Workload::ForkJoin, Workload::SpawnOutside] {
        for (host, workers) in hosts.iter().zip(1..) {
            let outcome = simulate(Setup { seed, ..setup_of(workload, workers, costs) });
            // Of fork-join one tree is simulated, and several are measured.
            let predicted = match workload {
                Workload::ForkJoin => nanos_each(&outcome, outcome.spawned),
                _ => nanos_each(&outcome, workload.operations() as usize),
            };
            let mut measured: Vec<f64> = (0..=ROUNDS)
                .map(|_| workload.run(*host).wall.as_secs_f64() * 1e9 / f64::from(workload.operations()))
                .collect();
            // The first round warms up.
            measured.remove(0);
            measured.sort_by(f64::total_cmp);
            let measured = measured[ROUNDS / 2];
            table.add_row([
                workload.name().to_owned(),
                workers.to_string(),
                format!("{predicted:.0}"),
                format!("{measured:.0}"),
                format!("{:+.0} %", 100.0 * (predicted / measured - 1.0)),
            ]);
        }
    }
    println!("{table}\n");
}

/// What more workers would do.
fn scale(costs: Costs, seed: u64) {
    type Make = fn(usize, Costs) -> Setup;
    /// Many small tasks from each worker, for itself.
    fn each(workers: usize, costs: Costs) -> Setup {
        let mut setup = Setup::new(workers, costs);
        setup.roots = (0..workers).map(|_| Job::spawn_join(64, 40, 0)).collect();
        setup
    }
    let rows: [(&str, Make); 7] = [
        ("each worker spawns and joins", each),
        ("the same, 8 shared RMWs", |workers, costs| Setup { shared_rmws: 8, ..each(workers, costs) }),
        ("fork-join", |workers, costs| setup_of(Workload::ForkJoin, workers, costs)),
        ("one spawns, empty tasks", |workers, costs| setup_of(Workload::SpawnJoin, workers, costs)),
        ("one spawns, 5 µs tasks", |workers, costs| {
            let mut setup = Setup::new(workers, costs);
            setup.roots.push(Job::spawn_join(5_000, 1, 5_000_000));
            setup
        }),
        ("spawned outside", |workers, costs| setup_of(Workload::SpawnOutside, workers, costs)),
        ("chain", |workers, costs| setup_of(Workload::Chained, workers, costs)),
    ];
    let mut table =
        table(["ns a task, predicted", "1", "2", "4", "8", "16", "32", "64", "128", "busiest line at 128"]);
    for (name, make) in rows {
        let outcomes = WORKERS.map(|workers| simulate(Setup { seed, ..make(workers, costs) }));
        let mut row = vec![name.to_owned()];
        row.extend(outcomes.iter().map(|outcome| format!("{:.1}", nanos_each(outcome, outcome.spawned))));
        let (share, line) = outcomes[WORKERS.len() - 1].busiest;
        row.push(format!("{line}, {} %", share / 10));
        table.add_row(row);
    }
    println!("{table}");
}

fn main() -> ExitCode {
    let mut typical = false;
    let mut seed = 1;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.next().and_then(|value| value.parse().ok())) {
            ("typical", None) => typical = true,
            ("seed", Some(value)) => seed = value,
            _ => {
                eprintln!("usage: simulate [seed N] [typical]");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("seed {seed}\n");
    let hosts: Option<[&'static Ours; 2]> =
        (!typical).then(|| [1, 2].map(|workers| &*Box::leak(Box::new(Ours::start(workers)))));
    let costs = hosts.map_or(Costs::TYPICAL, |[alone, _]| Costs::measured(alone));
    let mut inputs = table(["cost", if typical { "ns, recorded" } else { "ns, measured" }]);
    for (name, nanos) in costs.table() {
        inputs.add_row([name.to_owned(), format!("{nanos:.1}")]);
    }
    println!("{inputs}\n");
    if let Some(hosts) = hosts {
        check(costs, seed, hosts);
    }
    scale(costs, seed);
    ExitCode::SUCCESS
}
