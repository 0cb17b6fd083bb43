//! A slot: what a worker is to the others, and the core that only the thread that holds the slot touches.
#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_utils::CachePadded;

use super::Shared;
use super::doze::Doze;
use super::follow::Follow;
use super::help::Help;
use super::push::Route;
use super::rng::Rng;
use crate::config::Config;
use crate::hold::Hold;
use crate::idle::Parker;
use crate::metrics::Counters;
use crate::queue::{LifoSlot, Local, Stealer};
use crate::supervisor::heartbeat::Heartbeat;
use crate::task::{Cache, Header, IdBlock, Notified, Place};

/// The private state of a slot. It never moves, and belongs to the one thread that holds the slot.
pub(crate) struct Core {
    pub(crate) local: Local<Notified<Shared>>,
    pub(crate) cache: Cache,
    pub(crate) rng: Rng,
    /// Polls until the next look at the injector.
    pub(crate) until_injector: Cell<u32>,
    /// Places of the queue before which nothing is left that came by the injector.
    pub(crate) injected_before: Cell<usize>,
    /// Polls until the next look at the driver.
    pub(crate) until_turn: Cell<u32>,
    /// Polls between two looks at the driver.
    pub(crate) turn_interval: Cell<u32>,
    /// Polls until the next look at a local driver, if there is one.
    pub(crate) until_local: Cell<u32>,
    /// Tasks run from the LIFO slot in a row; if more than that may be, what is above it are tasks of the queue that go first.
    pub(crate) lifo_streak: Cell<u32>,
    /// The task woken last because one that it awaited had completed. For comparison: it may have gone.
    pub(crate) joiner: Cell<*const Header>,
    /// Where goes what becomes ready here.
    pub(crate) route: Cell<Route>,
    /// Tasks queued by the present turn.
    pub(crate) turned_up: Cell<u32>,
    /// Whether each poll is followed by a look at the driver.
    pub(super) follow: Follow,
    /// When this worker last turned the driver while busy.
    pub(crate) last_turn: Cell<Instant>,
    /// When it last looked into its own selector, with something else to do.
    pub(super) last_look: Cell<Instant>,
    /// Whether it has looked there since the last turn, with nothing else to do.
    pub(super) looked: Cell<bool>,
    /// Whether to wait for a call.
    pub(super) doze: Doze,
    /// Whether it is of help to take from others.
    pub(super) help: Help,
    /// Counted as searching in the idle set.
    pub(crate) searching: Cell<bool>,
}

/// What others see of a worker.
pub(crate) struct Slot {
    pub(crate) stealer: Stealer<Notified<Shared>>,
    pub(crate) lifo: CachePadded<LifoSlot<Notified<Shared>>>,
    /// Odd while what is in the LIFO slot lets tasks of the queue go first: a number for each time, so that who has robbed the slot does not end a
    /// later one. Written by the holder, and by who robs.
    waits: AtomicU32,
    pub(crate) parker: CachePadded<Parker>,
    /// Written by the holder.
    pub(crate) heartbeat: CachePadded<Heartbeat>,
    pub(crate) counters: CachePadded<Counters>,
    /// The holder's number in the system; zero if nobody wants to know.
    tid: AtomicU32,
    /// The beat of the last poll in which a panic was reported.
    panicked: AtomicU64,
    held: Hold,
    core: UnsafeCell<Core>,
}

// SAFETY: all fields but `core` are `Sync`; `core` is reached only through `Held`, of which there is one at a time.
unsafe impl Sync for Slot {}
// SAFETY: as above; `Core` holds nothing that is bound to the thread that made it.
unsafe impl Send for Slot {}

/// Polls ended, and tasks spawned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) polls: u64,
    pub(super) spawns: u64,
}

impl Steps {
    pub(super) fn since(self, then: Steps) -> Steps {
        Steps { polls: self.polls.wrapping_sub(then.polls), spawns: self.spawns.wrapping_sub(then.spawns) }
    }

    pub(super) fn and(self, others: Steps) -> Steps {
        Steps { polls: self.polls + others.polls, spawns: self.spawns + others.spawns }
    }

    pub(super) fn all(self) -> u64 {
        self.polls + self.spawns
    }
}

impl Slot {
    pub(crate) fn new(cache: Cache, rng: Rng, config: &Config) -> Slot {
        let (local, stealer) = Local::new();
        Slot {
            stealer,
            lifo: CachePadded::new(LifoSlot::new()),
            waits: AtomicU32::new(0),
            parker: CachePadded::new(Parker::new()),
            heartbeat: CachePadded::new(Heartbeat::new()),
            counters: CachePadded::new(Counters::default()),
            tid: AtomicU32::new(0),
            panicked: AtomicU64::new(0),
            held: Hold::new(),
            core: UnsafeCell::new(Core {
                local,
                cache,
                rng,
                until_injector: Cell::new(1),
                injected_before: Cell::new(0),
                until_turn: Cell::new(1),
                turn_interval: Cell::new(config.event_interval),
                until_local: Cell::new(1),
                lifo_streak: Cell::new(0),
                joiner: Cell::new(std::ptr::null()),
                route: Cell::new(Route::Queue),
                turned_up: Cell::new(0),
                follow: Follow::new(),
                last_turn: Cell::new(Instant::now()),
                last_look: Cell::new(Instant::now()),
                looked: Cell::new(false),
                doze: Doze::new(Instant::now()),
                help: Help::new(config.workers),
                searching: Cell::new(false),
            }),
        }
    }

    /// The task woken last, if there is one, and `may` says yes. By the loop of the thread that holds the slot, between two polls.
    #[inline]
    pub(super) fn take_woken_if(&self, may: impl FnOnce() -> bool) -> Option<Notified<Shared>> {
        // SAFETY: the caller holds the slot, shares the LIFO slot when it leaves that loop and only then gives the slot up, and is
        // inside of no poll.
        unsafe { self.lifo.take_if(may) }
    }

    /// Others come for what is woken in the slot, whatever its thread waits for. By the thread that holds the slot, when it has left
    /// its loop.
    pub(super) fn share_woken(&self) {
        // SAFETY: the caller holds the slot.
        unsafe { self.lifo.share() };
    }

    /// The task woken last, if there is one and the slot's thread, which may be another, does not come to it now.
    pub(super) fn rescue(&self) -> Option<Notified<Shared>> {
        // Relaxed, both: as in `set_waits`.
        let waits = self.waits.load(Ordering::Relaxed);
        // SAFETY: the heartbeat publishes what came before a poll when that begins, and its end is stored before the loop takes again.
        let rescued = unsafe { self.lifo.rescue(|| self.heartbeat.is_inside()) };
        if rescued.is_some() && waits & 1 != 0 {
            // What comes into the slot after it lets nobody go first.
            let _ = self.waits.compare_exchange(
                waits,
                waits.wrapping_add(1),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        rescued
    }

    /// Whether what is in the LIFO slot lets tasks of the queue go first, so that others may come for it. By the slot's thread.
    pub(super) fn set_waits(&self, waits: bool) {
        // Relaxed: as with the queue, who sets it tells of it after a fence; who sees it late takes what comes next there.
        let next = self.waits.load(Ordering::Relaxed).wrapping_add(1);
        // Another number also where a robber has not said yet that it is over.
        self.waits.store(if waits { next | 1 } else { next & !1 }, Ordering::Relaxed);
    }

    /// Whether there is something in the LIFO slot that others may come for.
    pub(super) fn has_waiting(&self) -> bool {
        // Relaxed: as above.
        self.waits.load(Ordering::Relaxed) & 1 != 0 && !self.lifo.is_empty()
    }

    /// Whether there is something here for a thief.
    pub(super) fn holds_work(&self) -> bool {
        !self.stealer.is_empty() || self.has_waiting()
    }

    /// The identifiers that the slot's thread has not handed out.
    pub(crate) fn ids(&self) -> &IdBlock {
        // SAFETY: nobody has the core mutably, and the reference covers what any thread may read of it.
        unsafe { &(*self.core.get()).cache.ids }
    }

    pub(crate) fn set_tid(&self, tid: u32) {
        // Relaxed: for reports.
        self.tid.store(tid, Ordering::Relaxed);
    }

    pub(crate) fn tid(&self) -> u32 {
        // Relaxed: for reports.
        self.tid.load(Ordering::Relaxed)
    }

    /// A panic is being reported in the poll with this beat. By the slot's thread.
    #[cold]
    pub(super) fn set_panicked(&self, beat: u64) {
        // Relaxed: for reports, which come a threshold later.
        self.panicked.store(beat, Ordering::Relaxed);
    }

    /// Whether a panic was reported in the poll with this beat, caught or not.
    pub(super) fn has_panicked(&self, beat: u64) -> bool {
        // Relaxed: for reports.
        self.panicked.load(Ordering::Relaxed) == beat
    }

    /// What was done here so far.
    pub(super) fn steps(&self) -> Steps {
        Steps { polls: self.heartbeat.polls(), spawns: self.counters.spawned.get() }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.is_held()
    }
}

/// The right to a slot's core, for as long as it lives.
pub(crate) struct Held {
    /// What is polled in the slot is what this thread is inside of. Before `shared`, which keeps the slot.
    _inside: Place,
    shared: Arc<Shared>,
    index: usize,
    /// Into `shared.slots`, which never moves. Not `Send`: the thread that took the slot is the one that its parker
    /// unparks.
    slot: NonNull<Slot>,
}

impl Held {
    /// Takes slot `index` for the calling thread, unless another has it.
    pub(crate) fn take(shared: &Arc<Shared>, index: usize) -> Option<Held> {
        let slot = &shared.slots[index];
        // The former holder's use of the core happens before.
        slot.held.try_take().then_some(())?;
        slot.parker.adopt();
        // SAFETY: the slot is there as long as `shared` is, which is dropped after it.
        let inside = unsafe { Place::new(slot.heartbeat.number()) };
        Some(Held { _inside: inside, shared: Arc::clone(shared), index, slot: NonNull::from(slot) })
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    #[inline]
    pub(crate) fn slot(&self) -> &Slot {
        // SAFETY: it points into `shared.slots`, which `shared` keeps and nobody moves.
        unsafe { self.slot.as_ref() }
    }

    /// Puts a task into the LIFO slot, and gives out the one that was there.
    #[inline]
    pub(super) fn put_woken(&self, task: Notified<Shared>) -> Option<Notified<Shared>> {
        // SAFETY: `self` is neither `Send` nor `Clone`, so this is the thread that holds the slot; the next to hold it comes after `release`.
        unsafe { self.slot().lifo.put(task) }
    }

    /// Takes what is in the LIFO slot, in the loop or not.
    pub(super) fn withdraw_woken(&self) -> Option<Notified<Shared>> {
        // SAFETY: as above.
        unsafe { self.slot().lifo.withdraw() }
    }

    #[inline]
    pub(crate) fn core(&self) -> &Core {
        // SAFETY: `held` makes this the only `Held` of the slot, it is neither `Send` nor `Clone`, and hands out
        // shared references only.
        unsafe { &*self.slot().core.get() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.slot().held.release();
    }
}
