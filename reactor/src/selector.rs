//! One selector: an epoll, and the cells registered with it.
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::cell::ReadinessCell;
use crate::events::Events;
use crate::interest::Interest;
use crate::registry::{Found, Registry, Token};

pub(crate) struct Selector {
    registry: Registry,
    turning: Mutex<Turning>,
}

/// What only the thread that looks touches.
struct Turning {
    poll: mio::Poll,
    events: Events,
    found: Found,
}

/// The right to look, until it is dropped.
pub(crate) struct Looking<'a> {
    registry: &'a Registry,
    turning: MutexGuard<'a, Turning>,
}

impl Selector {
    /// `most`: events fetched by one system call; more wait for the next look. `prepare` makes of it what else it is to be.
    pub(crate) fn new<T>(
        most: usize,
        prepare: impl FnOnce(&mio::Poll) -> io::Result<T>,
    ) -> io::Result<(Selector, T)> {
        let poll = mio::Poll::new()?;
        let registry = Registry::new(poll.registry().try_clone()?);
        let prepared = prepare(&poll)?;
        let turning = Turning { poll, events: Events::with_capacity(most), found: Found::default() };
        Ok((Selector { registry, turning: Mutex::new(turning) }, prepared))
    }

    /// How many sources are registered.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.registry.len()
    }

    pub(crate) fn register(
        &self,
        fd: RawFd,
        interest: Interest,
        cell: &Arc<ReadinessCell>,
    ) -> io::Result<Token> {
        self.registry.register(fd, interest, cell)
    }

    /// Reports as long as the selector of `lane`, another one, has something to report.
    #[cfg(target_os = "linux")]
    pub(crate) fn nest(&self, other: &mio::Poll, lane: usize) -> io::Result<()> {
        use std::os::fd::AsRawFd as _;
        let token = crate::registry::token_of_local(lane);
        crate::sys::epoll::nest(self.registry.selector().as_raw_fd(), other.as_raw_fd(), token)
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn nest(&self, _: &mio::Poll, _: usize) -> io::Result<()> {
        unreachable!("there are no lanes")
    }

    pub(crate) fn reregister(&self, token: Token, fd: RawFd, interest: Interest) -> io::Result<()> {
        self.registry.reregister(token, fd, interest)
    }

    pub(crate) fn deregister(&self, token: Token) -> io::Result<()> {
        self.registry.deregister(token)
    }

    /// Every registered cell.
    pub(crate) fn cells(&self) -> Vec<Arc<ReadinessCell>> {
        self.registry.cells()
    }

    /// Nothing if somebody looks already.
    pub(crate) fn try_look(&self) -> Option<Looking<'_>> {
        let turning = self.turning.try_lock()?;
        Some(Looking { registry: &self.registry, turning })
    }

    /// Nothing if somebody looks for longer than `patience`.
    pub(crate) fn try_look_for(&self, patience: Duration) -> Option<Looking<'_>> {
        let turning = self.turning.try_lock_for(patience)?;
        Some(Looking { registry: &self.registry, turning })
    }
}

/// A signal: nothing was found.
fn unless_interrupted(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        outcome => outcome,
    }
}

impl Looking<'_> {
    /// Waits for what comes within `timeout`. It may be nothing: a signal, for what that may have changed is to be looked at first.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let Turning { poll, events, .. } = &mut *self.turning;
        unless_interrupted(events.wait(poll, timeout))
    }

    /// Takes what is there, no more than `most`.
    pub(crate) fn take(&mut self, most: usize) -> io::Result<()> {
        let Turning { poll, events, .. } = &mut *self.turning;
        unless_interrupted(events.take(poll, most))
    }

    /// Whether it reported something, by the last wait.
    pub(crate) fn has_found(&self) -> bool {
        !self.turning.events.is_empty()
    }

    /// Which local selectors it says have something.
    pub(crate) fn locals(&self) -> impl Iterator<Item = usize> {
        self.turning.events.locals()
    }

    /// Tells the cells of it.
    pub(crate) fn dispatch(&mut self) {
        let Turning { events, found, .. } = &mut *self.turning;
        if !events.is_empty() {
            self.registry.dispatch(events, found);
        }
    }
}
