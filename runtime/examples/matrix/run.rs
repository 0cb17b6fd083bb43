//! Runs all cells, a few at a time, each in a process of its own that is killed when it takes too long.
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures::future::join_all;
use futures::io::{BufReader, Lines};
use futures::{AsyncBufReadExt as _, StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use runtime::net::unix::pipe;
use runtime::time::timeout;

use crate::columns::{COLUMNS, Column};
use crate::outcome::{Ending, Outcome};
use crate::rows::{ROWS, Row};

/// A cell takes some fifty milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Threads go after 10 s, and their process gives them 13.
const PATIENCE_WITH_THREADS: Duration = Duration::from_secs(20);

pub(crate) struct Cell {
    pub(crate) row: &'static Row,
    pub(crate) column: &'static Column,
    pub(crate) outcome: Outcome,
    /// If there were extra threads and the process lived to tell.
    pub(crate) ending: Option<Ending>,
}

/// Every cell, row by row.
pub(crate) async fn all() -> io::Result<Vec<Cell>> {
    let pairs = ROWS.iter().flat_map(|row| COLUMNS.iter().map(move |column| (row, column)));
    let style = ProgressStyle::with_template("{elapsed:>3} {bar:24} {pos}/{len} {msg}");
    let progress = ProgressBar::new((ROWS.len() * COLUMNS.len()) as u64)
        .with_style(style.expect("the template is well-formed"));

    let at_once = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let started = stream::iter(pairs)
        .map(async |(row, column)| {
            progress.set_message(format!("{} in {}", row.name, column.name));
            let mut process = Process::start(row, column)?;
            let outcome = process.outcome().await?;
            progress.inc(1);
            io::Result::Ok((row, column, outcome, process))
        })
        .buffered(at_once)
        .collect::<Vec<_>>()
        .await;

    progress.set_message("and waiting until unused threads have gone");
    let cells = join_all(started.into_iter().map(async |cell| {
        let (row, column, outcome, mut process) = cell?;
        let ending = if outcome.threads().is_empty() { None } else { process.ending().await? };
        Ok(Cell { row, column, outcome, ending })
    }))
    .await;
    progress.finish_and_clear();
    cells.into_iter().collect()
}

/// The process of a cell; killed when it is dropped.
struct Process {
    child: Child,
    lines: Lines<BufReader<pipe::Receiver>>,
}

impl Process {
    fn start(row: &Row, column: &Column) -> io::Result<Process> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--cell", row.name, column.name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().expect("it is piped");
        let lines = BufReader::new(pipe::Receiver::from_owned_fd(stdout.into())?).lines();
        Ok(Process { child, lines })
    }

    async fn outcome(&mut self) -> io::Result<Outcome> {
        match timeout(PATIENCE, self.lines.next()).await {
            Ok(Some(line)) => line.map(|line| Outcome::from_line(&line)),
            Ok(None) => Ok(Outcome::Died(self.child.wait()?.to_string())),
            Err(_) => Ok(Outcome::Hung),
        }
    }

    async fn ending(&mut self) -> io::Result<Option<Ending>> {
        match timeout(PATIENCE_WITH_THREADS, self.lines.next()).await {
            Ok(Some(line)) => line.map(|line| Ending::from_line(&line)),
            Ok(None) | Err(_) => Ok(None),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended by itself unless it hangs; a killed process is soon gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
