//! A reactor over a system that has one descriptor, to which one thing happens.
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use loom::sync::{Condvar, Mutex};
use reactor_hook::{Attendance, Driver, Turn, is_driven_here};

use crate::cell::ReadinessCell;
use crate::home::Role;
use crate::interest::Interest;
use crate::ready::Ready;

// For the threads of the model itself: one that is hosted goes on after the statics have gone, and has its reactor's.
loom::lazy_static! {
    static ref SYSTEM: Arc<System> = Arc::default();
}

#[derive(Default)]
struct System {
    state: Mutex<State>,
    /// For whoever blocks.
    changed: Condvar,
}

/// A registration.
struct Selected {
    token: Token,
    interest: Interest,
    /// The selector has still to report it.
    pending: bool,
}

#[derive(Default)]
struct State {
    has_happened: bool,
    selected: Vec<Selected>,
    registrations: usize,
}

/// The descriptor gets readable and writable.
pub fn happen() {
    let mut state = SYSTEM.state.lock().unwrap();
    state.has_happened = true;
    for selected in &mut state.selected {
        selected.pending = true;
    }
    SYSTEM.changed.notify_all();
}

/// Whether an operation would succeed.
pub(crate) fn has_happened() -> bool {
    SYSTEM.state.lock().unwrap().has_happened
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(usize);

pub(crate) struct Reactor {
    system: Arc<System>,
    attendance: Attendance,
    role: Role,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    told: bool,
    cells: Vec<(Token, Arc<ReadinessCell>)>,
}

impl std::fmt::Debug for Reactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reactor").field("role", &self.role).finish_non_exhaustive()
    }
}

impl Reactor {
    pub(crate) fn build(role: Role) -> io::Result<Arc<Reactor>> {
        Ok(Arc::new(Reactor {
            system: SYSTEM.clone(),
            attendance: Attendance::new(),
            role,
            inside: Mutex::default(),
        }))
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// No model forks.
    pub(crate) fn is_inherited(&self) -> bool {
        false
    }

    pub(crate) fn check_origin(&self) -> io::Result<()> {
        Ok(())
    }

    fn sources(&self) -> usize {
        self.inside.lock().unwrap().cells.len()
    }

    /// What has happened already is reported too, as by an edge-triggered selector.
    pub(crate) fn register(
        &self,
        fd: RawFd,
        interest: Interest,
        cell: &Arc<ReadinessCell>,
    ) -> io::Result<Token> {
        if fd < 0 {
            return Err(io::Error::other("not open"));
        }
        let mut state = self.system.state.lock().unwrap();
        let token = Token(state.registrations);
        state.registrations += 1;
        self.inside.lock().unwrap().cells.push((token, Arc::clone(cell)));
        let pending = state.has_happened;
        state.selected.push(Selected { token, interest, pending });
        self.system.changed.notify_all();
        Ok(token)
    }

    /// As `register`, it reports what has happened already.
    pub(crate) fn reregister(&self, token: Token, _: RawFd, interest: Interest) -> io::Result<()> {
        let mut state = self.system.state.lock().unwrap();
        let pending = state.has_happened;
        let selected = state.selected.iter_mut().find(|selected| selected.token == token);
        let selected = selected.expect("it is registered");
        (selected.interest, selected.pending) = (interest, pending);
        self.system.changed.notify_all();
        Ok(())
    }

    pub(crate) fn deregister(&self, token: Token) -> io::Result<()> {
        {
            let mut state = self.system.state.lock().unwrap();
            self.inside.lock().unwrap().cells.retain(|(known, _)| *known != token);
            state.selected.retain(|selected| selected.token != token);
        }
        // As the real one.
        if self.sources() == 0 && self.role != Role::Owned && !is_driven_here(std::ptr::from_ref(self).cast())
        {
            self.unblock();
        }
        Ok(())
    }

    /// What the selector has to report of this reactor's sources.
    fn select(&self, state: &mut State) -> Vec<(Arc<ReadinessCell>, Ready)> {
        let inside = self.inside.lock().unwrap();
        let mut found = Vec::new();
        for Selected { token, interest, pending } in &mut state.selected {
            if *pending && let Some((_, cell)) = inside.cells.iter().find(|(known, _)| known == token) {
                *pending = false;
                let mut ready = Ready::EMPTY;
                if interest.is_readable() {
                    ready |= Ready::READABLE;
                }
                if interest.is_writable() {
                    ready |= Ready::WRITABLE;
                }
                found.push((Arc::clone(cell), ready));
            }
        }
        found
    }
}

impl Driver for Reactor {
    fn name(&self) -> &'static str {
        "model"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        let found = {
            let mut state = self.system.state.lock().unwrap();
            loop {
                let found = self.select(&mut state);
                let told = std::mem::take(&mut self.inside.lock().unwrap().told);
                if !found.is_empty() || told || timeout == Some(Duration::ZERO) {
                    break found;
                }
                state = self.system.changed.wait(state).unwrap();
            }
        };
        for (cell, ready) in found {
            cell.event(ready);
        }
        if self.sources() == 0 { Turn::Unused } else { Turn::Used }
    }

    fn unblock(&self) {
        // With the system's lock, so that it is not missed by one who is going to wait.
        let _state = self.system.state.lock().unwrap();
        self.inside.lock().unwrap().told = true;
        self.system.changed.notify_all();
    }

    fn abandoned(&self) {
        let cells: Vec<_> =
            self.inside.lock().unwrap().cells.iter().map(|(_, cell)| Arc::clone(cell)).collect();
        for cell in cells {
            cell.rouse();
        }
    }
}
