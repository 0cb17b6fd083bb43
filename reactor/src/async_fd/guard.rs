//! What is known of a descriptor that was found ready, to be taken back when it turns out wrong.
use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::AsRawFd;

use super::AsyncFd;
use crate::io::{ReadyEvent, would_block};
use crate::ready::Ready;

/// An [`AsyncFd`] that was found ready. Clear it when an operation says otherwise; [`try_io`](Self::try_io) does so.
#[must_use = "readiness that is never cleared is never waited for again"]
pub struct AsyncFdReadyGuard<'a, T: AsRawFd> {
    fd: &'a AsyncFd<T>,
    event: Option<ReadyEvent>,
}

/// As [`AsyncFdReadyGuard`], with the value to be changed.
#[must_use = "readiness that is never cleared is never waited for again"]
pub struct AsyncFdReadyMutGuard<'a, T: AsRawFd> {
    fd: &'a mut AsyncFd<T>,
    event: Option<ReadyEvent>,
}

fn clear_matching<T: AsRawFd>(fd: &AsyncFd<T>, event: &mut Option<ReadyEvent>, what: Ready) {
    if let Some(known) = event {
        fd.io().clear_ready(*known, what);
        known.ready -= what;
        if known.ready.is_empty() {
            *event = None;
        }
    }
}

fn known(event: Option<ReadyEvent>) -> Ready {
    event.map_or(Ready::EMPTY, |event| event.ready)
}

impl<'a, T: AsRawFd> AsyncFdReadyGuard<'a, T> {
    pub(super) fn new(fd: &'a AsyncFd<T>, event: ReadyEvent) -> Self {
        AsyncFdReadyGuard { fd, event: Some(event) }
    }

    /// It turned out not to be ready: the next wait is for a new event. An event since it was found ready counts.
    pub fn clear_ready(&mut self) {
        clear_matching(self.fd, &mut self.event, Ready::ALL);
    }

    /// As [`clear_ready`](Self::clear_ready), for some of what it was ready for.
    pub fn clear_ready_matching(&mut self, ready: Ready) {
        clear_matching(self.fd, &mut self.event, ready);
    }

    /// Nothing is to be cleared. What dropping the guard does, too.
    pub fn retain_ready(&mut self) {}

    /// What it was found ready for, and has not been cleared since.
    pub fn ready(&self) -> Ready {
        known(self.event)
    }

    /// Does `f`, and clears the readiness where it answers `WouldBlock`.
    ///
    /// # Errors
    ///
    /// [`TryIoError`] for `WouldBlock`. Other errors of `f` are inside of `Ok`.
    pub fn try_io<R>(
        &mut self,
        f: impl FnOnce(&'a AsyncFd<T>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        let result = f(self.fd);
        if would_block(&result) {
            self.clear_ready();
            return Err(TryIoError(()));
        }
        Ok(result)
    }

    /// The descriptor.
    pub fn get_ref(&self) -> &'a AsyncFd<T> {
        self.fd
    }

    /// The value that the descriptor was made of.
    pub fn get_inner(&self) -> &'a T {
        self.fd.get_ref()
    }
}

impl<'a, T: AsRawFd> AsyncFdReadyMutGuard<'a, T> {
    pub(super) fn new(fd: &'a mut AsyncFd<T>, event: ReadyEvent) -> Self {
        AsyncFdReadyMutGuard { fd, event: Some(event) }
    }

    /// It turned out not to be ready: the next wait is for a new event. An event since it was found ready counts.
    pub fn clear_ready(&mut self) {
        clear_matching(self.fd, &mut self.event, Ready::ALL);
    }

    /// As [`clear_ready`](Self::clear_ready), for some of what it was ready for.
    pub fn clear_ready_matching(&mut self, ready: Ready) {
        clear_matching(self.fd, &mut self.event, ready);
    }

    /// Nothing is to be cleared. What dropping the guard does, too.
    pub fn retain_ready(&mut self) {}

    /// What it was found ready for, and has not been cleared since.
    pub fn ready(&self) -> Ready {
        known(self.event)
    }

    /// Does `f`, and clears the readiness where it answers `WouldBlock`.
    ///
    /// # Errors
    ///
    /// [`TryIoError`] for `WouldBlock`. Other errors of `f` are inside of `Ok`.
    pub fn try_io<R>(
        &mut self,
        f: impl FnOnce(&mut AsyncFd<T>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        let result = f(self.fd);
        if would_block(&result) {
            self.clear_ready();
            return Err(TryIoError(()));
        }
        Ok(result)
    }

    /// The descriptor.
    pub fn get_ref(&self) -> &AsyncFd<T> {
        self.fd
    }

    /// The descriptor.
    pub fn get_mut(&mut self) -> &mut AsyncFd<T> {
        self.fd
    }

    /// The value that the descriptor was made of.
    pub fn get_inner(&self) -> &T {
        self.fd.get_ref()
    }

    /// The value that the descriptor was made of.
    pub fn get_inner_mut(&mut self) -> &mut T {
        self.fd.get_mut()
    }
}

impl<T: AsRawFd + fmt::Debug> fmt::Debug for AsyncFdReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyGuard").field("fd", self.fd).field("ready", &self.ready()).finish()
    }
}

impl<T: AsRawFd + fmt::Debug> fmt::Debug for AsyncFdReadyMutGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyMutGuard").field("fd", self.fd).field("ready", &self.ready()).finish()
    }
}

/// The operation would have blocked.
#[derive(Debug)]
pub struct TryIoError(());

impl fmt::Display for TryIoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operation would block")
    }
}

impl Error for TryIoError {}
