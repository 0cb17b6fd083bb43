//! The reactor: who waits in its selector, and how he is unblocked.
use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reactor_hook::process::Origin;
use reactor_hook::{Attendance, Driver, Turn, is_driven_here};

use crate::cell::ReadinessCell;
use crate::gate::Gate;
use crate::home::Role;
use crate::interest::Interest;
pub(crate) use crate::registry::Token;
use crate::registry::UNBLOCK;
use crate::selector::Selector;

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
    selector: Selector,
    attendance: Attendance,
    gate: Gate,
    waker: mio::Waker,
    turns: AtomicU64,
    knocks: AtomicU64,
    role: Role,
    origin: Origin,
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

    pub(crate) fn build(role: Role) -> io::Result<Arc<Reactor>> {
        let (selector, waker) = Selector::new(EVENTS, |poll| mio::Waker::new(poll.registry(), UNBLOCK))?;
        Ok(Arc::new(Reactor {
            selector,
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
        self.selector.len()
    }

    /// How often it has looked for events.
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// How often a block had to be ended by a system call.
    pub fn knocks(&self) -> u64 {
        self.knocks.load(Ordering::Relaxed)
    }

    pub(crate) fn register(
        &self,
        fd: RawFd,
        interest: Interest,
        cell: &Arc<ReadinessCell>,
    ) -> io::Result<Token> {
        self.check_origin()?;
        self.selector.register(fd, interest, cell)
    }

    /// Asks for more than when it was registered.
    pub(crate) fn reregister(&self, token: Token, fd: RawFd, interest: Interest) -> io::Result<()> {
        self.check_origin()?;
        self.selector.reregister(token, fd, interest)
    }

    pub(crate) fn deregister(&self, token: Token) -> io::Result<()> {
        if self.is_inherited() {
            // The selector is the parent's, whose registration must stay.
            return Ok(());
        }
        let result = self.selector.deregister(token);
        // Its thread would otherwise go on blocking for nobody: one of its own, or one that a frame's was moved to.
        if self.sources() == 0 && self.role != Role::Owned && !is_driven_here(std::ptr::from_ref(self).cast())
        {
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
        if let Err(error) = self.check_origin() {
            // Its events are the parent's, and would be lost there.
            panic!("{error}");
        }
        let Some(mut looking) = self.selector.try_look() else {
            // Somebody turns it already.
            return Turn::Used;
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
        if looking.has_found() {
            looking.dispatch();
            if blocks {
                self.gate.heed();
            }
        }
        // Relaxed: the only writer, by `looking`.
        self.turns.store(self.turns.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
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
        for cell in self.selector.cells() {
            cell.rouse();
        }
    }
}
