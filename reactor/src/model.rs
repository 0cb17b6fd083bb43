//! The readiness cell, as the loom models see it.
#![allow(missing_docs, missing_debug_implementations)]

use std::io;
use std::task::Waker;

use crate::Direction::Read;
use crate::cell::{Place, Progress, ReadinessCell};
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
