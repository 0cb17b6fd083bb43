//! The reactor: its selectors, who waits in them, and how he is unblocked.
use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reactor_hook::process::Origin;
use reactor_hook::{Attendance, Driver, Turn, is_driven_here, lane};

use crate::affinity::Part;
use crate::cell::ReadinessCell;
use crate::gate::Gate;
use crate::home::Role;
use crate::interest::Interest;
use crate::locals::Locals;
use crate::neglect::Reach;
use crate::registry::{self, UNBLOCK};
use crate::selector::{Looking, Selector};

/// Events fetched by one system call; more wait for the next turn. The kernel keeps them in the order in which they came, and other workers
/// find them there; and what few events wake is polled before the cache has forgotten it. With 1024, as mio and tokio have by default, a
/// thousand connections took 6 % longer, and the slowest of a hundred messages three times as long (`docs/performance.md`).
const EVENTS: usize = 32;

/// What it is called where it is found to be another process's.
const WHAT: &str = "the reactor, or the runtime that drives it,";

/// Readiness of sockets and other file descriptors, as a [`Driver`].
///
/// Sockets find one by themselves when they are polled. An executor that has one of its own puts it into its frames,
/// and drives it.
///
/// ```
/// use reactor_hook::{Driver, Turn};
/// use std::time::Duration;
///
/// let reactor = reactor::Reactor::new()?;
/// reactor.unblock();
/// assert_eq!(reactor.block(None), Turn::Unused);
/// # std::io::Result::Ok(())
/// ```
pub struct Reactor {
    shared: Selector,
    locals: Locals,
    /// Of all selectors.
    sources: AtomicUsize,
    attendance: Attendance,
    gate: Gate,
    waker: mio::Waker,
    turns: AtomicU64,
    knocks: AtomicU64,
    role: Role,
    origin: Origin,
}

/// A registration: with which selector, and its token there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The lane whose selector it is; the shared one is nobody's.
    lane: Option<u32>,
    /// Whether it counts as a leader of that lane.
    leads: bool,
    token: registry::Token,
}

impl Token {
    /// The lane in whose selector it is.
    pub(crate) fn lane(self) -> Option<u32> {
        self.lane
    }
}

// A panic finds it as any other thread would: no user code runs in the middle of a change.
impl UnwindSafe for Reactor {}
impl RefUnwindSafe for Reactor {}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor")
            .field("sources", &self.sources())
            .field("turns", &self.turns())
            .field("attendance", &self.attendance)
            .finish_non_exhaustive()
    }
}

impl Reactor {
    /// A reactor that nobody drives yet.
    ///
    /// # Errors
    ///
    /// The operating system's: usually that no file descriptor is left.
    pub fn new() -> io::Result<Arc<Reactor>> {
        Reactor::build(Role::Owned)
    }

    /// One for a pool: each of so many lanes, the first of the [`lane`](reactor_hook::FrameBuilder::lane)s of its frames, may get a
    /// local selector, and has to [`look`](Reactor::look) into that. What it does not look at is found by whoever
    /// [`block`](Driver::block)s: nothing is lost. A busy lane that [`glance`](Reactor::glance)s finds what those have that are away, or have not looked
    /// for long.
    ///
    /// # Errors
    ///
    /// As [`new`](Reactor::new).
    pub fn with_lanes(lanes: usize) -> io::Result<Arc<Reactor>> {
        Reactor::build_with(Role::Owned, lanes)
    }

    pub(crate) fn build(role: Role) -> io::Result<Arc<Reactor>> {
        Reactor::build_with(role, 0)
    }

    fn build_with(role: Role, lanes: usize) -> io::Result<Arc<Reactor>> {
        let (shared, waker) = Selector::new(EVENTS, |poll| mio::Waker::new(poll.registry(), UNBLOCK))?;
        Ok(Arc::new(Reactor {
            shared,
            locals: Locals::new(lanes),
            sources: AtomicUsize::new(0),
            attendance: Attendance::new(),
            gate: Gate::new(),
            waker,
            turns: AtomicU64::new(0),
            knocks: AtomicU64::new(0),
            role,
            origin: Origin::here(),
        }))
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Whether this process is a child that was forked from the one that made it.
    #[inline]
    pub(crate) fn is_inherited(&self) -> bool {
        !self.origin.is_here()
    }

    /// That it may be used here.
    pub(crate) fn check_origin(&self) -> io::Result<()> {
        self.origin.check(WHAT)
    }

    /// How many sources are registered.
    pub fn sources(&self) -> usize {
        // Relaxed: a count for people, and for an answer that is checked again by those it sends away.
        self.sources.load(Ordering::Relaxed)
    }

    /// Whether `lane` has sources in its local selector, so that a look is worth it.
    #[inline]
    pub fn has_local_sources(&self, lane: usize) -> bool {
        self.locals.is_used(lane)
    }

    /// Whether it may have local selectors.
    pub(crate) fn has_lanes(&self) -> bool {
        self.locals.len() > 0
    }

    /// The lane whose selector a source of this `part` should be in, if it is polled by the worker here. `None`: where it is.
    pub(crate) fn lane_for(&self, part: Part, fd: RawFd, present: Option<u32>) -> Option<u32> {
        match part {
            Part::Leads => self.locals.of_leader(lane(), self.sources()),
            Part::Follows => {
                self.locals.of_follower(present, self.sources(), || crate::sys::core::feeding(fd))
            }
            Part::Stays => None,
        }
    }

    /// How often it has looked for events.
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// How often a block had to be ended by a system call.
    pub fn knocks(&self) -> u64 {
        self.knocks.load(Ordering::Relaxed)
    }

    /// Takes the events of the local selector of `lane`: at most `most`, and never more than 32. To be called by the lane's worker.
    pub fn look(&self, lane: usize, most: usize) {
        if !self.is_inherited() {
            self.locals.look(lane, most);
        }
    }

    /// Turns the shared selector without waiting, and the local ones of lanes that are away or neglected. By the worker of `lane`, which is busy, and looks
    /// into its own by itself. One thread at a time, as with [`block`](Driver::block). `is_parked`: whether a lane is away (its worker parked, or napping) and
    /// will not look by itself.
    ///
    /// Gives the lanes whose events it has left to their workers, a bit for each, by its number modulo 64. One of them may have parked meanwhile: it
    /// is to be called.
    pub fn glance(&self, lane: usize, is_parked: impl Fn(usize) -> bool, now: Instant) -> u64 {
        self.turn(Some(Duration::ZERO), Reach::Beside { lane, is_parked: &is_parked, now })
    }

    fn turn(&self, timeout: Option<Duration>, reach: Reach<'_>) -> u64 {
        if let Err(error) = self.check_origin() {
            // Its events are the parent's, and would be lost there.
            panic!("{error}");
        }
        let Some(mut looking) = self.shared.try_look() else {
            // Somebody turns it already.
            return 0;
        };
        let blocks = timeout != Some(Duration::ZERO);
        let timeout = if blocks && !self.gate.close() { Some(Duration::ZERO) } else { timeout };
        let waited = looking.wait(timeout);
        if blocks {
            self.gate.open();
        }
        if let Err(error) = waited {
            panic!("the reactor's selector failed: {error}");
        }
        let mut left = 0;
        if looking.has_found() {
            left = self.dispatch(&mut looking, reach);
            if blocks {
                self.gate.heed();
            }
        }
        // Relaxed: the only writer, by `looking`.
        self.turns.store(self.turns.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        left
    }

    fn dispatch(&self, looking: &mut Looking<'_>, reach: Reach<'_>) -> u64 {
        looking.dispatch();
        if self.has_lanes() { self.locals.heed(looking.locals(), reach) } else { 0 }
    }

    /// With the shared selector.
    pub(crate) fn register(
        &self,
        fd: RawFd,
        interest: Interest,
        cell: &Arc<ReadinessCell>,
    ) -> io::Result<Token> {
        self.check_origin()?;
        let token = self.shared.register(fd, interest, cell)?;
        self.count_one();
        Ok(Token { lane: None, leads: false, token })
    }

    /// With that of `lane`, one of its lanes.
    pub(crate) fn register_locally(
        &self,
        lane: u32,
        part: Part,
        fd: RawFd,
        interest: Interest,
        cell: &Arc<ReadinessCell>,
    ) -> io::Result<Token> {
        self.check_origin()?;
        let selector =
            self.locals.get_or_make(lane as usize, |poll| self.shared.nest(poll, lane as usize))?;
        let token = selector.register(fd, interest, cell)?;
        self.count_one();
        let leads = part == Part::Leads;
        if leads {
            self.locals.count_leader(lane, true);
        }
        Ok(Token { lane: Some(lane), leads, token })
    }

    fn count_one(&self) {
        // Relaxed: as in `sources`.
        self.sources.fetch_add(1, Ordering::Relaxed);
    }

    fn selector_of(&self, token: Token) -> &Selector {
        match token.lane {
            None => &self.shared,
            Some(lane) => self.locals.get(lane as usize).expect("something is registered there"),
        }
    }

    /// Asks for more than when it was registered.
    pub(crate) fn reregister(&self, token: Token, fd: RawFd, interest: Interest) -> io::Result<()> {
        self.check_origin()?;
        self.selector_of(token).reregister(token.token, fd, interest)
    }

    pub(crate) fn deregister(&self, token: Token) -> io::Result<()> {
        if self.is_inherited() {
            // The selector is the parent's, whose registration must stay.
            return Ok(());
        }
        let result = self.selector_of(token).deregister(token.token);
        if let (Some(lane), true) = (token.lane, token.leads) {
            self.locals.count_leader(lane, false);
        }
        // Relaxed: as in `sources`.
        let is_last = self.sources.fetch_sub(1, Ordering::Relaxed) == 1;
        // Its thread would otherwise go on blocking for nobody: one of its own, or one that a frame's was moved to.
        if is_last && self.role != Role::Owned && !is_driven_here(std::ptr::from_ref(self).cast()) {
            self.unblock();
        }
        result
    }
}

impl Driver for Reactor {
    fn name(&self) -> &'static str {
        "reactor"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        self.turn(timeout, Reach::All);
        if self.sources() == 0 { Turn::Unused } else { Turn::Used }
    }

    fn unblock(&self) {
        if self.gate.knock() && !self.is_inherited() {
            // Relaxed: a count for people.
            self.knocks.fetch_add(1, Ordering::Relaxed);
            self.waker.wake().expect("the reactor's eventfd can be written");
        }
    }

    fn abandoned(&self) {
        for selector in std::iter::once(&self.shared).chain(self.locals.made()) {
            for cell in selector.cells() {
                cell.rouse();
            }
        }
    }
}
