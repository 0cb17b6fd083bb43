//! What a thread knows about the runtime it works for: the owner of its frame.
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use reactor_hook::{Blocking, DriveError, Frame, FrameBuilder, LocalPlace};

use super::pinned::Call;
use super::push::Route;
use super::slot::{Core, Held, Slot};
use super::{CLOSED, Shared};
use crate::local::Owner;
use crate::metrics::Counters;
use crate::task::{Notified, Polled, is_task_waker};
use crate::tokio_compat::Entered;

/// In what quality a thread has entered the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A worker thread, or a spare: runs tasks until shutdown.
    Worker,
    /// The thread in `block_on`: polls a root future, and queues for the workers what that spawns and wakes.
    Guest,
    /// The one thread of a runtime without workers: root, own queue, injector.
    Sole,
    /// Executes futures without a slot: in `block_on` when somebody else is the guest, or inside another context.
    Waiting,
    /// Drops the futures that are left when the runtime ends. What one of these waits for may be another.
    Ending,
    /// Merely entered, by `Runtime::enter`: in whatever quality the thread was in before.
    Entered,
    /// There to be blocked: a closure of the blocking pool, or in place.
    Blocking,
}

/// The owner of a frame that belongs to a runtime.
pub(crate) struct Context {
    shared: Arc<Shared>,
    role: Role,
    /// The tasks that stay on this thread, if it is one to pin to. Dropped before the slot: whoever takes that is the next
    /// owner of this queue.
    pub(super) pinned: Option<Owner<Call>>,
    /// The slot this thread holds; given up before the context ends when the runtime shuts down under a guest.
    pub(super) held: Option<Held>,
    /// The runtime that the thread holds a slot of; null where `held` is nothing, which `held_of` relies on, and once the slot was
    /// given up: from then on the thread is an outsider.
    pub(super) serves: Cell<*const Shared>,
    /// The task that this thread polls.
    pub(super) polled: Polled,
    /// Whether a thread was started that turns the driver in this one's place.
    pub(super) turned_aside: Cell<bool>,
    /// Left with the context.
    tokio: Entered,
}

impl Context {
    pub(crate) fn outside(shared: Arc<Shared>, role: Role) -> Context {
        let tokio = enter_tokio(&shared);
        Context {
            shared,
            role,
            held: None,
            pinned: None,
            serves: Cell::new(std::ptr::null()),
            polled: Polled::new(),
            turned_aside: Cell::new(false),
            tokio,
        }
    }

    pub(super) fn holding(held: Held, role: Role) -> Context {
        let shared = Arc::clone(held.shared());
        let tokio = enter_tokio(&shared);
        let pinned = shared.pinned.own(held.index(), role);
        let serves = Cell::new(Arc::as_ptr(&shared));
        held.core().route.set(if role == Role::Worker { Route::Slot } else { Route::Queue });
        Context {
            shared,
            role,
            held: Some(held),
            pinned,
            serves,
            polled: Polled::new(),
            turned_aside: Cell::new(false),
            tokio,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Whether this thread executes futures for the runtime, so that blocking it would hurt.
    pub(crate) fn executes(&self) -> bool {
        !matches!(self.role, Role::Ending | Role::Entered | Role::Blocking)
    }

    /// The frame to enter while this context is the owner.
    pub(crate) fn frame(self: &Rc<Self>) -> Rc<Frame> {
        self.frame_builder().build()
    }

    pub(super) fn frame_builder(self: &Rc<Self>) -> FrameBuilder {
        let shared = &self.shared;
        let builder = Frame::builder()
            .driver(Arc::clone(shared.driver.reactor()) as Arc<dyn reactor_hook::Driver>)
            .source(Arc::clone(shared.driver.timers()) as Arc<dyn reactor_hook::DeadlineSource>)
            .offload(shared.blocking.offload())
            .owner(Rc::clone(self));
        let builder = builder.blocking(match self.role {
            Role::Worker | Role::Guest | Role::Sole | Role::Waiting | Role::Ending => Blocking::Refused,
            Role::Entered => Blocking::Inherited,
            Role::Blocking => Blocking::Allowed,
        });
        let builder = if self.executes() {
            builder.local_place(Rc::clone(self) as Rc<dyn LocalPlace>)
        } else {
            builder
        };
        match &self.held {
            Some(held) => builder.lane(held.index() as u32),
            // Sockets and timers polled here are driven by the workers, who may leave meanwhile.
            None => builder.lane(shared.guest_slot() as u32).context_only(),
        }
    }

    /// The slot, if this thread holds one still.
    pub(super) fn slot_if_held(&self) -> Option<&Slot> {
        self.held_of(&self.shared).map(Held::slot)
    }

    /// The slot of a thread whose role has one.
    #[inline]
    pub(super) fn held(&self) -> &Held {
        self.held.as_ref().expect("this role holds a slot")
    }

    #[inline]
    pub(super) fn core(&self) -> &Core {
        self.held().core()
    }

    #[inline]
    pub(super) fn slot(&self) -> &Slot {
        self.held().slot()
    }

    #[inline]
    pub(super) fn counters(&self) -> &Counters {
        &self.slot().counters
    }

    /// The thread becomes an outsider: what it spawns and wakes goes to the injector.
    pub(super) fn deactivate(&self) {
        self.serves.set(std::ptr::null());
    }

    /// This thread, and no other of the runtime, is in a child that it has just forked: it spawns and wakes as an outsider,
    /// and comes out of its loop.
    pub(super) fn inherited(&self) {
        self.deactivate();
        // Relaxed: this is the process's one thread.
        self.shared.signals.fetch_or(CLOSED, Ordering::Relaxed);
    }

    /// Queues a task that was woken or spawned on this thread, which holds this slot of the task's runtime.
    #[inline]
    pub(super) fn push(&self, held: &Held, task: Notified<Shared>) {
        match held.core().route.get() {
            Route::Slot => held.put(task),
            Route::Queue => held.push_and_tell(task),
            Route::Turn => self.push_in_turn(task),
        }
    }

    #[inline(never)]
    fn push_in_turn(&self, task: Notified<Shared>) {
        let core = self.core();
        core.turned_up.set(core.turned_up.get() + 1);
        self.push_back(task);
    }

    /// `yield_now` by the task that this thread polls: true if `waker` is that task's own.
    #[inline]
    pub(crate) fn yield_task(&self, waker: &std::task::Waker) -> bool {
        // A cell is a live task's as long as it is being polled, so one address means one task. A combinator may pass the
        // address on under a table of its own: that waker must be woken.
        let own = self.polled.is(waker.data().cast()) && is_task_waker(waker);
        if own {
            self.polled.set_yielded();
        }
        own
    }

    /// As `Held::push_back`.
    #[inline]
    pub(super) fn push_back(&self, task: Notified<Shared>) {
        self.held().push_back(task);
    }
}

/// Of contexts inside one another only the outermost that has tokio's world enters it; the others share that entry.
fn enter_tokio(shared: &Shared) -> Entered {
    with_context(|outer| shared.tokio.enter(outer.map(|outer| &outer.tokio)))
}

impl LocalPlace for Context {
    fn make_way(&self, name: &'static str) -> Result<(), DriveError> {
        match self.role {
            // A guest gives up its seat after this poll, which is its root's.
            Role::Waiting | Role::Guest => Ok(()),
            Role::Sole => {
                self.shared.turn_aside().map_err(|error| DriveError::no_thread(name, error))?;
                self.turned_aside.set(true);
                Ok(())
            }
            Role::Worker => {
                Err(DriveError::unable(name, "it is a worker of a runtime, for any of its tasks"))
            }
            Role::Ending | Role::Entered | Role::Blocking => unreachable!("nothing is executed in these"),
        }
    }
}

/// Runs `f` with the context of the runtime entered here.
#[inline]
pub(crate) fn with_context<R>(f: impl FnOnce(Option<&Context>) -> R) -> R {
    reactor_hook::with_owner(f)
}
