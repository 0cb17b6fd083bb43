//! Medians of the rounds, and of the ratios within a round.
use std::time::Duration;

use benches::Quartiles;
use comfy_table::{CellAlignment, Table, presets};

use crate::wrk::Answered;

/// One server, asked once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) answered: Answered,
    pub(crate) cpu: Duration,
}

impl Round {
    fn cpu_of_a_million(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.answered.requests.max(1) as f64
    }
}

/// A figure and how the two servers compare: above 1 the first one is better.
struct Line {
    name: &'static str,
    of: fn(&Round) -> f64,
    /// More is better.
    more: bool,
    digits: usize,
}

const LINES: [Line; 4] = [
    Line { name: "requests/s", of: |round| round.answered.rate, more: true, digits: 0 },
    Line { name: "p50, µs", of: |round| round.answered.p50.as_secs_f64() * 1e6, more: false, digits: 0 },
    Line { name: "p99, µs", of: |round| round.answered.p99.as_secs_f64() * 1e6, more: false, digits: 0 },
    Line { name: "CPU s for 10⁶ requests", of: Round::cpu_of_a_million, more: false, digits: 2 },
];

/// Ours first.
pub(crate) fn table(names: &[&str; 2], rounds: &[Vec<Round>; 2]) -> Table {
    let mut table = Table::new();
    let header = ["HTTP plaintext", names[0], names[1], &format!("{} better by", names[0])];
    table.load_preset(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for Line { name, of, more, digits } in LINES {
        let mut row = vec![name.to_owned()];
        row.extend(
            rounds.iter().map(|rounds| format!("{:.digits$}", Quartiles::of(rounds.iter().map(of)).median)),
        );
        let ratios = rounds[0].iter().zip(&rounds[1]).map(|(ours, peer)| match more {
            true => of(ours) / of(peer),
            false => of(peer) / of(ours),
        });
        let Quartiles { low, median, high } = Quartiles::of(ratios);
        row.push(format!("{median:.2} ({low:.2}–{high:.2})"));
        table.add_row(row);
    }
    table
}
