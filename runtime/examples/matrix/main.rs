//! Every kind of future on every kind of executor: sockets and timers of ours and of others, on executors of ours and of
//! others. Each pairing runs in a process of its own, moves bytes both ways or waits for some time, and is watched for
//! threads that it starts. The exit status is not zero when a future of ours does not run everywhere, an executor of ours
//! does not run everything, or there are more threads than there may be. Linux only: it looks into `/proc`.
//!
//! `cargo run --release -p runtime --example matrix`, or one pairing alone with `-- --cell 'our TCP' smol`
use std::io;
use std::process::ExitCode;

mod bars;
mod cell;
mod columns;
mod outcome;
mod peer;
mod report;
mod rows;
mod run;
mod threads;
mod unpark_loop;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let cells = runtime::block_on(run::all())?;
            Ok(if report::print(&cells) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        ["--cell", row, column] => {
            let row = rows::ROWS.iter().find(|known| known.name == row);
            let column = columns::COLUMNS.iter().find(|known| known.name == column);
            match (row, column) {
                (Some(row), Some(column)) => cell::run(row, column),
                _ => Ok(usage()),
            }
        }
        _ => Ok(usage()),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: matrix [--cell ROW COLUMN]");
    eprintln!("rows: {}", rows::ROWS.iter().map(|row| row.name).collect::<Vec<_>>().join(", "));
    eprintln!(
        "columns: {}",
        columns::COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    );
    ExitCode::from(2)
}
