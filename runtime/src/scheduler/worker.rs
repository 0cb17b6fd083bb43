//! The loop of a worker: own queue, injector, others' queues, driver, park.
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reactor_hook::{Frame, budget};

use super::context::{Context, Role};
use super::pinned::Call;
use super::slot::{Core, Held, Slot};
use super::{DRIVER_OVERDUE, Shared};
use crate::idle::Park;
use crate::local::Owner;
use crate::misuse;
use crate::queue::{Batch, CAPACITY, Pushed};
use crate::stall::ThreadState;
use crate::supervisor::heartbeat::SUPERVISED;
use crate::task::{Cache, Notified, Ran, Schedule};

/// Tasks run from the LIFO slot in a row before the queue has its turn. Tokio's figure, found to keep the locality of
/// message passing while a pair of tasks cannot starve the rest.
const LIFO_STREAK: u32 = 3;

/// The least time between two turns of the driver by a busy worker. A turn costs about 1 µs (one `epoll_wait`), so
/// that this bounds its share at 4 %.
const BUSY_TURN: Duration = Duration::from_micros(25);

/// Polls after each of which the driver is looked at, as long as none of the looks wakes somebody: with a crowded queue only.
/// More than one, because another worker may have taken what the last poll caused.
const FOLLOWED: u32 = 4;

/// Tasks taken from the injector at each look, whatever the own queue holds: no more than it gives out between two looks, of
/// 61 polls one in four, so that it does not grow.
const LEAST_BATCH: usize = 15;

/// Polls between two looks at the injector, at least: so that a task alone pays for a look a sixteenth of it a poll.
const SOONEST_LOOK: usize = 16;

/// What the loop does next.
enum Next {
    Run(Notified<Shared>),
    Look,
}

/// One less to go; true when that was the last.
#[inline]
pub(super) fn count_down(count: &Cell<u32>) -> bool {
    count.set(count.get() - 1);
    count.get() == 0
}

/// The life of a worker thread, or of a spare one.
pub(super) fn run(shared: &Arc<Shared>, index: usize) {
    let held = Held::take(shared, index).expect("each slot is given to one thread");
    let context = Rc::new(Context::holding(held, Role::Worker));
    let frame = context.frame();
    let entered = frame.enter();
    context.begin();
    let holder = context.holder();
    while !holder.is_called_for() || context.heed() {
        holder.between_polls();
        holder.run_pinned(&frame);
        let task = match holder.next_local() {
            Some(task) => task,
            None if context.has_pinned_ready() => continue,
            None => match context.look_elsewhere() {
                Next::Run(task) => task,
                Next::Look => {
                    context.park();
                    continue;
                }
            },
        };
        // One place: what is called from two may be compiled as a function, and everything in `holder` passed to it.
        holder.poll(&frame, task);
    }
    if shared.is_inherited() {
        misuse::end_child(shared.origin);
    }
    context.end();
    drop(entered);
}

/// The thread that holds a slot, with what its loop needs in each round in its hands.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    context: &'a Context,
    pub(super) core: &'a Core,
    slot: &'a Slot,
    shared: &'a Shared,
    pinned: Option<&'a Owner<Call>>,
    /// Only spares can be more than are needed.
    is_spare: bool,
}

impl Context {
    pub(super) fn holder(&self) -> Holder<'_> {
        Holder {
            context: self,
            core: self.core(),
            slot: self.slot(),
            shared: self.shared(),
            pinned: self.pinned.as_ref(),
            is_spare: self.held().index() > self.shared().guest_slot(),
        }
    }
}

impl Holder<'_> {
    /// Whether there is anything to `heed`: one look for all that is rare.
    #[inline]
    fn is_called_for(self) -> bool {
        self.is_spare || self.shared.signals() != 0
    }

    /// What is due after so many rounds.
    #[inline]
    pub(super) fn between_polls(self) {
        let core = self.core;
        if count_down(&core.until_turn) {
            self.context.turn_while_busy();
        }
        // After the turn: what the driver has woken goes before what may be the next to block.
        if count_down(&core.until_injector) {
            self.context.take_injected();
            core.until_injector.set(self.context.until_next_look());
        }
    }

    /// Polls one pinned task, if one is ready.
    #[inline]
    pub(super) fn run_pinned(self, frame: &Frame) {
        if let Some(pinned) = self.pinned.filter(|pinned| pinned.has_ready()) {
            self.poll_pinned(frame, pinned);
        }
    }

    #[inline(never)]
    fn poll_pinned(self, frame: &Frame, pinned: &Owner<Call>) {
        let Some(task) = pinned.next() else {
            return;
        };
        let _turn = pinned.begin_turn();
        let ran = self.poll_task(frame, task, pinned.cache());
        if pinned.put_back(ran) {
            self.slot.counters.completed.add(1);
        }
    }

    /// The next task of this worker's own.
    #[inline]
    fn next_local(self) -> Option<Notified<Shared>> {
        let core = self.core;
        if let Some(task) = self.slot.lifo.take() {
            let streak = core.lifo_streak.get();
            if streak < LIFO_STREAK {
                core.lifo_streak.set(streak + 1);
                return Some(task);
            }
            if core.local.is_empty() {
                // It would come out again as the next.
                core.lifo_streak.set(0);
                return Some(task);
            }
            // The queue has its turn; the task waits behind it like any other.
            self.requeue(task);
        }
        core.lifo_streak.set(0);
        core.local.pop()
    }

    /// Polls one task.
    #[inline]
    pub(super) fn poll(self, frame: &Frame, task: Notified<Shared>) {
        match self.poll_task(frame, task, &self.core.cache) {
            Ran::Idle => {}
            Ran::Again(task) => self.requeue(task),
            Ran::Done => self.slot.counters.completed.add(1),
        }
    }

    /// Polls one task, whosever it is.
    #[inline]
    fn poll_task<S: Schedule>(self, frame: &Frame, task: Notified<S>, cache: &Cache) -> Ran<S> {
        if self.core.searching.get() {
            self.context.stop_searching();
        }
        let heartbeat = &self.slot.heartbeat;
        heartbeat.begin(task.id_number(), task.address());
        frame.budget().set(budget::PER_POLL);
        self.context.polled.set(task.address());
        let ran = task.run(&self.context.yielded, Some(cache));
        self.context.polled.set(std::ptr::null());
        frame.budget().set(budget::UNLIMITED);
        heartbeat.end();
        ran
    }

    /// Queues a task that has just had its turn behind all others. While the own queue is crowded and the injector holds
    /// more, that is behind the injector's: so the queues together go round in order, and the own one makes room.
    #[inline]
    fn requeue(self, task: Notified<Shared>) {
        if let Err(task) = self.core.local.push_unless_crowded(task) {
            self.requeue_crowded(task);
        }
    }

    #[cold]
    fn requeue_crowded(self, task: Notified<Shared>) {
        if self.shared.injector.is_empty() {
            self.context.push_back(task);
        } else {
            self.shared.inject(task);
        }
    }
}

impl Context {
    pub(super) fn begin(&self) {
        let supervisor_was_asleep = self.shared().idle.join(self.held().index());
        self.shared().unpark_supervisor_if(supervisor_was_asleep);
        self.counters().started.set(self.shared().age_nanos() + 1);
        if self.shared().config.stall_reports.thread_state {
            self.slot().set_tid(ThreadState::tid_here());
        }
        // The driver first: a spare is there because somebody blocks, and what it steals may block as well.
        self.core().until_turn.set(1);
        if let (Role::Worker, Some(call)) = (self.role(), &self.shared().config.on_thread_start) {
            call();
        }
    }

    /// Leaves nothing behind in the slot.
    pub(super) fn end(&self) {
        self.end_pinned();
        if let (Role::Worker, Some(call)) = (self.role(), &self.shared().config.on_thread_stop) {
            call();
        }
        self.stop_searching();
        self.drain();
        self.shared().idle.retire(self.held().index());
        let counters = self.counters();
        let alive = (self.shared().age_nanos() + 1).saturating_sub(counters.started.get());
        counters.former_busy.add(alive.saturating_sub(counters.parked_nanos.get()));
        counters.former_alive.add(alive);
        counters.parked_nanos.set(0);
        counters.started.set(0);
        self.deactivate();
    }

    /// Hands everything queued here to the injector, and the free cells to the arena.
    pub(super) fn drain(&self) {
        let (core, slot, shared) = (self.core(), self.slot(), self.shared());
        let mut batch = Batch::new();
        while let Some(task) = core.local.pop().or_else(|| slot.lifo.take()) {
            batch.push(task);
        }
        match shared.injector.push_batch(batch) {
            Pushed::First => shared.notify_injected(),
            Pushed::Behind => {}
            Pushed::Closed(_) => unreachable!("the injector stays open until it is dropped"),
        }
        shared.arena.flush(&core.cache);
    }

    /// Whether this is a spare that nobody needs any more.
    fn is_surplus(&self) -> bool {
        self.held().index() > self.shared().guest_slot() && self.shared().cover.has_surplus()
    }

    /// False when the spare is to end.
    #[cold]
    fn linger(&self) -> bool {
        self.stop_searching();
        self.drain();
        let (shared, index) = (self.shared(), self.held().index());
        // Not awake meanwhile, and nobody to be called.
        shared.idle.retire(index);
        // It may have come out of the driver just now, after everybody else had parked.
        if !shared.driver.is_held() {
            shared.call_parked();
        }
        let stays = shared.linger(index);
        // The driver first: the next task may be one that blocks.
        self.core().until_turn.set(1);
        let supervisor_was_asleep = shared.idle.join(index);
        shared.unpark_supervisor_if(supervisor_was_asleep);
        stays
    }

    /// Does what it is called for. False when the thread is to leave its loop.
    #[cold]
    fn heed(&self) -> bool {
        // Closed is looked at first: a spare that lingers would have used up the unpark that tells it.
        if self.shared().is_closed() || self.is_surplus() && !self.linger() {
            return false;
        }
        self.heed_overdue_driver();
        true
    }

    /// Turns the driver if the supervisor says that it has been unowned for too long.
    #[inline]
    pub(super) fn heed_overdue_driver(&self) {
        if SUPERVISED && self.shared().signals() & DRIVER_OVERDUE != 0 {
            self.turn_while_busy();
        }
    }

    /// What is for everybody: a batch from the injector goes behind the own queue, and half of what the guest holds.
    fn take_injected(&self) {
        let shared = self.shared();
        // A guest runs what was queued here, and may leave at any moment.
        if self.role() == Role::Guest {
            return;
        }
        self.relieve_guest();
        if shared.injector.is_empty() {
            return;
        }
        let core = self.core();
        // Never more than half a queue, so that a batch leaves room for what its tasks wake. But some in any case: a
        // queue that its own tasks keep full must not keep the injector waiting.
        // One that goes deep takes no more than that: its own tasks find their data in the cache, and what it takes does not.
        let most = if core.follow.get() > 0 {
            LEAST_BATCH
        } else {
            core.local.room().clamp(LEAST_BATCH, CAPACITY / 2)
        };
        let most = most.min(core.local.space());
        let batch = shared.injector.pop_batch(most, shared.config.workers);
        self.counters().injected.add(batch.len() as u64);
        // A searcher that looked while they were in neither queue has gone to sleep: it is told when there is something
        // here besides what this worker runs next.
        let tell = batch.left_some() || batch.len() > 1 || !self.has_nothing_queued();
        core.local.extend(batch);
        if tell {
            shared.notify();
        }
    }

    /// Who comes from outside waits for no more than a round of the own queue, where that is shorter than the interval.
    #[inline]
    fn until_next_look(&self) -> u32 {
        let round = self.core().local.len().max(SOONEST_LOOK);
        u32::try_from(round).map_or(u32::MAX, |round| round.min(self.shared().config.global_queue_interval))
    }

    /// Nobody stands in for a guest whose root blocks, and workers that are busy do not steal.
    fn relieve_guest(&self) {
        let (core, shared) = (self.core(), self.shared());
        let guest = &shared.slots[shared.guest_slot()].stealer;
        if self.role() == Role::Sole || core.local.is_crowded() || guest.is_empty() {
            return;
        }
        let stolen = core.local.take_half_of(guest);
        if stolen > 0 {
            self.counters().steals.add(1);
            self.counters().stolen.add(stolen as u64);
            // As with a batch from the injector.
            shared.notify();
        }
    }

    #[cold]
    fn turn_while_busy(&self) {
        let (core, shared) = (self.core(), self.shared());
        let follows = core.follow.get();
        // Unless this turn wakes somebody, or is somebody else's.
        core.follow.set(follows.saturating_sub(1));
        core.until_turn.set(if follows > 0 { 1 } else { shared.config.event_interval });
        let overdue = shared.signals() & DRIVER_OVERDUE != 0;
        if shared.driver.is_held() {
            if overdue {
                shared.take_driver_overdue();
            }
            return;
        }
        let now = reactor_hook::now();
        if !overdue && follows == 0 && now.saturating_duration_since(core.last_turn.get()) < BUSY_TURN {
            return;
        }
        if let Some(token) = shared.driver.try_take() {
            if overdue {
                shared.take_driver_overdue();
            }
            self.turn(|| token.turn(now));
            drop(token);
            self.tell_of_turned_up(false);
            if core.turned_up.get() > 0 && self.goes_deep() {
                core.follow.set(FOLLOWED);
                core.until_turn.set(1);
            }
        }
        core.last_turn.set(now);
    }

    /// Whether so much is queued that, first come first served, no task would find its data in the cache again. What the
    /// driver wakes runs next then, as if another task had woken it, and the driver is looked at after each poll as long as
    /// that wakes somebody: who answers at once is heard at once, while everything about him is at hand.
    #[inline]
    pub(super) fn goes_deep(&self) -> bool {
        self.role() == Role::Worker && self.core().local.is_crowded()
    }

    /// Runs a turn of the driver: tasks that it wakes are queued here and nobody is told yet.
    pub(super) fn turn(&self, turn: impl FnOnce()) {
        let core = self.core();
        core.turned_up.set(0);
        core.turning.set(true);
        // Somebody's waker may panic. The panic hook has reported it; the worker goes on for all the others.
        drop(catch_unwind(AssertUnwindSafe(turn)));
        core.turning.set(false);
        self.counters().turns.add(1);
    }

    /// One notice for all that a turn has queued, if it is more than this worker runs next.
    pub(super) fn tell_of_turned_up(&self, idle: bool) {
        if self.core().turned_up.get() > u32::from(idle) {
            self.shared().notify();
        }
    }

    /// The next task of the guest's own, in order.
    #[inline]
    pub(super) fn next_in_order(&self) -> Option<Notified<Shared>> {
        self.core().local.pop()
    }

    /// Injector and others' queues, counted as a searcher meanwhile.
    fn look_elsewhere(&self) -> Next {
        let (core, shared) = (self.core(), self.shared());
        if !core.searching.get() {
            // With nothing to be seen anywhere it parks, and looks once more after it has said so.
            if !shared.has_work() {
                return Next::Look;
            }
            if !shared.idle.start_searching(self.held().index()) {
                return Next::Look;
            }
            core.searching.set(true);
        }
        match self.pop_injected().or_else(|| self.steal()) {
            Some(task) => Next::Run(task),
            None => Next::Look,
        }
    }

    /// One task from the injector to run, and a batch behind it.
    pub(super) fn pop_injected(&self) -> Option<Notified<Shared>> {
        self.take_injected();
        self.core().local.pop()
    }

    fn steal(&self) -> Option<Notified<Shared>> {
        let (core, shared) = (self.core(), self.shared());
        let slots = shared.slots_in_use();
        let start = core.rng.below(slots.len());
        for victim in (start..slots.len()).chain(0..start) {
            if victim == self.held().index() {
                continue;
            }
            if let Some(stolen) = core.local.steal_from(&slots[victim].stealer) {
                self.counters().steals.add(1);
                self.counters().stolen.add(1 + stolen.more as u64);
                return Some(stolen.item);
            }
        }
        None
    }

    /// No longer a searcher. The last one to find something tells another: there may be more.
    fn stop_searching(&self) {
        if self.core().searching.replace(false) {
            let shared = self.shared();
            self.core().spin.got();
            if let Some(woken) = shared.idle.stop_searching(self.held().index(), || shared.has_work()) {
                shared.wake(woken);
            }
        }
    }

    /// Waits until there may be something to do: in the driver if nobody is there, else parked.
    fn park(&self) {
        if !self.before_park() && !self.spin() {
            self.park_if_idle();
        }
        self.after_park();
    }

    /// Goes on looking for a moment, as the one searcher there is, where the last waits were short. True when there is
    /// something to be found.
    fn spin(&self) -> bool {
        let (core, shared) = (self.core(), self.shared());
        let Some(limit) = core.spin.limit() else {
            return false;
        };
        if core.searching.get() {
            if shared.idle.searching() > 1 {
                return false;
            }
        } else if shared.idle.searching() > 0 || !shared.idle.start_searching(self.held().index()) {
            return false;
        }
        core.searching.set(true);
        let began = Instant::now();
        let (took, found) = loop {
            let found = shared.has_work() || self.has_pinned_ready();
            let took = began.elapsed();
            if found || took >= limit {
                break (took, found);
            }
            std::hint::spin_loop();
        };
        core.spin.spun(took, found);
        found
    }

    /// The builder's callback, which may spawn. True when there is something queued to run.
    pub(super) fn before_park(&self) -> bool {
        if let Some(call) = &self.shared().config.on_thread_park {
            call();
        }
        !self.has_nothing_queued() || self.has_pinned_ready()
    }

    pub(super) fn after_park(&self) {
        if let Some(call) = &self.shared().config.on_thread_unpark {
            call();
        }
    }

    fn has_nothing_queued(&self) -> bool {
        self.core().local.is_empty() && self.slot().lifo.is_empty()
    }

    /// Others are told of what is queued here, before this thread may block.
    pub(super) fn announce_queue(&self) {
        if !self.has_nothing_queued() {
            self.shared().notify();
        }
    }

    fn park_if_idle(&self) {
        let (core, shared, index) = (self.core(), self.shared(), self.held().index());
        match shared.idle.park(index, core.searching.replace(false), || {
            shared.has_work() || self.is_surplus() || self.has_pinned_ready()
        }) {
            Park::Sleep => {}
            // A searcher again: the loop looks everywhere before it comes back.
            Park::WorkFound { supervisor_was_asleep } => {
                core.searching.set(true);
                shared.unpark_supervisor_if(supervisor_was_asleep);
                return;
            }
            Park::Claimed => {
                core.searching.set(true);
                return;
            }
        }
        // Only now: whoever gives the token up from here on finds this worker in the idle set, if he calls for one.
        let waited = self.wait(shared.driver.try_take());
        let leave = shared.idle.leave(index);
        core.searching.set(leave.searching);
        core.spin.waited(waited, leave.searching);
        shared.unpark_supervisor_if(leave.supervisor_was_asleep);
        self.tell_of_turned_up(true);
    }

    /// Blocks the thread, as a worker or as the guest.
    pub(super) fn wait(&self, token: Option<crate::driver::Token<'_>>) -> Duration {
        let (slot, counters) = (self.slot(), self.counters());
        self.tidy_cache();
        self.count_wait(|| match token {
            Some(token) => {
                let most = self.shared().tidy_before_wait();
                if slot.parker.begin_driver() {
                    self.turn(|| token.turn_blocking(most));
                    // A token has done its work by ending the turn.
                    counters.unparks.add(u64::from(slot.parker.end_driver()));
                } else {
                    self.turn(|| token.turn(reactor_hook::now()));
                }
                drop(token);
            }
            None => {
                self.leave_tidying();
                slot.parker.park();
                counters.unparks.add(1);
            }
        })
    }

    /// How long it was.
    pub(super) fn count_wait(&self, wait: impl FnOnce()) -> Duration {
        let (core, shared, counters) = (self.core(), self.shared(), self.counters());
        let began = Instant::now();
        counters.parked_since.set(shared.nanos_at(began));
        counters.parks.add(1);
        core.turned_up.set(0);
        wait();
        counters.parked_since.set(0);
        let now = Instant::now();
        let waited = now.saturating_duration_since(began);
        counters.parked_nanos.add(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
        core.last_turn.set(now);
        waited
    }
}
