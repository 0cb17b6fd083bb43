//! The cells of tasks: who has them in his cache, and who has free ones.
use super::super::line::{Line, Time};
use super::super::machine::Machine;
use super::time;

/// Cells that the nearest cache holds beside everything else.
const NEAR: u64 = 256;

/// A list of free cells is so many stacks in turn, and who takes a cell has the one beneath it brought.
const STACKS: usize = 4;

/// Free cells that go to and from the depot together, as in the runtime.
const CHAIN: usize = 64;

#[derive(Debug, Default)]
struct Cell {
    line: Line,
    /// Who wrote it last, and which of his writes that was.
    last: Option<(usize, u64)>,
    /// Whose allocator it is from.
    home: usize,
    /// When it is there, if somebody has it brought.
    arrives: Time,
}

#[derive(Debug)]
pub(super) struct Cells {
    cells: Vec<Cell>,
    /// Freed cells stay with who freed them; else they go back to where they came from.
    keeps: bool,
    /// Of each core: free cells, writes so far, and the lock of its allocator's arena.
    free: Vec<Vec<usize>>,
    writes: Vec<u64>,
    arenas: Vec<Line>,
    depot: Vec<Vec<usize>>,
    depot_line: Line,
}

impl Cells {
    pub(super) fn new(cores: usize, keeps: bool) -> Cells {
        Cells {
            cells: Vec::new(),
            keeps,
            free: vec![Vec::new(); cores],
            writes: vec![0; cores],
            arenas: vec![Line::default(); cores],
            depot: Vec::new(),
            depot_line: Line::default(),
        }
    }

    /// The line that all share and that was most in demand.
    pub(super) fn busy(&self) -> Time {
        self.arenas.iter().chain([&self.depot_line]).map(|line| line.busy).max().unwrap_or(0)
    }

    /// A free cell: an own one, or of a chain of them from the depot, or a new one.
    pub(super) fn take(&mut self, core: usize, now: Time, machine: &Machine) -> (usize, Time) {
        let transfer = time(machine.transfer);
        let mut took = 0;
        if !self.keeps {
            took = self.arenas[core].write(core, now, transfer);
        } else if self.free[core].is_empty()
            && let Some(chain) = self.depot.pop()
        {
            took = time(machine.rmw) + self.depot_line.write(core, now, transfer);
            self.free[core] = chain;
        }
        let cell = self.free[core].pop().unwrap_or_else(|| {
            self.cells.push(Cell { home: core, ..Cell::default() });
            self.cells.len() - 1
        });
        if self.keeps
            && let Some(&beneath) = self.free[core].len().checked_sub(STACKS).map(|at| &self.free[core][at])
        {
            let beneath = &mut self.cells[beneath];
            beneath.arrives = now + beneath.line.write(core, now, time(machine.handed));
        }
        (cell, took)
    }

    pub(super) fn free(&mut self, cell: usize, core: usize, now: Time, machine: &Machine) -> Time {
        let transfer = time(machine.transfer);
        if !self.keeps {
            let home = self.cells[cell].home;
            self.free[home].push(cell);
            return self.arenas[home].write(core, now, transfer);
        }
        let free = &mut self.free[core];
        free.push(cell);
        if free.len() < 2 * CHAIN {
            return 0;
        }
        let chain = free.split_off(CHAIN);
        self.depot.push(chain);
        time(machine.rmw) + self.depot_line.write(core, now, transfer)
    }

    /// Its lines come to `core`.
    pub(super) fn touch(&mut self, cell: usize, core: usize, now: Time, machine: &Machine) -> Time {
        let cell = &mut self.cells[cell];
        let writes = self.writes[core];
        self.writes[core] += 1;
        let arrives = std::mem::take(&mut cell.arrives).saturating_sub(now);
        let fetched = cell.line.write(core, now, time(machine.handed)).max(arrives);
        let was_near =
            cell.last.replace((core, writes)).is_some_and(|(last, at)| last == core && writes - at <= NEAR);
        if fetched > 0 || was_near { fetched } else { time(machine.far) }
    }
}
