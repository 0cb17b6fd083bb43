//! Spare workers: a thread that blocks in place is stood in for by another, with a slot of its own.
//!
//! Slots never change hands with their contents: the blocked worker keeps its core, a spare starts with a fresh one and
//! steals. When the blocked thread returns, the surplus spare lingers for a while and ends.
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::context::{Context, Role, with_context};
use super::{Shared, worker};

/// How long a surplus spare waits to be needed again.
const LINGER: Duration = Duration::from_secs(1);

/// Which spare slots run, linger, or are free. The two counts are written under the lock and read without it.
pub(super) struct Spares {
    books: Mutex<Books>,
    /// Threads that block in place now.
    wanted: AtomicUsize,
    /// Spares that run tasks now.
    active: AtomicUsize,
}

struct Books {
    free: Vec<usize>,
    lingering: Vec<usize>,
}

impl Spares {
    /// `slots`: the indices of the spare slots.
    pub(super) fn new(slots: std::ops::Range<usize>) -> Spares {
        Spares {
            books: Mutex::new(Books { free: slots.rev().collect(), lingering: Vec::new() }),
            wanted: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
        }
    }

    pub(super) fn active(&self) -> usize {
        // Relaxed: a figure.
        self.active.load(Ordering::Relaxed)
    }

    fn surplus(&self) -> bool {
        // Relaxed: acted upon only after a second look under the lock.
        self.active.load(Ordering::Relaxed) > self.wanted.load(Ordering::Relaxed)
    }
}

/// Whether there are more spares than blocked threads: a look by a spare that might leave.
pub(super) fn is_surplus(shared: &Shared) -> bool {
    shared.spares.surplus()
}

/// Runs `f`, which may block, on this worker thread; another thread stands in for it meanwhile.
#[track_caller]
pub(crate) fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    let executing = with_context(|context| {
        let context = context.filter(|context| context.executes())?;
        context.expose();
        Some((Arc::clone(context.shared()), context.role()))
    });
    let Some((shared, role)) = executing else {
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
    // Nobody needs to stand in for a guest: the workers are there.
    let _blocked = (role == Role::Worker).then(|| Blocked::begin(&shared));
    // The closure may block on futures of its own: it is not inside the executor.
    let frame = Rc::new(Context::outside(shared, Role::Blocking)).frame();
    let _entered = frame.enter();
    f()
}

/// A worker thread that blocks; it returns by the drop.
struct Blocked(Arc<Shared>);

impl Blocked {
    fn begin(shared: &Arc<Shared>) -> Blocked {
        shared.begin_block();
        Blocked(Arc::clone(shared))
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.0.end_block();
    }
}

impl Context {
    /// What only this thread would run next is put where others can take it.
    fn expose(&self) {
        if let Some(held) = self.held_of(self.shared()) {
            if let Some(task) = held.slot().lifo.take() {
                self.push_back(task);
            }
            self.announce_queue();
        }
    }
}

enum StandIn {
    Resume(usize),
    Start(usize),
    Nobody,
}

impl Shared {
    fn begin_block(self: &Arc<Self>) {
        let stand_in = {
            let mut books = self.spares.books.lock();
            // Relaxed, here and below: written under the lock.
            let wanted = self.spares.wanted.load(Ordering::Relaxed) + 1;
            self.spares.wanted.store(wanted, Ordering::Relaxed);
            let active = self.spares.active.load(Ordering::Relaxed);
            let stand_in = if active >= wanted {
                StandIn::Nobody
            } else if let Some(slot) = books.lingering.pop() {
                StandIn::Resume(slot)
            } else if let Some(slot) = books.free.pop() {
                StandIn::Start(slot)
            } else {
                StandIn::Nobody
            };
            if !matches!(stand_in, StandIn::Nobody) {
                self.spares.active.store(active + 1, Ordering::Relaxed);
            }
            stand_in
        };
        match stand_in {
            StandIn::Nobody => {}
            StandIn::Resume(slot) => self.unpark_slot(slot),
            StandIn::Start(slot) => {
                if !self.start_spare(slot) {
                    // No thread can be had: the others do the work, as they would without spares.
                    let mut books = self.spares.books.lock();
                    books.free.push(slot);
                    let active = self.spares.active.load(Ordering::Relaxed);
                    self.spares.active.store(active - 1, Ordering::Relaxed);
                }
            }
        }
    }

    fn start_spare(self: &Arc<Self>, slot: usize) -> bool {
        if !self.join_members() {
            return false;
        }
        let shared = Arc::clone(self);
        match self.spawn_thread(move || {
            worker::run(&shared, slot);
            shared.free_spare(slot);
            shared.leave_members();
        }) {
            Ok(thread) => {
                self.termination.add_thread(thread);
                true
            }
            Err(_) => {
                self.leave_members();
                false
            }
        }
    }

    fn end_block(&self) {
        {
            let _books = self.spares.books.lock();
            let wanted = self.spares.wanted.load(Ordering::Relaxed) - 1;
            self.spares.wanted.store(wanted, Ordering::Relaxed);
        }
        if self.spares.surplus() {
            // One that is parked would not see it; one that runs looks between two polls.
            let spares = self.guest_slot() + 1..self.slots.len();
            for slot in spares {
                if let Some(woken) = self.idle.claim(slot) {
                    self.unpark_slot(slot);
                    self.unpark_supervisor_if(woken.supervisor_was_asleep);
                    break;
                }
            }
        }
    }

    /// A spare that is surplus waits to be needed again. False when its thread is to end.
    pub(super) fn linger(&self, slot: usize) -> bool {
        {
            let mut books = self.spares.books.lock();
            if !self.spares.surplus() {
                return true;
            }
            let active = self.spares.active.load(Ordering::Relaxed);
            self.spares.active.store(active - 1, Ordering::Relaxed);
            books.lingering.push(slot);
        }
        self.slots[slot].parker.park_timeout(LINGER);
        let mut books = self.spares.books.lock();
        match books.lingering.iter().position(|&lingering| lingering == slot) {
            Some(position) => {
                books.lingering.swap_remove(position);
                false
            }
            None => true,
        }
    }

    /// The slot of a spare whose thread has let go of it.
    pub(super) fn free_spare(&self, slot: usize) {
        self.spares.books.lock().free.push(slot);
    }
}
