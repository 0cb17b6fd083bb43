//! The tables, their legend, and what is wrong.
use std::collections::BTreeMap;

use comfy_table::{ColumnConstraint, Table, Width, presets};

use crate::bars;
use crate::columns::{COLUMNS, Kind};
use crate::outcome::Ending;
use crate::rows::ROWS;
use crate::run::Cell;

/// Prints all of it; whether everything is as it should be.
pub(crate) fn print(cells: &[Cell]) -> bool {
    println!("{}\n", matrix(cells));
    println!(
        "A row is a future, a column the executor that runs it, a cell a process of its own. `+1`: threads beyond those of\n\
         the executor itself and of the echo that the sockets talk to. To run one: --cell '{}' '{}'\n",
        ROWS[0].name, COLUMNS[0].name
    );
    println!("{}\n", threads(cells));
    println!(
        "gone after: from the end of the future. runtime-tokio ends with the last runtime or guard that asked for it.\n"
    );

    let faults: Vec<_> = cells.iter().filter_map(|cell| Some((cell, bars::fault(cell)?))).collect();
    for (cell, fault) in &faults {
        println!("NOT OK: {} in {}: {fault}", cell.row.name, cell.column.name);
    }
    if faults.is_empty() {
        println!(
            "All {} cells of ours are ok.",
            cells
                .iter()
                .filter(|cell| cell.row.origin.is_universal() || cell.column.kind == Kind::Ours)
                .count()
        );
    }
    faults.is_empty()
}

fn matrix(cells: &[Cell]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(std::iter::once(String::new()).chain(COLUMNS.iter().map(|column| head(column.name))));
    for row in cells.chunks(COLUMNS.len()) {
        let name = row.first().map_or("", |cell| cell.row.name);
        table
            .add_row(std::iter::once(name.to_owned()).chain(row.iter().map(|cell| cell.outcome.to_string())));
    }
    // Two of them are for the padding.
    for column in table.column_iter_mut().skip(1) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(12)));
    }
    table
}

/// A column's name with its words below each other.
fn head(name: &str) -> String {
    name.replace(' ', "\n").replace("::", "::\n").replace('-', "-\n")
}

/// Which extra threads there were, where, and when they had gone.
fn threads(cells: &[Cell]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(["extra thread", "of", "in", "gone after"]);
    let mut uses: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        for name in cell.outcome.threads() {
            uses.entry(name).or_default().push(cell);
        }
    }
    for (thread, cells) in uses {
        let rows = distinct(cells.iter().map(|cell| cell.row.name));
        let columns = distinct(cells.iter().map(|cell| cell.column.name));
        let endings: Vec<&Ending> = cells.iter().filter_map(|cell| cell.ending.as_ref()).collect();
        table.add_row([thread, &rows, &columns, &gone_after(&endings)]);
    }
    for (column, width) in table.column_iter_mut().zip([18, 36, 64, 14]) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(width)));
    }
    table
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut distinct: Vec<&str> = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct.join(", ")
}

fn gone_after(endings: &[&Ending]) -> String {
    if endings.iter().any(|ending| !ending.remaining.is_empty()) {
        return "stays".to_owned();
    }
    let longest = endings.iter().map(|ending| ending.after).max().unwrap_or_default();
    format!("{:.1} s", longest.as_secs_f32())
}
