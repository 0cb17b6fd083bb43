//! The loop of a worker, and how a thread begins and ends it.
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reactor_hook::{Frame, budget};

use super::context::{Context, Role};
use super::pinned::Call;
use super::slot::{Core, Held, Slot};
use super::{CLOSED, INJECTED, PINNED, Shared};
use crate::local::Owner;
use crate::misuse;
use crate::queue::{Batch, Pushed};
use crate::stall::ThreadState;
use crate::task::{Notified, Ran, Schedule};

/// Tasks run from the LIFO slot in a row before the queue has its turn. Tokio's figure, found to keep the locality of
/// message passing while a pair of tasks cannot starve the rest.
pub(super) const LIFO_STREAK: u32 = 3;

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
    loop {
        if holder.is_called_for() && !context.answer(&frame) {
            break;
        }
        holder.between_polls();
        let task = match holder.next_local() {
            Some(task) => task,
            None if context.has_pinned_ready() => continue,
            None => match context.look_elsewhere() {
                Some(task) => {
                    context.stop_searching();
                    task
                }
                None => {
                    context.park();
                    context.stop_searching_if_found();
                    continue;
                }
            },
        };
        // One place: what is called from two may be compiled as a function, and everything in `holder` passed to it.
        holder.poll(&frame, task);
    }
    context.end_child();
    context.slot().share_woken();
    context.end();
    drop(entered);
}

/// The thread that holds a slot, with what its loop needs in each round in its hands.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    context: &'a Context,
    held: &'a Held,
    pub(super) core: &'a Core,
    slot: &'a Slot,
    shared: &'a Shared,
    /// What there is to be heeded.
    signals: &'a AtomicU32,
}

/// Of a spare: only spares can be more than are needed.
static ALWAYS: AtomicU32 = AtomicU32::new(CLOSED);

impl Context {
    pub(super) fn holder(&self) -> Holder<'_> {
        let shared = self.shared();
        Holder {
            context: self,
            held: self.held(),
            core: self.core(),
            slot: self.slot(),
            shared,
            signals: if self.is_spare() { &ALWAYS } else { &shared.signals },
        }
    }
}

/// Before what is in the slot. No method: the loop's `Holder` stays in registers.
#[inline(never)]
fn next_of_those_that_go_first(core: &Core, slot: &Slot, streak: u32) -> Option<Notified<Shared>> {
    let left = streak - 1;
    // The last of them is polled with one left: until then nobody else comes between.
    if left > LIFO_STREAK
        && let Some(first) = core.local.pop()
    {
        core.lifo_streak.set(left);
        return Some(first);
    }
    slot.set_waits(false);
    core.lifo_streak.set(1);
    slot.take_woken_if(|| true).or_else(|| {
        core.lifo_streak.set(0);
        core.local.pop()
    })
}

impl Holder<'_> {
    /// Whether there is anything to `answer`: one look for all that is rare.
    #[inline]
    fn is_called_for(self) -> bool {
        // Relaxed: a worker that sees a signal late polls one task more.
        self.signals.load(Ordering::Relaxed) != 0
    }

    /// What is due after so many rounds.
    #[inline]
    pub(super) fn between_polls(self) {
        let core = self.core;
        if count_down(&core.until_turn) {
            self.context.turn_while_busy();
            self.context.stop_searching_if_found();
        }
        // After the turn: what the driver has woken goes before what may be the next to block.
        if count_down(&core.until_injector) {
            self.context.take_injected();
            self.context.stop_searching_if_found();
            core.until_injector.set(self.context.until_next_look());
        }
    }

    /// The next task of this worker's own.
    #[inline]
    fn next_local(self) -> Option<Notified<Shared>> {
        let core = self.core;
        let mut streak = 0;
        let may_take = || {
            streak = core.lifo_streak.get();
            streak < LIFO_STREAK
        };
        if let Some(task) = self.slot.take_woken_if(may_take) {
            core.lifo_streak.set(streak + 1);
            return Some(task);
        }
        if streak > LIFO_STREAK {
            return next_of_those_that_go_first(core, self.slot, streak);
        }
        core.lifo_streak.set(0);
        if streak == LIFO_STREAK
            && let Some(task) = self.slot.take_woken_if(|| true)
        {
            if core.local.is_empty() {
                // It would come out again as the next.
                return Some(task);
            }
            // The queue has its turn; the task waits behind it like any other.
            self.requeue(task);
        }
        core.local.pop()
    }

    /// Polls one task.
    #[inline]
    pub(super) fn poll(self, frame: &Frame, task: Notified<Shared>) {
        match self.poll_task(frame, task, self.held) {
            Ran::Idle => {}
            Ran::Again(task) => self.requeue(task),
            Ran::Done => self.slot.counters.completed.add(1),
        }
    }

    /// Polls one task, whosever it is. Who has found it while he searched searches no more.
    #[inline]
    fn poll_task<S: Schedule>(self, frame: &Frame, task: Notified<S>, here: &S::Here) -> Ran<S> {
        debug_assert!(!self.core.searching.get(), "others rely on one who searches");
        let heartbeat = &self.slot.heartbeat;
        heartbeat.begin(task.id_number(), task.address());
        frame.budget().set(budget::PER_POLL);
        self.context.polled.begin(task.address());
        let ran = task.run(&self.context.polled, Some(here));
        self.context.polled.end();
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
    /// Does what the thread is called for. False when it is to leave its loop. No method of the `Holder`: the loop would keep that in
    /// memory.
    #[cold]
    #[inline(never)]
    fn answer(&self, frame: &Frame) -> bool {
        if (self.is_spare() || self.shared().signals() & !PINNED != 0) && !self.heed() {
            return false;
        }
        self.run_pinned(frame);
        true
    }

    /// Polls one pinned task, if one is ready.
    pub(super) fn run_pinned(&self, frame: &Frame) {
        if let Some(pinned) = self.pinned.as_ref().filter(|pinned| pinned.has_ready()) {
            self.poll_pinned(frame, pinned);
        }
    }

    fn poll_pinned(&self, frame: &Frame, pinned: &Owner<Call>) {
        let Some(task) = pinned.next() else {
            return;
        };
        self.stop_searching();
        if self.role() == Role::Worker {
            // What would be next has been told of to nobody; now this poll is before it.
            self.expose();
        }
        let _turn = pinned.begin_turn();
        let ran = self.holder().poll_task(frame, task, pinned.here());
        self.end_child();
        if pinned.put_back(ran) {
            self.counters().completed.add(1);
        }
    }

    /// In a child that comes back out of what a worker has called: the loop would poll what its parent's thread has next, which is polled
    /// there. The thread in `block_on` looks by itself, and panics there.
    pub(super) fn end_child(&self) {
        let shared = self.shared();
        if shared.is_closed() && self.role() == Role::Worker && shared.is_inherited() {
            misuse::end_child(shared.origin);
        }
    }

    pub(super) fn begin(&self) {
        let supervisor_was_asleep = self.shared().idle.join(self.held().index());
        self.shared().arm_supervisor_if(supervisor_was_asleep);
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
        let (core, shared) = (self.core(), self.shared());
        let mut batch = Batch::new();
        while let Some(task) = core.local.pop().or_else(|| self.held().withdraw_woken()) {
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
    pub(super) fn is_surplus(&self) -> bool {
        self.is_spare() && self.shared().cover.has_surplus()
    }

    fn is_spare(&self) -> bool {
        self.held().index() > self.shared().guest_slot()
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
        shared.arm_supervisor_if(supervisor_was_asleep);
        stays
    }

    /// Does what it is called for. False when the thread is to leave its loop.
    #[cold]
    fn heed(&self) -> bool {
        // Closed is looked at first: a spare that lingers would have used up the unpark that tells it.
        if self.shared().is_closed() || self.is_surplus() && !self.linger() {
            return false;
        }
        if self.shared().signals() & INJECTED != 0 {
            self.shared().take_injected_signal();
            self.take_injected();
        }
        self.heed_overdue_driver();
        self.stop_searching_if_found();
        true
    }

    /// The next task of the guest's own, in order.
    #[inline]
    pub(super) fn next_in_order(&self) -> Option<Notified<Shared>> {
        self.core().local.pop()
    }
}
