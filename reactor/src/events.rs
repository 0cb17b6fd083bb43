//! What the selector reports, and waiting for it.
use std::io;
use std::time::Duration;

use crate::ready::Ready;
use crate::registry::{Token, UNBLOCK};

/// One batch of events.
pub(crate) struct Events(List);

#[cfg(target_os = "linux")]
type List = Vec<libc::epoll_event>;
#[cfg(not(target_os = "linux"))]
type List = mio::Events;

impl Events {
    /// At most so many at once; more wait for the next turn.
    pub(crate) fn with_capacity(most: usize) -> Events {
        Events(List::with_capacity(most))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Mio's `poll` is passed by: it knows whole milliseconds only, and rounds up, so that a timer would be late by half of one
/// on average.
#[cfg(target_os = "linux")]
impl Events {
    /// Replaces the events by those that come within `timeout`, or by none: a signal, or a kernel that has to be asked
    /// again for the rest of the time.
    pub(crate) fn wait(&mut self, poll: &mut mio::Poll, timeout: Option<Duration>) -> io::Result<()> {
        use std::os::fd::AsRawFd as _;
        crate::sys::epoll::wait(poll.as_raw_fd(), &mut self.0, timeout)
    }

    /// Replaces the events by those that are there, no more than `most`.
    pub(crate) fn take(&mut self, poll: &mut mio::Poll, most: usize) -> io::Result<()> {
        use std::os::fd::AsRawFd as _;
        crate::sys::epoll::take(poll.as_raw_fd(), &mut self.0, most)
    }

    /// Which local selectors it says have something.
    pub(crate) fn locals(&self) -> impl Iterator<Item = usize> {
        let tokens = self.0.iter().map(|event| event.u64 as usize).filter(|token| *token != UNBLOCK.0);
        tokens.filter_map(|token| Token::from_selector(token).local())
    }

    /// Whom they are for, and what is ready. That a block is to end is no event.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Token, Ready)> {
        self.0.iter().filter_map(|event| {
            // The fields of a packed struct are copied.
            let (token, flags) = (event.u64 as usize, event.events);
            (token != UNBLOCK.0).then(|| (Token::from_selector(token), ready(flags)))
        })
    }
}

/// What mio makes of the flags, without asking it bit by bit.
#[cfg(target_os = "linux")]
fn ready(flags: u32) -> Ready {
    let has = |bits: libc::c_int| flags & bits as u32 == bits as u32;
    let mut ready = Ready::EMPTY;
    if has(libc::EPOLLIN) {
        ready |= Ready::READABLE;
    }
    if has(libc::EPOLLOUT) {
        ready |= Ready::WRITABLE;
    }
    // The rest is rare.
    if flags & !(libc::EPOLLIN | libc::EPOLLOUT) as u32 == 0 {
        return ready;
    }
    if has(libc::EPOLLPRI) {
        ready |= Ready::READABLE | Ready::PRIORITY_BIT;
    }
    if has(libc::EPOLLHUP) || has(libc::EPOLLIN | libc::EPOLLRDHUP) {
        ready |= Ready::READ_CLOSED;
    }
    if has(libc::EPOLLHUP) || has(libc::EPOLLOUT | libc::EPOLLERR) || flags == libc::EPOLLERR as u32 {
        ready |= Ready::WRITE_CLOSED;
    }
    if has(libc::EPOLLERR) {
        ready |= Ready::ERROR;
    }
    ready
}

#[cfg(not(target_os = "linux"))]
impl Events {
    pub(crate) fn wait(&mut self, poll: &mut mio::Poll, timeout: Option<Duration>) -> io::Result<()> {
        poll.poll(&mut self.0, timeout)
    }

    /// As many as there is room for.
    pub(crate) fn take(&mut self, poll: &mut mio::Poll, _: usize) -> io::Result<()> {
        self.wait(poll, Some(Duration::ZERO))
    }

    /// There are none.
    pub(crate) fn locals(&self) -> impl Iterator<Item = usize> {
        std::iter::empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Token, Ready)> {
        let reported = self.0.iter().filter(|event| event.token() != UNBLOCK);
        reported.map(|event| (Token::from_selector(event.token().0), Ready::from_event(event)))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
