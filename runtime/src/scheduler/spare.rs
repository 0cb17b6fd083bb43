//! Spare workers: threads with slots of their own, which stand in for a worker that blocks in place or is stuck.
//!
//! Slots never change hands with their contents: the blocked worker keeps its core, a spare starts with a fresh one and
//! steals. Who stands in for whom is in the books (`supervisor/cover.rs`).
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::context::{Context, Role, with_context};
use super::{Shared, worker};
use crate::report::say;
use crate::supervisor::cover::{By, StandIn};

/// How long a surplus spare waits to be needed again. Together with the sample that uncovers it stays below a second.
const LINGER: Duration = Duration::from_millis(500);

/// Runs `f`, which may block, on this worker thread; another thread stands in for it meanwhile.
#[track_caller]
pub(crate) fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    let executing = with_context(|context| {
        let context = context.filter(|context| context.executes())?;
        context.expose();
        // Nobody needs to stand in for a guest: it runs nothing but its root.
        let covered = (context.role() == Role::Worker).then(|| context.held().index());
        Some((Arc::clone(context.shared()), context.role(), covered))
    });
    let Some((shared, role, covered)) = executing else {
        return f();
    };
    if role == Role::Sole {
        crate::misuse::panic(
            "runtime::task::block_in_place",
            "a current-thread runtime has no other thread that could go on meanwhile",
            [
                "use `spawn_blocking` and await its handle",
                "build the runtime with worker threads: `Builder::new_multi_thread()`",
            ],
        );
    }
    crate::misuse::refuse_in_child("runtime::task::block_in_place", shared.origin);
    let _blocked = covered.map(|slot| Blocked::begin(&shared, slot));
    // The closure may block on futures of its own: it is not inside the executor.
    let frame = Rc::new(Context::outside(shared, Role::Blocking)).frame();
    let _entered = frame.enter();
    f()
}

/// A worker thread that blocks; it returns by the drop.
struct Blocked {
    shared: Arc<Shared>,
    slot: usize,
}

impl Blocked {
    fn begin(shared: &Arc<Shared>, slot: usize) -> Blocked {
        shared.stand_in(shared.cover.cover(slot, By::Itself));
        Blocked { shared: Arc::clone(shared), slot }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.shared.uncover(self.slot, By::Itself);
    }
}

impl Context {
    /// What only this thread would run next is put where others can take it.
    pub(super) fn expose(&self) {
        if let Some(held) = self.held_of(self.shared()) {
            if let Some(task) = held.withdraw_woken() {
                self.push_back(task);
                self.slot().set_waits(false);
                // It may have come by the injector.
                self.core().injected_before.set(self.core().local.next_place());
            }
            self.announce_queue();
        }
    }
}

impl Shared {
    /// Does what the books say so that somebody stands in.
    pub(super) fn stand_in(&self, mut stand_in: StandIn) {
        loop {
            match stand_in {
                StandIn::Nobody => return,
                StandIn::Resume(slot) => self.unpark_slot(slot),
                StandIn::Start(slot) => {
                    if !self.start_spare(slot) {
                        // The others do the work meanwhile, as they would without spares.
                        return self.cover.refused(slot);
                    }
                }
            }
            stand_in = self.cover.retry();
        }
    }

    fn start_spare(&self, slot: usize) -> bool {
        let Some(shared) = self.this.upgrade() else {
            return false;
        };
        if !self.members.join() {
            return false;
        }
        match self.spawn_thread(move || {
            worker::run(&shared, slot);
            shared.cover.freed(slot);
            shared.leave_members();
        }) {
            Ok(thread) => {
                self.termination.add_thread(thread);
                self.spare_refused.store(false, Ordering::Relaxed);
                true
            }
            Err(error) => {
                // The caller is a member, too, or the supervisor is: this is not the last.
                if let Some(shared) = self.this.upgrade() {
                    shared.leave_members();
                }
                // Relaxed: at worst it is reported twice.
                if !self.spare_refused.swap(true, Ordering::Relaxed) {
                    say(format_args!(
                        "runtime: no thread could be started to stand in for a blocked worker: {error}\n  \
                         help: its tasks wait for the other workers; a thread is tried again meanwhile\n  \
                         help: raise the limit on threads, or block inside `spawn_blocking`, whose threads are capped"
                    ));
                }
                false
            }
        }
    }

    /// The thread of `slot` is back: surplus spares that are parked would not see it, those that run look between two polls.
    pub(super) fn uncover(&self, slot: usize, by: By) {
        let surplus = self.cover.uncover(slot, by);
        let spares = self.guest_slot() + 1..self.slots.len();
        let parked = spares.filter_map(|spare| self.idle.claim(spare));
        for woken in parked.take(surplus) {
            self.wake(woken);
        }
    }

    /// A spare that is surplus waits to be needed again. False when its thread is to end.
    pub(super) fn linger(&self, slot: usize) -> bool {
        if !self.cover.linger(slot) {
            return true;
        }
        self.slots[slot].parker.park_timeout(LINGER);
        !self.cover.stop_lingering(slot)
    }
}
