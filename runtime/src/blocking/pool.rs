//! The pool: threads around the protocol of `core`.
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reactor_hook::process::Origin;
use reactor_hook::{Offload, RefusedJob};

use super::config::Config;
use super::core::{Arrival, Core, Counts, Expired, Next, Orphans, Submitted, Summon, Ticket};
use super::job::Job;
use super::presence::{Attendee, Presence, Remaining};
use super::seat::Seat;
use crate::misuse;

/// Runs closures that block. A clone is the same pool.
///
/// Its threads keep the pool alive: it ends with [`close`](Pool::close), not with its last clone.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    core: Core<Job>,
    presence: Arc<Presence>,
    config: Config,
    create: Box<CreateThread>,
    origin: Origin,
}

type CreateThread =
    dyn Fn(thread::Builder, Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> + Send + Sync;

/// Why a job was not taken. It has been dropped.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The pool is shut down.
    Closed,
    /// There is no thread, and the operating system refused one.
    NoThread(io::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Closed => f.write_str("the blocking pool is shut down"),
            Refused::NoThread(error) => {
                write!(f, "the blocking pool has no thread and could not start one: {error}")
            }
        }
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> io::Error {
        let kind = match &refused {
            Refused::Closed => io::ErrorKind::Other,
            // Not of the operation: who is told that it would block tries again at once.
            Refused::NoThread(error) if error.kind() == io::ErrorKind::WouldBlock => io::ErrorKind::Other,
            Refused::NoThread(error) => error.kind(),
        };
        io::Error::new(kind, refused)
    }
}

impl Pool {
    /// A pool without threads: they come with the jobs.
    ///
    /// # Panics
    ///
    /// When the cap is zero.
    pub(crate) fn new(config: Config) -> Pool {
        Pool::with_create(config, Box::new(|builder, body| builder.spawn(body)))
    }

    /// A pool whose threads are created by `create`, which may refuse.
    pub(super) fn with_create(config: Config, create: Box<CreateThread>) -> Pool {
        let core = Core::new(config.cap);
        let origin = Origin::here();
        Pool { shared: Arc::new(Shared { core, presence: Arc::default(), config, create, origin }) }
    }

    /// Has the job run as soon as a thread is free for it. Wakes or creates one if need be.
    ///
    /// # Errors
    ///
    /// The pool is shut down, or there is no thread and none can be had. The job has been dropped.
    pub(crate) fn submit(&self, job: Job) -> Result<(), Refused> {
        match self.shared.core.submit(job) {
            Submitted::Queued(ticket, summon) => self.shared.summon(summon, Some(ticket)),
            Submitted::Closed(job) => {
                contain(|| drop(job));
                Err(Refused::Closed)
            }
        }
    }

    /// Takes no more jobs, drops those that have not started (which cancels their tasks) and returns how many they
    /// were; idle threads leave. Waits for nobody. A second call does nothing.
    #[cfg(test)]
    pub(crate) fn shutdown(&self) -> usize {
        self.close().jobs.len()
    }

    /// As `shutdown`; those that have not started are dropped with what is returned.
    pub(crate) fn close(&self) -> Unstarted {
        self.shared.presence.close();
        let closing = self.shared.core.close();
        for seat in closing.seats {
            seat.unpark();
        }
        Unstarted { jobs: closing.jobs }
    }

    /// Waits after [`close`](Pool::close) until all threads have ended, at most for `timeout` (`None` is for
    /// ever), and returns what is left. The calling thread, if it belongs to the pool, does not count.
    pub(crate) fn join(&self, timeout: Option<Duration>) -> Remaining {
        self.shared.presence.wait(timeout)
    }

    /// How many threads and jobs there are.
    pub(crate) fn metrics(&self) -> Counts {
        self.shared.core.counts()
    }

    /// What the jobs that run were given by `Job::with_id`.
    pub(crate) fn running(&self) -> impl Iterator<Item = NonZeroU64> + use<> {
        self.shared.presence.now().running.into_iter().filter_map(|running| running.id)
    }

    /// The pool as leaf futures see it.
    pub(crate) fn offload(&self) -> Arc<dyn Offload> {
        Arc::new(self.clone())
    }
}

impl Offload for Pool {
    fn offload(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), RefusedJob> {
        self.shared.origin.check("the runtime").map_err(|error| RefusedJob { error })?;
        self.submit(Job::new(job)).map_err(|refused| RefusedJob { error: refused.into() })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("core", &self.shared.core).field("config", &self.shared.config).finish()
    }
}

impl Shared {
    /// Carries out what the core asked for. Fails only if the job with this ticket was dropped for want of a thread.
    fn summon(self: &Arc<Self>, summon: Summon, ticket: Option<Ticket>) -> Result<(), Refused> {
        match summon {
            Summon::Nobody => Ok(()),
            Summon::Wake(seat) => {
                seat.unpark();
                Ok(())
            }
            Summon::Create => self.create(ticket),
        }
    }

    fn create(self: &Arc<Self>, ticket: Option<Ticket>) -> Result<(), Refused> {
        // The name is user code and may panic; so may `spawn`, at a name with a zero in it.
        let expected = Expected { shared: self };
        let name = (self.config.name)();
        let (attendee, register) = self.presence.expect(name.clone());
        let mut builder = thread::Builder::new().name(name);
        if let Some(bytes) = self.config.stack_size {
            builder = builder.stack_size(bytes);
        }
        let shared = Arc::clone(self);
        match (self.create)(builder, Box::new(move || shared.thread(attendee))) {
            Ok(handle) => {
                expected.comes();
                register.keep(handle);
                Ok(())
            }
            Err(error) => {
                let orphans = expected.does_not_come();
                let refused = ticket.is_some_and(|ticket| orphans.include(ticket));
                drop_orphans(orphans);
                if refused { Err(Refused::NoThread(error)) } else { Ok(()) }
            }
        }
    }

    /// All of a thread's life.
    fn thread(self: &Arc<Self>, attendee: Attendee) {
        attendee.started();
        let mut expected = Some(Expected { shared: self });
        let mut body = || {
            if let Some(expected) = expected.take() {
                expected.comes();
                self.hook(self.config.on_start.as_deref());
                self.work(&attendee);
                self.hook(self.config.on_stop.as_deref());
            }
        };
        match &self.config.enter {
            Some(enter) => contain(|| enter(&mut body)),
            None => body(),
        }
    }

    fn work(self: &Arc<Self>, attendee: &Attendee) {
        let seat = Seat::new();
        let mut arrival = Arrival::Created;
        loop {
            match self.core.look(&seat, arrival) {
                Next::Run(job, summon) => {
                    // What could not be created is tried again; this thread looks in any case.
                    contain(|| drop(self.summon(summon, None)));
                    attendee.runs(job.id());
                    contain(|| job.run());
                    if !self.origin.is_here() {
                        misuse::end_child(self.origin);
                    }
                    attendee.rests();
                    arrival = Arrival::Finished;
                }
                Next::Idle => {
                    let woken = seat.wait_at_most(self.config.keep_alive);
                    if !woken && self.core.expire(&seat) == Expired::Leave {
                        break;
                    }
                    arrival = Arrival::Woken;
                }
                Next::Leave => break,
            }
        }
    }

    fn hook(&self, hook: Option<&(dyn Fn() + Send + Sync)>) {
        if let Some(hook) = hook {
            contain(hook);
        }
    }
}

/// The thread that the core has counted and that has not looked at the queue: tells the core if it never will.
struct Expected<'a> {
    shared: &'a Shared,
}

impl Expected<'_> {
    fn comes(self) {
        mem::forget(self);
    }

    fn does_not_come(self) -> Orphans<Job> {
        let shared = self.shared;
        mem::forget(self);
        shared.core.not_created()
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        drop_orphans(self.shared.core.not_created());
    }
}

fn drop_orphans(orphans: Orphans<Job>) {
    for job in orphans.into_jobs() {
        contain(|| drop(job));
    }
}

/// Runs user code whose panic must not end a thread of the pool or leave its caller half done. Whoever waits for a
/// closure learns of its panic from the task around it; the panic hook has reported it already.
/// Jobs that a pool had when it was closed. What they hold may wait for whatever the one who closes it is.
#[must_use]
pub(crate) struct Unstarted {
    jobs: VecDeque<Job>,
}

impl Drop for Unstarted {
    fn drop(&mut self) {
        for job in self.jobs.drain(..) {
            contain(|| drop(job));
        }
    }
}

fn contain(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        // A payload may panic when it is dropped; that one's payload is leaked.
        if let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(worse);
        }
    }
}
