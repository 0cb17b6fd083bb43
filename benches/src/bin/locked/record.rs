//! What the simulation is driven by, into a file: instructions and locked operations of the steps that it is made of.
use std::fmt::Write;
use std::path::Path;

use super::line::Line;
use super::{Result, code, program, rates};

/// Of the hosts that are simulated.
const HOSTS: [&str; 2] = ["ours", "tokio"];

/// The kinds whose sums and differences are steps of the simulation: `simulate/steps.rs`.
const KINDS: [&str; 12] = [
    "spawn",
    "chain",
    "spawn_join",
    "spawn_await",
    "spawn_many",
    "yield",
    "yield_many",
    "wake",
    "oneshot",
    "channel",
    "channel_one",
    "hop",
];

pub(crate) fn record() -> Result<()> {
    let program = program()?;
    let mut locks = code::Locks::default();
    let mut table = "kind\thost\tinstructions".to_owned();
    for line in Line::ALL {
        write!(table, "\t{}", line.name())?;
    }
    table.push('\n');
    for kind in KINDS {
        for host in HOSTS {
            eprintln!("{kind} on {host}");
            let rates = rates(&program, host, kind, &mut locks)?;
            let sums = rates.by_line(&locks);
            write!(table, "{kind}\t{host}\t{:.1}", rates.instructions)?;
            for line in Line::ALL {
                write!(table, "\t{:.2}", sums.get(&line).copied().unwrap_or(0.0).max(0.0))?;
            }
            table.push('\n');
        }
    }
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("steps.tsv"), table)?;
    Ok(())
}
