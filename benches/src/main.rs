//! Prints how the runtimes compare: `cargo run --release -p benches -- compare [--rounds N] [--only NAME]...`
#![forbid(unsafe_code)]

use std::process::ExitCode;

use benches::{Contender, Sample, WORKERS, Workload, contenders};
use comfy_table::{CellAlignment, Table, presets};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ALLOCATOR_NAME: &str = if cfg!(feature = "mimalloc") { "mimalloc" } else { "the system's allocator" };

const USAGE: &str = "\
usage: benches compare [--rounds N] [--only NAME]...

Each round runs a workload once on each runtime, in turn; a first round is not counted. Printed are the median over
the rounds of wall and CPU nanoseconds an operation, and of each peer's wall time in units of the first runtime's
in the same round, with the quartiles of that ratio.

For figures worth keeping, let nothing else run.";

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)) {
        Ok(options) => {
            compare(&options);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}\n\nworkloads:");
            for workload in Workload::ALL {
                eprintln!("  {workload}");
            }
            ExitCode::FAILURE
        }
    }
}

struct Options {
    rounds: usize,
    workloads: Vec<Workload>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        match arguments.next() {
            Some(command) if command == "compare" => {}
            Some(command) => return Err(format!("no such command: {command}")),
            None => return Err("a command is missing".into()),
        }
        let mut options = Options { rounds: 15, workloads: Vec::new() };
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
            match option.as_str() {
                "--rounds" => {
                    options.rounds = value
                        .parse()
                        .ok()
                        .filter(|rounds| *rounds > 0)
                        .ok_or_else(|| format!("not a number of rounds: {value}"))?;
                }
                "--only" => options.workloads.push(
                    Workload::ALL
                        .into_iter()
                        .find(|workload| workload.name() == value)
                        .ok_or_else(|| format!("no such workload: {value}"))?,
                ),
                _ => return Err(format!("no such option: {option}")),
            }
        }
        if options.workloads.is_empty() {
            options.workloads = Workload::ALL.into();
        }
        Ok(options)
    }
}

fn compare(options: &Options) {
    let contenders = contenders(WORKERS);
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(header(&contenders));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for &workload in &options.workloads {
        eprintln!("{workload}: {} rounds", options.rounds);
        table.add_row(row(workload, &rounds(&contenders, workload, options.rounds)));
    }
    println!(
        "{WORKERS} workers each, {} rounds, {ALLOCATOR_NAME}; wall (CPU) ns an operation, medians.\n",
        options.rounds
    );
    println!("{table}");
}

/// The samples of each contender, a round at the same index for all.
fn rounds(contenders: &[Box<dyn Contender>], workload: Workload, rounds: usize) -> Vec<Vec<Sample>> {
    let mut samples = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, samples) in contenders.iter().zip(&mut samples) {
            let sample = contender.run(workload);
            // The first round warms caches, pools and the branch predictor up.
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    samples
}

fn header(contenders: &[Box<dyn Contender>]) -> Vec<String> {
    let names = contenders.iter().map(|contender| contender.name().to_owned());
    let peers = contenders.iter().skip(1);
    let ratios = peers.map(|peer| format!("{} / {}", peer.name(), contenders[0].name()));
    std::iter::once("workload".to_owned()).chain(names).chain(ratios).collect()
}

fn row(workload: Workload, samples: &[Vec<Sample>]) -> Vec<String> {
    let operations = f64::from(workload.operations());
    let nanos = |seconds: f64| format!("{:.0}", seconds * 1e9 / operations);
    let mut row = vec![workload.name().to_owned()];
    for samples in samples {
        let wall = quartiles(samples.iter().map(|sample| sample.wall.as_secs_f64()));
        let cpu = quartiles(samples.iter().map(|sample| sample.cpu.as_secs_f64()));
        row.push(format!("{} ({})", nanos(wall[1]), nanos(cpu[1])));
    }
    for peer in &samples[1..] {
        let ratios = peer
            .iter()
            .zip(&samples[0])
            .map(|(peer, ours)| peer.wall.as_secs_f64() / ours.wall.as_secs_f64());
        let [low, median, high] = quartiles(ratios);
        row.push(format!("{median:.2} ({low:.2}–{high:.2})"));
    }
    row
}

/// The lower quartile, the median and the upper quartile.
fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| {
        let (below, rest) = ((values.len() - 1) * quarter / 4, (values.len() - 1) * quarter % 4);
        let above = values[(below + 1).min(values.len() - 1)];
        values[below] + (above - values[below]) * rest as f64 / 4.0
    })
}
