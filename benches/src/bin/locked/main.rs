//! Counts the locked read-modify-writes that an operation executes, and on whose cache line: ours, tokio, smol.
//!
//! `locked [--sites] [--record] [KIND]...` runs the kinds of `instructions` under callgrind, which counts every instruction by its
//! address; `objdump` says which of these lock the bus (`lock`, and `xchg` with memory) or are full fences, `addr2line`
//! which line of source they come from. As there, the difference of two run lengths is what an operation takes. With
//! `--sites` each place is listed; with `--record` what the simulation needs is written into `benches/steps.tsv`. Needs valgrind and binutils, on x86-64.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use comfy_table::{CellAlignment, Table, presets};

mod callgrind;
mod code;
mod line;
mod record;

use callgrind::{Counts, Place};
use line::Line;

const HOSTS: [&str; 3] = ["ours", "tokio", "smol"];
const FEW: u32 = 4096;
const MANY: u32 = 20480;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Executions an operation.
struct Rates {
    instructions: f64,
    /// Of what locks, by place.
    locked: BTreeMap<Place, f64>,
}

impl Rates {
    fn by_line(&self, locks: &code::Locks) -> BTreeMap<Line, f64> {
        let mut sums = BTreeMap::<Line, f64>::new();
        for (place, rate) in &self.locked {
            *sums.entry(locks.site(place).line).or_default() += rate;
        }
        sums
    }
}

fn main() -> ExitCode {
    let (mut sites, mut record) = (false, false);
    let mut kinds: Vec<String> = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--sites" => sites = true,
            "--record" => record = true,
            kind => kinds.push(kind.to_owned()),
        }
    }
    let done = if record { record::record() } else { count(kinds, sites) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn program() -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("instructions");
    if !program.exists() {
        return Err(
            format!("{} is missing: cargo build --release -p benches --bins", program.display()).into()
        );
    }
    Ok(program)
}

fn count(mut kinds: Vec<String>, sites: bool) -> Result<()> {
    let program = program()?;
    if kinds.is_empty() {
        for list in ["kinds", "across"] {
            let listed = Command::new(&program).arg(list).output()?;
            kinds.extend(String::from_utf8(listed.stdout)?.lines().map(str::to_owned));
        }
    }
    let mut locks = code::Locks::default();
    let mut table = Table::new();
    table
        .load_preset(presets::ASCII_MARKDOWN)
        .set_header(["kind", "host"].into_iter().chain(Line::ALL.map(Line::name)));
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for kind in &kinds {
        for host in HOSTS {
            eprintln!("{kind} on {host}");
            let rates = rates(&program, host, kind, &mut locks)?;
            let mut row = vec![kind.clone(), host.to_owned()];
            let sums = rates.by_line(&locks);
            row.extend(Line::ALL.map(|line| match sums.get(&line) {
                Some(sum) if *sum >= 0.005 => format!("{sum:.2}"),
                _ => "·".to_owned(),
            }));
            table.add_row(row);
            if sites {
                list(kind, host, &rates, &locks);
            }
        }
    }
    println!("{table}");
    Ok(())
}

/// The places that are executed at least once in a hundred operations.
fn list(kind: &str, host: &str, rates: &Rates, locks: &code::Locks) {
    let mut by_source = BTreeMap::<_, f64>::new();
    for (place, rate) in &rates.locked {
        let site = locks.site(place);
        *by_source.entry((site.line, &site.source)).or_default() += rate;
    }
    println!("{kind} on {host}:");
    for ((line, source), rate) in by_source {
        if rate >= 0.01 {
            println!("  {rate:6.2}  {:9} {source}", line.name());
        }
    }
}

/// What one more operation executes.
fn rates(program: &Path, host: &str, kind: &str, locks: &mut code::Locks) -> Result<Rates> {
    let (few, many) = (executed(program, host, kind, FEW)?, executed(program, host, kind, MANY)?);
    let places: BTreeSet<&Place> = few.keys().chain(many.keys()).collect();
    locks.look_up(places.iter().map(|place| place.object.clone()).collect())?;
    let sum = |counts: &Counts| counts.values().sum::<u64>() as f64;
    let instructions = (sum(&many) - sum(&few)) / f64::from(MANY - FEW);
    let mut rates = BTreeMap::new();
    for place in places.into_iter().filter(|place| locks.has(place)) {
        let of = |counts: &Counts| counts.get(place).copied().unwrap_or(0) as f64;
        rates.insert(place.clone(), (of(&many) - of(&few)) / f64::from(MANY - FEW));
    }
    locks.name(rates.keys())?;
    Ok(Rates { instructions, locked: rates })
}

/// How often each instruction was executed in a run.
fn executed(program: &Path, host: &str, kind: &str, times: u32) -> Result<Counts> {
    let out: PathBuf = std::env::temp_dir().join(format!("locked-{}.callgrind", std::process::id()));
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-instr=yes", "--compress-pos=no", "--compress-strings=no"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args([host, kind, &times.to_string()])
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("valgrind of {kind} on {host}: {status}").into());
    }
    let counts = callgrind::parse(&std::fs::read_to_string(&out)?);
    std::fs::remove_file(out)?;
    Ok(counts)
}
