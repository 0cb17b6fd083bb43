//! The tables at the end.
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanCount;
use runtime::{Metrics, WorkerMetrics};

use crate::tally::{Count, Tally};

/// What each worker did, and the thread inside `block_on`; `before` and `after` are of the phase with one spawner.
pub(crate) fn workers(before: &Metrics, after: &Metrics) {
    let mut table = table(&["worker", "polls", "steals", "steals, one spawner", "parks", "busy"]);
    let workers = before.workers.iter().zip(&after.workers).enumerate();
    for (index, (before, after)) in workers {
        table.add_row(row(&index.to_string(), before, after));
    }
    table.add_row(row("block_on", &before.guest, &after.guest));
    println!("{table}\n");
}

fn row(name: &str, before: &WorkerMetrics, after: &WorkerMetrics) -> [String; 6] {
    [
        name.to_owned(),
        HumanCount(after.polls).to_string(),
        HumanCount(after.steals).to_string(),
        HumanCount(after.steals - before.steals).to_string(),
        HumanCount(after.parks).to_string(),
        format!("{:.0} %", after.busy_ratio() * 100.0),
    ]
}

/// What was done and what was lost.
pub(crate) fn totals(tally: &Tally, elapsed: Duration) {
    let mut table = table(&["", "done", "a second", "lost"]);
    let kinds: [(&str, &Count); 3] =
        [("requests", &tally.requests), ("timers", &tally.timers), ("jobs", &tally.jobs)];
    for (name, count) in kinds {
        let rate = count.done() as f64 / elapsed.as_secs_f64();
        table.add_row([
            name.to_owned(),
            HumanCount(count.done()).to_string(),
            HumanCount(rate as u64).to_string(),
            HumanCount(count.lost()).to_string(),
        ]);
    }
    println!("{table}");
}

/// Workers that stole nothing between the two snapshots.
pub(crate) fn workers_without_steals(before: &Metrics, after: &Metrics) -> Vec<usize> {
    let steals =
        before.workers.iter().zip(&after.workers).map(|(before, after)| after.steals - before.steals);
    steals.enumerate().filter(|(_, steals)| *steals == 0).map(|(index, _)| index).collect()
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
