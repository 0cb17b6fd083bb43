//! Counts what an operation asks of the kernel: system calls by kind, and how often a thread gives its core up. Ours, tokio, smol
//! and, where there is one, the floor of raw threads.
//!
//! `calls [--rounds N] WORKLOAD...` runs each host in processes of its own, of few rounds and of many; the difference, by
//! the rounds and the operations of a round, is what is printed. Switches are counted without anybody looking on. Calls
//! that may sleep or wake are counted by strace with all others left alone, the others in a run of their own, in which they are
//! all stopped: that slows the runtimes down, and by how much differs, so the former are read from the former. Needs strace.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::process::{Command, ExitCode};

use benches::{Floor, Host, Ours, Smol, Tokio, WORKERS, Workload};
use comfy_table::{CellAlignment, Table, presets};
use runtime::{Metrics, Runtime, WorkerMetrics};

mod strace;

use strace::Traced;

const HOSTS: [&str; 4] = ["ours", "tokio", "smol", "raw"];

/// Rounds of the shorter run.
const FEW: u32 = 2;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How often each thing was done, by its name.
type Counts = BTreeMap<String, f64>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--run", host, workload, rounds] => run(host, workload, rounds),
        ["--rounds", rounds, workloads @ ..] => count(workloads, rounds),
        workloads => count(workloads, "10"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn workload(name: &str) -> Result<Workload> {
    let found = Workload::ALL.into_iter().find(|workload| workload.name() == name);
    found.ok_or_else(|| format!("no such workload: {name}").into())
}

/// In a process that is counted: the workload, and then how often its threads were switched.
fn run(host: &str, name: &str, rounds: &str) -> Result<()> {
    fn on<H: Host>(workload: Workload, rounds: u32) {
        let host: &'static H = Box::leak(Box::new(H::start(WORKERS)));
        for _ in 0..rounds {
            workload.run(host);
        }
    }
    let (workload, rounds) = (workload(name)?, rounds.parse()?);
    match host {
        "ours" => {
            let runtime = Runtime::builder().worker_threads(WORKERS).build()?;
            let handle = runtime.handle().clone();
            let host: &'static Ours = Box::leak(Box::new(Ours::from(runtime)));
            for _ in 0..rounds {
                workload.run(host);
            }
            report_metrics(&handle.metrics());
        }
        "tokio" => on::<Tokio>(workload, rounds),
        "smol" => on::<Smol>(workload, rounds),
        "raw" => {
            let floor = workload.floor(WORKERS, Floor::Own).ok_or("it has no floor")?;
            for _ in 0..rounds {
                floor();
            }
        }
        _ => return Err(format!("no such host: {host}").into()),
    }
    for (kind, switches) in switches()? {
        println!("{kind} {switches}");
    }
    Ok(())
}

/// What our workers count themselves.
fn report_metrics(metrics: &Metrics) {
    let sum = |figure: fn(&WorkerMetrics) -> u64| metrics.workers.iter().map(figure).sum::<u64>();
    let figures = [
        ("[parks]", sum(|worker| worker.parks)),
        ("[unparks]", sum(|worker| worker.unparks)),
        ("[turns]", sum(|worker| worker.turns)),
        ("[steals]", sum(|worker| worker.steals)),
        ("[stolen]", sum(|worker| worker.stolen)),
        ("[polls]", sum(|worker| worker.polls)),
        ("[rescues]", metrics.driver_rescues),
        ("[stalls]", metrics.stalls),
    ];
    for (name, figure) in figures {
        println!("{name} {figure}");
    }
}

/// Of all threads that are there.
fn switches() -> Result<BTreeMap<&'static str, u64>> {
    let mut sums = BTreeMap::new();
    for thread in fs::read_dir("/proc/self/task")? {
        // One that has ended meanwhile has no status.
        let status = fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
        for (field, name) in
            [("voluntary_ctxt_switches:", "(sleeps)"), ("nonvoluntary_ctxt_switches:", "(preemptions)")]
        {
            let figure = status.lines().find_map(|line| line.strip_prefix(field));
            *sums.entry(name).or_default() += figure.map_or(Ok(0), |figure| figure.trim().parse())?;
        }
    }
    Ok(sums)
}

fn count(names: &[&str], rounds: &str) -> Result<()> {
    if names.is_empty() {
        return Err("usage: calls [--rounds N] WORKLOAD...".into());
    }
    let rounds: u32 = rounds.parse()?;
    for name in names {
        let workload = workload(name)?;
        let hosts: Vec<&str> = HOSTS
            .into_iter()
            .filter(|host| *host != "raw" || workload.floor(WORKERS, Floor::Own).is_some())
            .collect();
        let mut columns = Vec::new();
        for host in &hosts {
            eprintln!("{name} on {host}");
            let (few, many) = (counts(host, name, FEW)?, counts(host, name, FEW + rounds)?);
            let operations = f64::from(rounds) * f64::from(workload.operations());
            columns.push(
                many.into_iter()
                    .map(|(kind, many)| {
                        let few = few.get(&kind).copied().unwrap_or(0.0);
                        (kind, (many - few) / operations)
                    })
                    .collect::<Counts>(),
            );
        }
        print(name, &hosts, &columns);
    }
    Ok(())
}

/// A run without anybody who looks on, one in which sleeping and waking is counted, and one for all the rest.
fn counts(host: &str, workload: &str, rounds: u32) -> Result<Counts> {
    let program = std::env::current_exe()?;
    let arguments = ["--run".into(), host.to_owned(), workload.to_owned(), rounds.to_string()];
    let output = Command::new(&program).args(&arguments).output()?;
    if !output.status.success() {
        return Err(format!("{workload} on {host}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut counts = Counts::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let (name, figure) = line.split_once(' ').ok_or("a name and a figure")?;
        counts.insert(name.to_owned(), figure.parse()?);
    }
    counts.extend(strace::run(&program, &arguments, Traced::Waits)?);
    for (name, figure) in strace::run(&program, &arguments, Traced::All)? {
        // Those counted already were less disturbed.
        counts.entry(name).or_insert(figure);
    }
    Ok(counts)
}

/// What is done at least once in a thousand operations by somebody.
fn print(workload: &str, hosts: &[&str], columns: &[Counts]) {
    let mut table = Table::new();
    table
        .load_preset(presets::ASCII_MARKDOWN)
        .set_header([workload].into_iter().chain(hosts.iter().copied()));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let kinds: BTreeSet<&String> = columns.iter().flat_map(BTreeMap::keys).collect();
    for kind in kinds {
        let figures: Vec<f64> =
            columns.iter().map(|column| column.get(kind).copied().unwrap_or(0.0)).collect();
        if figures.iter().any(|figure| *figure >= 0.001) {
            let cells = figures.iter().map(|figure| format!("{figure:.3}"));
            table.add_row(std::iter::once(kind.clone()).chain(cells));
        }
    }
    println!("{table}\n");
}
