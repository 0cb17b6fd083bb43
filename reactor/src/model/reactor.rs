//! A reactor over a system that has one descriptor, to which one thing happens.
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::sync::{Condvar, Mutex};
use reactor_hook::{Attendance, Driver, Turn, is_driven_here, lane};

use crate::affinity::Part;
use crate::cell::ReadinessCell;
use crate::home::Role;
use crate::interest::Interest;
use crate::neglect::{Neglect, Reach};
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
pub(crate) struct Token {
    number: usize,
    lane: Option<u32>,
}

impl Token {
    pub(crate) fn lane(self) -> Option<u32> {
        self.lane
    }
}

pub(crate) struct Reactor {
    system: Arc<System>,
    attendance: Attendance,
    role: Role,
    /// Held by whoever looks into a lane's selector.
    looking: Vec<Mutex<()>>,
    begun: Instant,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    told: bool,
    /// For each lane: its looks, and what the one who turns knows of it.
    looks: Vec<(u32, Neglect)>,
    /// No local selector is to be had.
    refuses: bool,
    /// The lane by which sources are fed.
    feeds: Option<u32>,
    cells: Vec<(Token, Arc<ReadinessCell>)>,
}

impl std::fmt::Debug for Reactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reactor").field("role", &self.role).finish_non_exhaustive()
    }
}

impl Reactor {
    pub(crate) fn build(role: Role) -> io::Result<Arc<Reactor>> {
        Ok(Arc::new(Reactor::with_lanes(role, 0)))
    }

    pub(crate) fn with_lanes(role: Role, lanes: usize) -> Reactor {
        let inside = Inside { looks: vec![Default::default(); lanes], ..Inside::default() };
        Reactor {
            system: SYSTEM.clone(),
            attendance: Attendance::new(),
            role,
            looking: (0..lanes).map(|_| Mutex::new(())).collect(),
            begun: Instant::now(),
            inside: Mutex::new(inside),
        }
    }

    pub(crate) fn has_lanes(&self) -> bool {
        !self.looking.is_empty()
    }

    /// There is always room.
    pub(crate) fn lane_for(&self, part: Part, _: RawFd, _: Option<u32>) -> Option<u32> {
        match part {
            Part::Leads => Some(lane()),
            Part::Follows => self.inside.lock().unwrap().feeds,
            Part::Stays => None,
        }
    }

    pub(crate) fn feed(&self, lane: u32) {
        self.inside.lock().unwrap().feeds = Some(lane);
    }

    pub(crate) fn refuse_local_selectors(&self) {
        self.inside.lock().unwrap().refuses = true;
    }

    /// The worker of `lane` takes what its selector has, unless another does.
    pub(crate) fn look(&self, lane: usize) {
        self.inside.lock().unwrap().looks[lane].0 += 1;
        if let Ok(_looking) = self.looking[lane].try_lock() {
            tell(self.select(|of| of == Some(lane as u32)));
        }
    }

    /// The worker of `lane` turns it while it is busy.
    pub(crate) fn glance(&self, lane: usize, is_parked: &dyn Fn(usize) -> bool, passed: Duration) -> u64 {
        self.take(Reach::Beside { lane, is_parked, now: self.begun + passed })
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
        self.register_with(None, fd, interest, cell)
    }

    pub(crate) fn register_locally(
        &self,
        lane: u32,
        _: Part,
        fd: RawFd,
        interest: Interest,
        cell: &Arc<ReadinessCell>,
    ) -> io::Result<Token> {
        if self.inside.lock().unwrap().refuses {
            return Err(io::Error::other("no descriptor is left"));
        }
        self.register_with(Some(lane), fd, interest, cell)
    }

    fn register_with(
        &self,
        lane: Option<u32>,
        fd: RawFd,
        interest: Interest,
        cell: &Arc<ReadinessCell>,
    ) -> io::Result<Token> {
        if fd < 0 {
            return Err(io::Error::other("not open"));
        }
        let mut state = self.system.state.lock().unwrap();
        let token = Token { number: state.registrations, lane };
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

    /// Takes what the shared selector has, and of the local ones of which it tells those that are within `reach`.
    fn take(&self, reach: Reach<'_>) -> u64 {
        let told: Vec<usize> = {
            let state = self.system.state.lock().unwrap();
            let is_told = |lane: &usize| {
                let mut of_it =
                    state.selected.iter().filter(|selected| selected.token.lane == Some(*lane as u32));
                of_it.any(|selected| selected.pending)
            };
            (0..self.looking.len()).filter(is_told).collect()
        };
        tell(self.select(|of| of.is_none()));
        let mut left = 0;
        for lane in told {
            let is_taken = {
                let (looks, neglect) = &mut self.inside.lock().unwrap().looks[lane];
                neglect.is_taken_by(reach, lane, *looks)
            };
            if is_taken {
                let looking = match reach.patience() {
                    Some(_) => Some(self.looking[lane].lock().unwrap()),
                    None => self.looking[lane].try_lock().ok(),
                };
                if let Some(_looking) = looking {
                    tell(self.select(|of| of == Some(lane as u32)));
                }
            } else {
                left |= 1 << lane;
            }
        }
        left
    }

    /// What some selectors have to report of this reactor's sources.
    fn select(&self, takes: impl Fn(Option<u32>) -> bool) -> Vec<(Arc<ReadinessCell>, Ready)> {
        let mut state = self.system.state.lock().unwrap();
        let inside = self.inside.lock().unwrap();
        let mut found = Vec::new();
        for Selected { token, interest, pending } in &mut state.selected {
            if *pending
                && takes(token.lane)
                && let Some((_, cell)) = inside.cells.iter().find(|(known, _)| known == token)
            {
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

fn tell(found: Vec<(Arc<ReadinessCell>, Ready)>) {
    for (cell, ready) in found {
        cell.event(ready);
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
        {
            let mut state = self.system.state.lock().unwrap();
            loop {
                let mut inside = self.inside.lock().unwrap();
                let is_known = |token| inside.cells.iter().any(|(known, _)| *known == token);
                let has_something =
                    state.selected.iter().any(|selected| selected.pending && is_known(selected.token));
                let told = std::mem::take(&mut inside.told);
                drop(inside);
                if has_something || told || timeout == Some(Duration::ZERO) {
                    break;
                }
                state = self.system.changed.wait(state).unwrap();
            }
        }
        self.take(Reach::All);
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
