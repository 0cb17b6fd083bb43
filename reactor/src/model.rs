//! The readiness cell and the home of a source, as the loom models see them.
#![allow(missing_docs, missing_debug_implementations)]

pub(crate) mod reactor;

pub use self::reactor::happen;

use std::io;
use std::sync::Arc;
use std::task::Waker;

use crate::Direction::{self, Read};
use crate::Interest;
use crate::cell::{Place, Progress, ReadinessCell};
use crate::home::Registration;
use crate::ready::Ready;

pub struct Cell(ReadinessCell);

/// A waiter for the read direction.
pub struct Waiter(Place);

impl Waiter {
    /// A `poll_*` function.
    pub fn shared() -> Waiter {
        Waiter(Place::Shared)
    }

    /// A future.
    pub fn exclusive() -> Waiter {
        Waiter(Place::None)
    }
}

impl Cell {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Cell {
        Cell(ReadinessCell::new())
    }

    /// The driver reports that there is something to read.
    pub fn event(&self) {
        self.0.event(Ready::READABLE);
    }

    /// The driver has gone.
    pub fn rouse(&self) {
        self.0.rouse();
    }

    /// The owner goes.
    pub fn close(&self) {
        self.0.close();
    }

    /// Whether `operation` said that it succeeded. Otherwise an event will wake `waker`.
    pub fn poll(&self, waiter: &mut Waiter, waker: &Waker, mut operation: impl FnMut() -> bool) -> bool {
        let polled = self.0.poll(Read, &mut waiter.0, waker, || {
            if operation() { Ok(((), Progress::Full)) } else { Err(io::ErrorKind::WouldBlock.into()) }
        });
        polled.is_ready()
    }

    /// A future is dropped.
    pub fn leave(&self, waiter: &mut Waiter) {
        self.0.leave(Read, &mut waiter.0);
    }
}

/// A socket, of the model's system.
pub struct Socket {
    registration: Registration,
    fd: i32,
}

impl Socket {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Arc<Socket> {
        Arc::new(Socket::with_fd(0))
    }

    /// One that no reactor can register.
    pub fn closed() -> Socket {
        Socket::with_fd(-1)
    }

    fn with_fd(fd: i32) -> Socket {
        Socket { registration: Registration::new(Interest::READABLE | Interest::WRITABLE), fd }
    }

    /// As an operation in one direction polls. Otherwise an event will wake `waker`.
    ///
    /// # Errors
    ///
    /// It cannot be registered, or nobody drives it: a thread was refused.
    pub fn poll(&self, direction: Direction, waker: &Waker) -> io::Result<bool> {
        let polled = self.registration.cell().poll(direction, &mut Place::Shared, waker, || {
            if reactor::has_happened() {
                Ok(((), Progress::Full))
            } else {
                Err(io::ErrorKind::WouldBlock.into())
            }
        });
        if polled.is_ready() {
            return Ok(true);
        }
        self.registration.attend(self.fd, direction.into()).map(|()| false)
    }
}
