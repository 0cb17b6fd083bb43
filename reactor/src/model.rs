//! The readiness cell and the home of a source, as the loom models see them.
#![allow(missing_docs, missing_debug_implementations)]

pub(crate) mod reactor;

pub use self::reactor::happen;

use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use reactor_hook::{Driver as _, Frame};

use crate::Direction::{self, Read};
use crate::Interest;
use crate::affinity::Part;
use crate::cell::{Place, Progress, ReadinessCell};
use crate::home::{Registration, Role};
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

/// The reactor of a pool.
pub struct Pool(Arc<reactor::Reactor>);

impl Pool {
    /// With a local selector for each of so many workers. Somebody drives it.
    pub fn new(workers: usize) -> Pool {
        let reactor = Arc::new(reactor::Reactor::with_lanes(Role::Owned, workers));
        assert!(reactor.attendance().try_attend());
        Pool(reactor)
    }

    /// From now on no local selector is to be had.
    pub fn refuse_local_selectors(&self) {
        self.0.refuse_local_selectors();
    }

    /// As worker `lane` polls.
    pub fn as_worker<T>(&self, lane: u32, poll: impl FnOnce() -> T) -> T {
        let frame = Frame::builder().driver(self.0.clone()).lane(lane).build();
        let _entered = frame.enter();
        poll()
    }

    /// Worker `lane` looks into its own selector.
    pub fn look(&self, lane: usize) {
        self.0.look(lane);
    }

    /// Worker `lane`, which is busy, turns the driver, so long after the beginning.
    pub fn glance(&self, lane: usize, is_parked: impl Fn(usize) -> bool, passed: Duration) -> u64 {
        self.0.glance(lane, &is_parked, passed)
    }

    /// Whoever polls from now on is on the core on which worker `lane` looks.
    pub fn feed(&self, lane: u32) {
        self.0.feed(lane);
    }

    /// Who holds the token waits.
    pub fn block(&self) {
        let _ = self.0.block(None);
    }

    /// Ends that.
    pub fn unblock(&self) {
        self.0.unblock();
    }
}

impl Clone for Pool {
    fn clone(&self) -> Pool {
        Pool(self.0.clone())
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
        Arc::new(Socket::with_fd(0, Part::Leads))
    }

    /// One that goes where it is fed.
    pub fn accepted() -> Arc<Socket> {
        Arc::new(Socket::with_fd(0, Part::Follows))
    }

    /// One that no reactor can register.
    pub fn closed() -> Socket {
        Socket::with_fd(-1, Part::Leads)
    }

    fn with_fd(fd: i32, part: Part) -> Socket {
        Socket { registration: Registration::new(Interest::READABLE | Interest::WRITABLE, part), fd }
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
