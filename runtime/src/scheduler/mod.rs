//! The scheduler: who polls which task when. The README in this folder walks through it.
mod aside;
mod clearing;
mod context;
mod doze;
mod dump;
mod follow;
mod forked;
mod guest;
mod help;
mod link;
mod nap;
mod panics;
mod park;
mod pinned;
mod push;
mod rng;
mod roll;
mod schedule;
mod search;
mod shutdown;
mod slot;
mod spare;
mod start;
mod supervised;
mod tidy;
mod turn;
mod worker;

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use crossbeam_utils::CachePadded;
use reactor_hook::Unpark;
use reactor_hook::process::Origin;

pub(crate) use context::{Context, Role, with_context};
pub(crate) use guest::{block_on, refuse_nesting};
pub(crate) use schedule::{spawn_here, yield_here};
pub(crate) use shutdown::{Termination, deadline_after};
pub(crate) use spare::block_in_place;
pub(crate) use start::start;

use crate::aside::Aside;
use crate::config::Config;
use crate::driver::Driver;
use crate::identity::Id;
use crate::idle::Idle;
use crate::metrics::{Metrics, WorkerMetrics};
use crate::queue::Injector;
use crate::spawn_blocking::BlockingTasks;
use crate::supervisor::Supervisor;
use crate::supervisor::cover::Cover;
use crate::supervisor::members::Members;
use crate::task::{Arena, Notified};
use crate::tokio_compat::Lease;
use slot::Slot;

/// The runtime is shutting down: workers leave their loops.
const CLOSED: u32 = 1;
/// The driver has been unowned for too long and nobody is parked: the next worker between two polls turns it.
const DRIVER_OVERDUE: u32 = 1 << 1;
/// The injector was empty, somebody outside has put something in, and nobody is parked or searches: the next worker between two polls takes it.
const INJECTED: u32 = 1 << 3;
/// A task has been pinned: from then on workers look at their queues of such tasks.
const PINNED: u32 = 1 << 2;

/// What all threads of a runtime share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    /// Workers, then the guest, then spares. Fixed when the runtime is built.
    slots: Box<[Slot]>,
    injector: Injector<Notified<Shared>>,
    pub(crate) idle: Idle,
    pub(crate) arena: Arena<Shared>,
    pub(crate) driver: Driver,
    pub(crate) blocking: Arc<BlockingTasks>,
    /// As many threads as cores, for closures that compute; none until the first.
    pub(crate) compute: Arc<BlockingTasks>,
    pub(crate) supervisor: Supervisor,
    /// `CLOSED`, `DRIVER_OVERDUE`, `PINNED`, `INJECTED`: the one word that a worker looks at before each poll.
    signals: CachePadded<AtomicU32>,
    cover: Cover,
    /// The last spare could not be started, which has been reported.
    spare_refused: AtomicBool,
    pinned: pinned::Pinned,
    /// Threads that take part and the `Runtime` itself; who brings it to zero tears down.
    members: Members,
    /// Which threads these are.
    roll: Arc<roll::Roll>,
    pub(crate) termination: Termination,
    /// Tokio's world, which each thread enters with its context; nothing unless the builder was asked for it.
    pub(crate) tokio: Lease,
    /// Tasks spawned by threads that hold no slot.
    spawned_outside: AtomicU64,
    /// Threads in `block_on` that may want to become the guest of a runtime without workers.
    guest_queue: guest::Queue,
    /// Turns the driver in the place of a thread that blocks in a local driver.
    aside: Aside<Arc<dyn Unpark>>,
    started: Instant,
    /// A child that is forked from this process has none of the threads.
    pub(crate) origin: Origin,
    pub(crate) id: Id,
    /// The `Runtime`'s membership was given up, by its end or by a shutdown from within.
    owner_left: AtomicBool,
    /// A member is there that is no worker, and cancels what is left.
    clearing: AtomicBool,
    /// Tasks that were cancelled by who ends the runtime, and not by a worker.
    cancelled: AtomicU64,
    /// For what has only a reference, inside a task's header.
    this: Weak<Shared>,
}

impl Shared {
    /// The slot of the thread inside `block_on`.
    pub(crate) fn guest_slot(&self) -> usize {
        self.config.workers
    }

    pub(crate) fn is_closed(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `close`.
        self.signals.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Whether this process is a child, with a copy of the runtime and none of its threads.
    pub(crate) fn is_inherited(&self) -> bool {
        !self.origin.is_here()
    }

    fn signals(&self) -> u32 {
        // Relaxed: a worker that sees a signal late polls one task more.
        self.signals.load(Ordering::Relaxed)
    }

    fn take_driver_overdue(&self) {
        // Relaxed: a hint.
        self.signals.fetch_and(!DRIVER_OVERDUE, Ordering::Relaxed);
    }

    /// To be called by who finds `INJECTED`, before he looks.
    fn take_injected_signal(&self) {
        // Relaxed: a hint. A task that comes between this and the look is found by a look, or at the next interval.
        self.signals.fetch_and(!INJECTED, Ordering::Relaxed);
    }

    /// Tells one parked worker that there is work, unless somebody is searching already. The work was made visible
    /// before.
    #[inline]
    pub(crate) fn notify(&self) {
        if let Some(woken) = self.idle.notify() {
            self.wake(woken);
        }
    }

    /// As `notify`, of what is in the injector, or was just now. Whether somebody was woken.
    fn notify_of_injected(&self) -> bool {
        match self.idle.notify() {
            Some(woken) => {
                self.wake(woken);
                true
            }
            None => false,
        }
    }

    /// Unparks the worker that was just taken out of the idle set.
    #[cold]
    fn wake(&self, woken: crate::idle::Woken) {
        self.arm_supervisor_if(woken.supervisor_was_asleep);
        self.unpark_slot(woken.slot);
    }

    fn unpark_slot(&self, slot: usize) {
        self.slots[slot].parker.unpark(|| self.unblock_slot(slot));
    }

    fn unblock_slot(&self, slot: usize) {
        // Only a thread that sits in for workers blocks in a local driver, and only while one is in its place.
        if slot == self.guest_slot()
            && let Some(local) = self.aside.unblocker()
        {
            // A function of the users', called where a task is queued.
            reactor_hook::with_frame(|_kept| local.unpark());
        } else {
            self.driver.unblock();
        }
    }

    #[inline]
    fn arm_supervisor_if(&self, was_asleep: bool) {
        if was_asleep {
            self.supervisor.arm();
        }
    }

    /// Calls a parked worker, whoever searches: it will find work, or the driver free when it parks again.
    pub(crate) fn call_parked(&self) -> bool {
        match self.idle.claim_any() {
            Some(woken) => {
                self.wake(woken);
                true
            }
            None => false,
        }
    }

    /// Whether a worker about to park would miss something.
    fn has_work(&self) -> bool {
        self.is_closed() || !self.injector.is_empty() || self.slots_in_use().iter().any(Slot::holds_work)
    }

    /// The slots whose queues may hold something: a spare drains its own before it stops being active.
    fn slots_in_use(&self) -> &[Slot] {
        if self.cover.active() == 0 { &self.slots[..=self.guest_slot()] } else { &self.slots }
    }

    /// Nanoseconds since the runtime was built.
    fn age_nanos(&self) -> u64 {
        self.nanos_at(Instant::now())
    }

    fn nanos_at(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.started).as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn metrics(&self) -> Metrics {
        let now = self.age_nanos();
        let worker = |slot: &Slot| {
            let counters = &slot.counters;
            let nanos = std::time::Duration::from_nanos;
            let alive = match counters.started.get() {
                0 => 0,
                started => now.saturating_sub(started - 1),
            };
            let parked = counters.parked_nanos.get()
                + match counters.parked_since.get() {
                    0 => 0,
                    since => now.saturating_sub(since),
                };
            WorkerMetrics {
                polls: slot.heartbeat.polls(),
                stolen: counters.stolen.get(),
                steals: counters.steals.get(),
                injected: counters.injected.get(),
                parks: counters.parks.get(),
                unparks: counters.unparks.get(),
                turns: counters.turns.get(),
                queued: slot.stealer.len() + usize::from(!slot.lifo.is_empty()),
                busy: nanos(counters.former_busy.get() + alive.saturating_sub(parked)),
                alive: nanos(alive + counters.former_alive.get()),
            }
        };
        let cancelled = self.cancelled();
        let (spawned, not_run_out) = self.tasks();
        let blocking = self.blocking.metrics();
        let compute = self.compute.metrics();
        Metrics {
            workers: self.slots[..self.config.workers].iter().map(worker).collect(),
            guest: worker(&self.slots[self.guest_slot()]),
            spares: self.cover.active(),
            spawned,
            live_tasks: not_run_out.saturating_sub(cancelled),
            // Its lock may be held by a thread that a forked child does not have.
            injector_depth: if self.is_inherited() { 0 } else { self.injector.len() },
            timers: self.driver.timers().len(),
            sources: self.driver.reactor().sources(),
            blocking_threads: blocking.threads,
            idle_blocking_threads: blocking.idle,
            blocking_queue_depth: blocking.queued,
            compute_threads: compute.threads,
            compute_queue_depth: compute.queued,
            stalls: self.supervisor.stalls(),
            stalled_workers: self.supervisor.stalled(),
            driver_rescues: self.supervisor.rescues(),
        }
    }

    /// How many tasks were spawned, and how many of these no worker has polled or cancelled to their end.
    pub(crate) fn tasks(&self) -> (u64, u64) {
        let sum = |figure: fn(&Slot) -> u64| self.slots.iter().map(figure).fold(0, u64::wrapping_add);
        // Completed is read first, so that a task cannot seem to complete before it was spawned.
        // Relaxed: figures.
        let completed = sum(|slot| slot.counters.completed.get());
        let spawned = sum(|slot| slot.counters.spawned.get())
            .wrapping_add(self.spawned_outside.load(Ordering::Relaxed));
        (spawned, spawned.saturating_sub(completed))
    }

    /// How many tasks were cancelled by now by who ends the runtime.
    fn cancelled(&self) -> u64 {
        // Relaxed: a figure.
        self.cancelled.load(Ordering::Relaxed)
    }

    fn count_cancelled(&self, tasks: usize) {
        // Relaxed: a figure.
        self.cancelled.fetch_add(tasks as u64, Ordering::Relaxed);
    }

    /// Workers that have not left yet. The supervisor is a member, too, and leaves after them; so is who clears up meanwhile.
    pub(crate) fn workers_left(&self) -> usize {
        // Relaxed: a figure.
        let others =
            usize::from(self.config.workers > 0) + usize::from(self.clearing.load(Ordering::Relaxed));
        self.members.count().saturating_sub(others)
    }
}

/// Runs `body` inside the context of the runtime, if it is still there: for the threads of the blocking pool.
fn with_entered(shared: &Weak<Shared>, body: &mut dyn FnMut()) {
    let Some(shared) = shared.upgrade() else {
        return body();
    };
    let frame = Rc::new(Context::outside(shared, Role::Blocking)).frame();
    let _entered = frame.enter();
    body();
}
