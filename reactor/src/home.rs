//! Where a source is registered: decided when it is polled, by who executes there.
use std::io;
use std::os::fd::RawFd;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use reactor_hook::{Driver, drive, driver_of, has_place, is_driven_here};

use crate::cell::ReadinessCell;
use crate::interest::Interest;
use crate::reactor::Reactor;
use crate::registry::Token;

/// A source's cell and its registration, if it has one yet. Dropping it deregisters.
#[derive(Debug)]
pub(crate) struct Registration {
    cell: Arc<ReadinessCell>,
    /// The address of the reactor in `home`, for one comparison; null without one.
    key: AtomicPtr<()>,
    home: Mutex<Option<Home>>,
    interest: Interest,
}

#[derive(Debug)]
struct Home {
    reactor: Arc<Reactor>,
    token: Token,
}

// A panic finds it as any other thread would: no user code runs in the middle of a change.
impl UnwindSafe for Registration {}
impl RefUnwindSafe for Registration {}

impl Home {
    /// Whether somebody drives it, as well as anybody could.
    fn is_served(&self) -> io::Result<bool> {
        if is_driven_here(Arc::as_ptr(&self.reactor).cast()) {
            return Ok(true);
        }
        if self.reactor.attendance().is_attended() {
            // Its own thread serves where nobody else does; one that polls and drives at once is better.
            return Ok(!(self.reactor.is_hosted() && could_drive()));
        }
        // The thread that left it has come back, or another one takes over what it left.
        if has_place() && !self.reactor.is_hosted() {
            drive(&self.reactor)?;
            return Ok(true);
        }
        Ok(false)
    }
}

impl Registration {
    pub(crate) fn new(interest: Interest) -> Registration {
        Registration {
            cell: Arc::new(ReadinessCell::new()),
            key: AtomicPtr::new(ptr::null_mut()),
            home: Mutex::new(None),
            interest,
        }
    }

    #[inline]
    pub(crate) fn cell(&self) -> &ReadinessCell {
        &self.cell
    }

    /// Whether somebody will tell the cell what becomes of its source. To be called after a waker was left.
    pub(crate) fn is_attended(&self) -> bool {
        // Relaxed: a comparison; what is behind it is read under the lock.
        let key = self.key.load(Ordering::Relaxed);
        !key.is_null()
            && (is_driven_here(key)
                || self.home.lock().as_ref().is_some_and(|home| home.reactor.attendance().is_attended()))
    }

    /// Sees to it that somebody drives the reactor of this source, by moving it to one that is driven where it is
    /// not. To be called after a waker was left in the cell.
    #[inline]
    pub(crate) fn attend(&self, fd: RawFd) -> io::Result<()> {
        // Relaxed: as in `is_attended`. The reactor of this thread's frame leaves on this thread, or with its pool.
        let key = self.key.load(Ordering::Relaxed);
        if !key.is_null() && is_driven_here(key) { Ok(()) } else { self.settle(fd) }
    }

    #[cold]
    fn settle(&self, fd: RawFd) -> io::Result<()> {
        let mut home = self.home.lock();
        loop {
            if let Some(home) = &*home
                && home.is_served()?
            {
                return Ok(());
            }
            let reactor = find_reactor()?;
            if home.as_ref().is_some_and(|home| Arc::ptr_eq(&home.reactor, &reactor)) {
                continue;
            }
            // What the former selector has still to say of it is ignored; the new one starts with all that is so now.
            self.leave(&mut home).ok();
            let token = reactor.register(fd, self.interest, &self.cell)?;
            self.key.store(Arc::as_ptr(&reactor).cast_mut().cast(), Ordering::Relaxed);
            *home = Some(Home { reactor, token });
        }
    }

    fn leave(&self, home: &mut Option<Home>) -> io::Result<()> {
        self.key.store(ptr::null_mut(), Ordering::Relaxed);
        match home.take() {
            Some(home) => home.reactor.deregister(home.token),
            None => Ok(()),
        }
    }

    /// Gives up the registration. To be called before the descriptor is closed.
    pub(crate) fn deregister(&mut self) -> io::Result<()> {
        let mut home = self.home.lock();
        let result = self.leave(&mut home);
        drop(home);
        self.cell.close();
        result
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // A descriptor that was closed behind our back cannot be deregistered, and need not be.
        let _ = self.deregister();
    }
}

/// Whether the thread here drives a reactor while it polls, or would.
fn could_drive() -> bool {
    has_place() || driver_of::<Reactor>().is_some_and(|reactor| is_driven_here(Arc::as_ptr(&reactor).cast()))
}

/// A reactor that is driven, if possible by the frame entered here.
fn find_reactor() -> io::Result<Arc<Reactor>> {
    if let Some(reactor) = driver_of::<Reactor>() {
        let key = Arc::as_ptr(&reactor).cast();
        if is_driven_here(key) || reactor.attendance().is_attended() {
            return Ok(reactor);
        }
    }
    let reactor = if has_place() { Reactor::new()? } else { fallback()? };
    drive(&reactor)?;
    Ok(reactor)
}

/// The reactor of those who are polled where nobody drives one. It lives as long as somebody needs it.
fn fallback() -> io::Result<Arc<Reactor>> {
    static FALLBACK: Mutex<Weak<Reactor>> = Mutex::new(Weak::new());
    let mut fallback = FALLBACK.lock();
    if let Some(reactor) = fallback.upgrade() {
        return Ok(reactor);
    }
    let reactor = Reactor::new_hosted()?;
    *fallback = Arc::downgrade(&reactor);
    Ok(reactor)
}
