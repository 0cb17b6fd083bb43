//! A discrete-event simulation of the wake, steal and park protocol, driven by counted instructions and by costs that it
//! measures first: `cargo run --release -p benches --bin simulate -- --measured FILE`.
//!
//! It predicts what one and two workers take for some workloads of `compare`, and fails when it is out by more than a
//! factor: so it can be seen to be wrong. Then it says what up to 128 workers would take, of this runtime and of a scheduler that
//! differs from it as tokio's does. See `docs/scaling.md`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use benches::{Host, Ours, Tokio, Workload};
use comfy_table::{CellAlignment, Table, presets};

mod channel;
mod check;
mod clock;
mod doze;
mod help;
mod job;
mod line;
mod machine;
mod measured;
mod model;
mod options;
mod policy;
mod steps;
#[cfg(test)]
mod tests;
mod workloads;

use check::Checked;
use clock::Clock;
use job::Job;
use machine::Machine;
use measured::Record;
use model::{Setup, simulate};
use options::Options;
use policy::{OURS, Policy, TOKIO_LIKE};
use steps::Steps;

/// Counts of workers of the curves.
const WORKERS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// A scheduler and what its steps take.
#[derive(Clone, Copy, Debug)]
struct Scheduler {
    policy: Policy,
    machine: Machine,
    steps: Steps,
    seed: u64,
}

impl Scheduler {
    fn setup(&self, workers: usize) -> Setup {
        Setup { seed: self.seed, ..Setup::new(workers, self.policy, self.machine, self.steps) }
    }
}

fn table<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(header.into_iter().collect::<Vec<_>>());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Both schedulers.
fn schedulers(options: &Options) -> [Scheduler; 2] {
    let (machine, clocks) = if options.recorded {
        (Machine::TYPICAL, [Clock::TYPICAL, Clock::TYPICAL_OF_TOKIO])
    } else {
        let ours: &'static Ours = Box::leak(Box::new(Ours::start(1)));
        let tokio: &'static Tokio = Box::leak(Box::new(Tokio::start(1)));
        (Machine::measured(ours), [Clock::measured(ours), Clock::measured(tokio)])
    };
    let scheduler = |policy: Policy, clock: &Clock| {
        let steps = Steps::of(&policy, &machine, clock);
        Scheduler { policy, machine, steps, seed: options.seed }
    };
    [scheduler(OURS, &clocks[0]), scheduler(TOKIO_LIKE, &clocks[1])]
}

/// What the predictions are made from.
fn print_costs(schedulers: &[Scheduler; 2], how: &str) {
    let mut costs = table([format!("machine, {how}").as_str(), "ns"]);
    for (name, nanos) in schedulers[0].machine.table() {
        let digits = if nanos < 1.0 { 3 } else { 1 };
        costs.add_row([name.to_owned(), format!("{nanos:.digits$}")]);
    }
    println!("{costs}\n");
    let mut steps = table(["step, on own lines", "ours, ns", "tokio-like, ns"]);
    for ((name, ours), (_, tokio)) in schedulers[0].steps.table().into_iter().zip(schedulers[1].steps.table())
    {
        steps.add_row([name.to_owned(), format!("{ours:.1}"), format!("{tokio:.1}")]);
    }
    println!("{steps}\n");
}

fn print_checked(name: &str, checked: &[Checked]) {
    let wall = format!("{name}: ns an operation");
    let mut rows =
        table([&wall, "workers", "cores", "predicted", "measured", "error", "CPU: predicted", "measured"]);
    for row in checked {
        let [cpu, measured_cpu] = row.cpu;
        rows.add_row([
            row.workload.name().to_owned(),
            row.workers.to_string(),
            if row.together { 1 } else { row.workers }.to_string(),
            format!("{:.0}", row.predicted),
            format!("{:.0}", row.measured),
            format!("{:+.0} %", 100.0 * (row.predicted / row.measured - 1.0)),
            format!("{cpu:.0}"),
            format!("{measured_cpu:.0}"),
        ]);
    }
    println!("{rows}\n");
}

/// What more workers would do.
fn print_curves(scheduler: &Scheduler) {
    type Begin = fn(&mut Setup) -> usize;
    /// So many rounds of so many tasks on each worker, for itself: nobody has anything to steal for long.
    fn each(setup: &mut Setup) -> usize {
        setup.roots = (0..setup.workers).map(|_| Job::spawn_join(64, 40, 0)).collect();
        64 * 40 * setup.workers
    }
    fn grain(setup: &mut Setup) -> usize {
        setup.roots.push(Job::spawn_join(5_000, 1, 5_000_000));
        5_000
    }
    let rows: [(&str, Begin); 8] = [
        ("each worker spawns and joins", each),
        ("fork_join", |setup| workloads::begin(Workload::ForkJoin, setup)),
        ("spawn_join: one spawns empty tasks", |setup| workloads::begin(Workload::SpawnJoin, setup)),
        ("one spawns tasks of 5 µs", grain),
        ("spawn_outside", |setup| workloads::begin(Workload::SpawnOutside, setup)),
        ("yield", |setup| workloads::begin(Workload::Yield, setup)),
        ("ring", |setup| workloads::begin(Workload::Ring, setup)),
        ("mpsc", |setup| workloads::begin(Workload::Mpsc, setup)),
    ];
    let workers = WORKERS.map(|workers| workers.to_string());
    let name = format!("{}: ns an operation, predicted", scheduler.policy.name);
    let header = [name.as_str()].into_iter().chain(workers.iter().map(String::as_str));
    let mut curves = table(header.chain(["busiest line at 128"]));
    for (name, begin) in rows {
        let outcomes = WORKERS.map(|workers| {
            let mut setup = scheduler.setup(workers);
            let operations = begin(&mut setup);
            (simulate(setup), operations)
        });
        let mut row = vec![name.to_owned()];
        row.extend(outcomes.iter().map(|(outcome, operations)| {
            format!("{:.1}", outcome.time as f64 / 1000.0 / *operations as f64)
        }));
        let (share, line) = outcomes[WORKERS.len() - 1].0.busiest;
        row.push(format!("{line}, {} %", share / 10));
        curves.add_row(row);
    }
    println!("{curves}\n");
}

fn run(options: &Options) -> Result<ExitCode, String> {
    let record = match &options.measured {
        Some(path) => Some(Record::read(path).map_err(|error| format!("{}: {error}", path.display()))?),
        None => None,
    };
    println!("Seed {}.\n", options.seed);
    let schedulers = schedulers(options);
    print_costs(&schedulers, if options.recorded { "recorded" } else { "measured" });
    let mut wrong = 0;
    if let Some(record) = &record {
        println!("Measured: {}.\n", record.origin());
        let [ours, theirs] =
            schedulers.map(|scheduler| check::check(record, |workers| scheduler.setup(workers)));
        print_checked(OURS.name, &ours);
        print_checked(TOKIO_LIKE.name, &theirs);
        for row in check::wrong(&ours, options.factor) {
            let (name, workers, out_by) = (row.workload.name(), row.workers, row.out_by());
            let on = if row.together && workers > 1 { " on one core" } else { "" };
            println!(
                "error: {name} with {workers}{on} is out by {out_by:.2}, more than {:.2}",
                options.factor
            );
            wrong += 1;
        }
        if ours.is_empty() {
            return Err("nothing that is modelled is in the file".into());
        }
    }
    schedulers.iter().for_each(print_curves);
    Ok(if wrong > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn main() -> ExitCode {
    let done = Options::parse(std::env::args().skip(1))
        .map_err(|error| format!("{error}\n\n{}", options::USAGE))
        .and_then(|options| run(&options));
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}
