//! Where a source is registered: decided when it is polled, by who executes there.
use std::io;
use std::os::fd::RawFd;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr;
use std::sync::{Arc, Weak};

use reactor_hook::{Driver, Placement, drive, driver_of, has_place, is_driven_here};

use crate::affinity::{Affinity, Part};
use crate::cell::ReadinessCell;
use crate::interest::Interest;
use crate::reactor::{Reactor, Token};
use crate::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use crate::sync::{Mutex, shared};

/// A source's cell and its registration, if it has one yet. Dropping it deregisters.
#[derive(Debug)]
pub(crate) struct Registration {
    cell: Arc<ReadinessCell>,
    /// The address of the reactor in `home`, for one comparison; null without one.
    key: AtomicPtr<()>,
    home: Mutex<Option<Home>>,
    interest: Interest,
    /// Whether the selector was asked to report that it may be written. Changed with `home` locked, and never taken back.
    asks_writable: AtomicBool,
    /// In whose local selector it is to be.
    affinity: Affinity,
}

#[derive(Debug)]
struct Home {
    reactor: Arc<Reactor>,
    token: Token,
}

// A panic finds it as any other thread would: no user code runs in the middle of a change.
impl UnwindSafe for Registration {}
impl RefUnwindSafe for Registration {}

/// For whom a reactor was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// An executor that drives it whenever it executes. Nobody else may: the executor comes back for it.
    Owned,
    /// The frame of a thread that polled a source. When that one leaves, the next takes it along with its sources.
    Framed,
    /// A thread of its own, which wants to know when nothing is registered any more.
    Hosted,
}

/// How the present home of a source suits the one who polls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    /// Nobody could do better.
    Best,
    /// It is driven, by somebody whom the one who polls does not know. He may block, and for this very source.
    Elsewhere,
    /// Nobody drives it.
    Nobody,
}

impl Home {
    /// `alone`: whether nobody else waits for the source.
    fn service(&self, alone: impl FnOnce() -> bool) -> io::Result<Service> {
        if is_driven_here(Arc::as_ptr(&self.reactor).cast()) {
            return Ok(Service::Best);
        }
        if self.reactor.is_inherited() {
            return Ok(Service::Nobody);
        }
        let role = self.reactor.role();
        if self.reactor.attendance().is_attended() {
            // A frame around this one gives it up: its thread is here, and would wait for nobody.
            if role == Role::Framed && drive(&self.reactor)? == Placement::Here {
                return Ok(Service::Best);
            }
            let own = driver_of::<Reactor>();
            let is_better_here = match role {
                // One that polls and drives at once is better than any thread between.
                Role::Hosted => {
                    has_place() || own.is_some_and(|own| is_driven_here(Arc::as_ptr(&own).cast()))
                }
                // Two executors that wait for one source would take it from each other for ever.
                Role::Owned | Role::Framed => {
                    !own.is_some_and(|own| Arc::ptr_eq(&own, &self.reactor)) && alone()
                }
            };
            return Ok(if is_better_here { Service::Elsewhere } else { Service::Best });
        }
        // The thread that left it has come back, or another one takes over what it left.
        if role == Role::Framed && has_place() {
            drive(&self.reactor)?;
            return Ok(Service::Best);
        }
        Ok(Service::Nobody)
    }
}

impl Registration {
    pub(crate) fn new(interest: Interest, part: Part) -> Registration {
        Registration {
            cell: Arc::new(ReadinessCell::new()),
            key: AtomicPtr::new(ptr::null_mut()),
            home: Mutex::new(None),
            interest,
            asks_writable: AtomicBool::new(false),
            affinity: Affinity::new(part),
        }
    }

    #[inline]
    pub(crate) fn cell(&self) -> &ReadinessCell {
        &self.cell
    }

    /// Whether somebody will tell the cell what becomes of its source, as far as `interest` goes. To be called after a waker was
    /// left.
    pub(crate) fn is_attended(&self, interest: Interest) -> bool {
        // Relaxed: a comparison; what is behind it is read under the lock.
        let key = self.key.load(Ordering::Relaxed);
        !key.is_null()
            && self.asks(interest)
            && (is_driven_here(key)
                || self.home.lock().as_ref().is_some_and(|home| {
                    home.reactor.attendance().is_attended() && !home.reactor.is_inherited()
                }))
    }

    /// Sees to it that somebody drives the reactor of this source, by moving it to one that is driven where it is
    /// not, or where the one who polls here cannot know for how long. To be called after a waker was left in the cell
    /// for `waits`.
    #[inline]
    pub(crate) fn attend(&self, fd: RawFd, waits: Interest) -> io::Result<()> {
        // Relaxed: as in `is_attended`. A driver of this thread's frame stops on this thread, or when its pool ends: so it is driven now.
        let key = self.key.load(Ordering::Relaxed);
        if is_driven_here(key) && self.asks(waits) {
            if self.affinity.is_due() {
                self.find_lane(fd);
            }
            Ok(())
        } else {
            self.settle(fd, waits)
        }
    }

    /// Asks which worker's selector the source belongs to and moves it there, as `move_to` does. If the new selector refuses, the source stays, and is
    /// driven there as before.
    #[cold]
    fn find_lane(&self, fd: RawFd) {
        let mut home = self.home.lock();
        // It may have moved to another reactor since.
        let Some(Home { reactor, token }) =
            home.as_mut().filter(|home| is_driven_here(Arc::as_ptr(&home.reactor).cast()))
        else {
            return;
        };
        self.affinity.put_off();
        let present = token.lane();
        let Some(lane) = reactor.lane_for(self.affinity.part(), fd, present) else {
            return;
        };
        if present != Some(lane) {
            // `attend` has seen that what the caller waits for is asked for already: only what was asked before need be.
            let question = self.question(Interest::READABLE);
            let Ok(new) = reactor.register_locally(lane, self.affinity.part(), fd, question, &self.cell)
            else {
                return;
            };
            let former = std::mem::replace(token, new);
            // An event that the former selector still reports makes the cell look once more, no harm.
            let _ = reactor.deregister(former);
        }
        if self.affinity.part() == Part::Leads {
            self.affinity.settle();
        }
    }

    /// Whether the selector reports what concerns `interest`.
    #[inline]
    fn asks(&self, interest: Interest) -> bool {
        // Relaxed: who says so has asked before, and the selector knows. Who misses it looks again under the lock.
        !interest.is_writable() || self.asks_writable.load(Ordering::Relaxed)
    }

    /// Which interest to register. Nearly every source can be written nearly always, so writability is left out until somebody waits
    /// for it: it would be the first event of each source, and a part of each event after.
    fn question(&self, waits: Interest) -> Interest {
        if waits.is_writable() || self.asks(Interest::WRITABLE) {
            self.interest
        } else {
            // Something has to be asked for.
            self.interest.remove(Interest::WRITABLE).unwrap_or(self.interest)
        }
    }

    #[cold]
    fn settle(&self, fd: RawFd, waits: Interest) -> io::Result<()> {
        let mut home = self.home.lock();
        loop {
            let service = match &*home {
                Some(home) => home.service(|| !self.cell.has_others(waits))?,
                None => Service::Nobody,
            };
            if service == Service::Best {
                return self.ask(&home, fd, waits);
            }
            let moved = find_reactor().and_then(|reactor| self.move_to(&mut home, reactor, fd, waits));
            match (moved, service) {
                (Ok(()), _) => {}
                // Others may wait there, and it is driven there: better than nowhere.
                (Err(_), Service::Elsewhere) => return self.ask(&home, fd, waits),
                (Err(error), _) => return Err(error),
            }
        }
    }

    /// Has the selector report what is waited for, if it does not. As with a registration, what is so already is reported too.
    fn ask(&self, home: &Option<Home>, fd: RawFd, waits: Interest) -> io::Result<()> {
        if self.asks(waits) {
            return Ok(());
        }
        if let Some(home) = home {
            home.reactor.reregister(home.token, fd, self.interest)?;
            self.note(self.interest);
        }
        Ok(())
    }

    /// Remembers what the selector was asked for.
    fn note(&self, question: Interest) {
        if question.is_writable() {
            // Relaxed: as in `asks`.
            self.asks_writable.store(true, Ordering::Relaxed);
        }
    }

    /// Registers with the new one before it leaves the old, so that a refusal changes nothing. An event that the former selector
    /// still reports makes the cell look once more; the new one starts with all that is so now.
    fn move_to(
        &self,
        home: &mut Option<Home>,
        reactor: Arc<Reactor>,
        fd: RawFd,
        waits: Interest,
    ) -> io::Result<()> {
        if home.as_ref().is_some_and(|home| Arc::ptr_eq(&home.reactor, &reactor)) {
            return Ok(());
        }
        let question = self.question(waits);
        let token = reactor.register(fd, question, &self.cell)?;
        self.note(question);
        self.leave(home).ok();
        self.affinity.restart(reactor.has_lanes());
        self.key.store(Arc::as_ptr(&reactor).cast_mut().cast(), Ordering::Relaxed);
        *home = Some(Home { reactor, token });
        Ok(())
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

/// A reactor that is driven, if possible by the frame entered here.
fn find_reactor() -> io::Result<Arc<Reactor>> {
    if let Some(reactor) = driver_of::<Reactor>() {
        reactor.check_origin()?;
        let key = Arc::as_ptr(&reactor).cast();
        if is_driven_here(key) || reactor.attendance().is_attended() {
            return Ok(reactor);
        }
    }
    let reactor = if has_place() { Reactor::build(Role::Framed)? } else { fallback()? };
    drive(&reactor)?;
    Ok(reactor)
}

/// The reactor of those who are polled where nobody drives one. It lives as long as somebody needs it.
fn fallback() -> io::Result<Arc<Reactor>> {
    shared! { static FALLBACK: Mutex<Weak<Reactor>> = Mutex::new(Weak::new()); }
    let mut fallback = FALLBACK.lock();
    if let Some(reactor) = fallback.upgrade().filter(|reactor| !reactor.is_inherited()) {
        return Ok(reactor);
    }
    let reactor = Reactor::build(Role::Hosted)?;
    *fallback = Arc::downgrade(&reactor);
    Ok(reactor)
}
