//! `block_on`: the calling thread polls a root future. What that spawns is queued here for the workers to take; only where
//! there are none does the thread run tasks itself.
use std::panic::Location;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as Cx, Poll, Wake, Waker};

use parking_lot::Mutex;
use reactor_hook::{Entered, Frame, Parker, Unpark as _, budget};

use super::Shared;
use super::context::{Context, Role};
use super::roll::Enrolled;
use super::slot::Held;
use crate::task::{Notified, quietly};
use crate::{misuse, remedy};

/// Runs `future` to completion on the calling thread.
#[track_caller]
pub(crate) fn block_on<F: Future>(shared: &Arc<Shared>, future: F) -> F::Output {
    misuse::refuse_in_child("Runtime::block_on", shared.origin);
    refuse_nesting("Runtime::block_on");
    remedy::around(Location::caller(), || {
        let mut future = pin!(future);
        let mut unseated = false;
        loop {
            let seat = if unseated { None } else { Guest::seat(shared) };
            let ended = match seat {
                Some(guest) => guest.run(future.as_mut()),
                None => Outsider::new(shared, unseated).run(future.as_mut()),
            };
            match ended {
                Ended::Ready(output) => return output,
                Ended::Again => unseated = false,
                Ended::LocalDriver => unseated = true,
            }
            misuse::refuse_in_child("Runtime::block_on", shared.origin);
        }
    })
}

/// Why a thread does not go on in the quality in which it polled the root.
enum Ended<T> {
    /// The root is ready.
    Ready(T),
    /// The runtime was shut down under a guest, or an outsider may sit down now.
    Again,
    /// The root has a driver that this thread must block in: it cannot be a guest.
    LocalDriver,
}

/// Panics when the calling thread executes futures already: blocking it would stop the others.
#[track_caller]
pub(crate) fn refuse_nesting(operation: &str) {
    if !reactor_hook::may_block() {
        crate::misuse::panic(
            operation,
            "this thread is executing futures already, and blocking it would stop them",
            [
                "`.await` the future instead of blocking on it",
                "in code that cannot be async, block inside `runtime::task::block_in_place` or `spawn_blocking`",
            ],
        );
    }
}

/// Threads without a seat in a runtime that has no workers: told when the seat becomes free.
#[derive(Default)]
pub(super) struct Queue(Mutex<Vec<Arc<Root>>>);

impl Queue {
    fn add(&self, root: &Arc<Root>) {
        let mut queue = self.0.lock();
        if !queue.iter().any(|known| Arc::ptr_eq(known, root)) {
            queue.push(Arc::clone(root));
        }
    }

    /// Wakes all of them: the seat is free.
    fn call_all(&self) {
        // A local driver's unparking is user code: not under the lock, and its panic costs none of the others his wake.
        let waiting = std::mem::take(&mut *self.0.lock());
        for root in waiting {
            quietly(|| root.unpark());
        }
    }
}

/// Wakes the thread that polls a root future.
struct Root {
    notified: AtomicBool,
    shared: Arc<Shared>,
    /// The parker of a thread that holds no slot; a guest has its slot's.
    own: Option<Arc<Parker>>,
}

impl Root {
    fn new(shared: &Arc<Shared>, own: Option<Arc<Parker>>) -> Arc<Root> {
        Arc::new(Root { notified: AtomicBool::new(true), shared: Arc::clone(shared), own })
    }

    fn take_notified(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `wake_by_ref`. The look before it is for the common "no".
        self.notified.load(Ordering::Relaxed) && self.notified.swap(false, Ordering::Acquire)
    }

    fn is_notified(&self) -> bool {
        // Relaxed: a hint; the parker's token decides.
        self.notified.load(Ordering::Relaxed)
    }

    fn unpark(&self) {
        match &self.own {
            Some(parker) => parker.unpark(),
            None => self.shared.unpark_slot(self.shared.guest_slot()),
        }
    }
}

impl Wake for Root {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Ordering: Release pairs with the Acquire in `take_notified`.
        if !self.notified.swap(true, Ordering::AcqRel) {
            self.unpark();
        }
    }
}

/// The thread that holds the guest's slot, for as long as it does.
struct Guest {
    /// Taken by the drop, so that the slot is free before anybody is told.
    seat: Option<Seat>,
    root: Arc<Root>,
    enrolled: Option<Enrolled>,
}

/// In the order in which they are given up.
struct Seat {
    _entered: Entered,
    frame: Rc<Frame>,
    context: Rc<Context>,
}

impl Guest {
    /// Takes the one seat, unless it is taken or the runtime is shutting down.
    fn seat(shared: &Arc<Shared>) -> Option<Guest> {
        if shared.is_closed() {
            return None;
        }
        let held = Held::take(shared, shared.guest_slot())?;
        if !shared.members.join() {
            return None;
        }
        let enrolled = shared.roll.enrol();
        let role = if shared.config.workers == 0 { Role::Sole } else { Role::Guest };
        if role == Role::Sole {
            shared.driver.attend();
        }
        let context = Rc::new(Context::holding(held, role));
        let frame = context.frame();
        let seat = Seat { _entered: frame.enter(), frame, context };
        seat.context.begin();
        Some(Guest { seat: Some(seat), root: Root::new(shared, None), enrolled: Some(enrolled) })
    }

    fn run<F: Future>(self, mut future: Pin<&mut F>) -> Ended<F::Output> {
        let Seat { context, frame, .. } = self.seat.as_ref().expect("taken by the drop only");
        let shared = Arc::clone(context.shared());
        let waker = Waker::from(Arc::clone(&self.root));
        let mut cx = Cx::from_waker(&waker);
        let holder = context.holder();
        while !shared.is_closed() {
            if self.root.take_notified() {
                frame.budget().set(budget::PER_POLL);
                let polled = future.as_mut().poll(&mut cx);
                frame.budget().set(budget::UNLIMITED);
                if let Poll::Ready(output) = polled {
                    return Ended::Ready(output);
                }
            }
            // Shut down by the root, or forked by it: a child polls none of its parent's tasks, and has nobody to wait for.
            if shared.is_closed() {
                continue;
            }
            if context.role() == Role::Guest {
                if frame.has_local_driver() {
                    return Ended::LocalDriver;
                }
                context.heed_overdue_driver();
                if !self.root.is_notified() {
                    context.park_as_guest();
                }
                continue;
            }
            // A root that wakes itself takes turns with the tasks.
            holder.between_polls();
            if context.turned_aside.get() {
                context.look_at_local_driver(frame);
            }
            // As after the root: a waker has run, and a pinned task.
            if shared.is_closed() {
                continue;
            }
            context.run_pinned(frame);
            if shared.is_closed() {
                continue;
            }
            match context.next_as_sole() {
                Some(task) => holder.poll(frame, task),
                None if self.root.is_notified() || context.has_pinned_ready() => {}
                None => context.park_as_sole(frame),
            }
        }
        Ended::Again
    }
}

impl Context {
    fn next_as_sole(&self) -> Option<Notified<Shared>> {
        self.next_in_order().or_else(|| self.pop_injected())
    }

    /// The root is pending. Its wake leaves a token with the parker, so that none is slept over. What is queued here is for
    /// the workers, who were told of it when it was: a task that blocks or computes for long would hold up the root if it
    /// were run here, and nobody can stand in for this thread. So is the driver, whose events are mostly for tasks: this
    /// thread turns it when the supervisor finds nobody else, and waits in it where there is no supervisor.
    fn park_as_guest(&self) {
        let shared = self.shared();
        self.tell_of_parking(|| {
            let token = if shared.is_supervised() { None } else { shared.driver.try_take() };
            self.wait(token, None);
        });
        self.tell_of_turned_up(false);
    }

    /// Everything here is pending. A wake of the root, or a push into the empty injector, leaves a token with the parker; so
    /// nothing that came between the last look and here is slept over.
    fn park_as_sole(&self, frame: &Frame) {
        self.tell_of_parking(|| {
            if self.has_something_ready() {
                return;
            }
            if frame.has_local_driver() {
                self.wait_in_local_driver(frame);
            } else {
                self.end_turning_aside();
                self.wait(self.shared().driver.try_take(), None);
            }
        });
    }

    /// Around a wait: the builder's callbacks, which may spawn, and the idle set. This thread is not in that, where it could
    /// be called to work; but it does not count as awake either.
    fn tell_of_parking(&self, wait: impl FnOnce()) {
        let (shared, index) = (self.shared(), self.held().index());
        self.before_park();
        shared.idle.retire(index);
        wait();
        let supervisor_was_asleep = shared.idle.join(index);
        shared.arm_supervisor_if(supervisor_was_asleep);
        self.after_park();
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let seat = self.seat.take().expect("taken here only");
        let shared = Arc::clone(seat.context.shared());
        if shared.is_inherited() {
            // What else there is to leave is the parent's, or locked by threads that are not here. Its own tasks are not to
            // be dropped twice.
            std::mem::forget(Rc::clone(&seat.context));
            std::mem::forget(self.enrolled.take());
            return;
        }
        // Whatever unwinds: a runtime that is dropped waits for its members.
        let _leaves = Leaves(&shared);
        // Left before.
        let seat = seat;
        let is_sole = seat.context.role() == Role::Sole;
        if is_sole {
            // Before the slot is free: the next to sit there attends. And before what may wait for a timer in its destructor.
            shared.driver.vacate();
            shared.driver.forsake();
            let elsewhere = seat.context.frame_builder().context_only().build();
            let _entered = elsewhere.enter();
            seat.context.end_pinned();
        }
        seat.context.end();
        if is_sole {
            seat.context.end_turning_aside();
        }
        // With the values of others: those who wait here are told all the same.
        quietly(|| drop(seat));
        if is_sole {
            // Nobody turns the driver until the next `block_on`. A wake-up for the runtime's own tasks is kept till then.
            shared.driver.forsake();
        }
        // A parked worker takes over the driver, if anybody waits for it. Who comes to wait later, or what is left to be tidied, is
        // the supervisor's business; where there is none it is taken over in any case.
        if !shared.driver.is_held() && (shared.driver.somebody_waits() || !shared.is_supervised()) {
            shared.call_parked();
        }
        shared.guest_queue.call_all();
    }
}

/// Gives up membership when dropped.
struct Leaves<'a>(&'a Arc<Shared>);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.leave_members();
    }
}

/// A thread in `block_on` that has no seat: it polls its root and parks, or blocks in the root's local driver.
struct Outsider {
    shared: Arc<Shared>,
    root: Arc<Root>,
    /// Given up for a local driver: to be taken again when that is gone.
    gave_up_seat: bool,
}

impl Outsider {
    fn new(shared: &Arc<Shared>, gave_up_seat: bool) -> Outsider {
        let root = Root::new(shared, Some(Parker::new()));
        Outsider { shared: Arc::clone(shared), root, gave_up_seat }
    }

    fn is_seat_taken(&self) -> bool {
        self.shared.slots[self.shared.guest_slot()].is_held()
    }

    fn run<F: Future>(self, mut future: Pin<&mut F>) -> Ended<F::Output> {
        let context = Rc::new(Context::outside(Arc::clone(&self.shared), Role::Waiting));
        let parker = Arc::clone(self.root.own.as_ref().expect("an outsider parks by itself"));
        let frame = context.frame_builder().waits_by(parker).build();
        let _entered = frame.enter();
        let waker = Waker::from(Arc::clone(&self.root));
        let mut cx = Cx::from_waker(&waker);
        let wants_seat = self.shared.config.workers == 0;
        loop {
            misuse::refuse_in_child("Runtime::block_on", self.shared.origin);
            // In the seat it is polled where somebody drives what it waits for.
            if wants_seat && !self.shared.is_closed() && !self.is_seat_taken() {
                return Ended::Again;
            }
            if self.root.take_notified() {
                frame.budget().set(budget::PER_POLL);
                let polled = future.as_mut().poll(&mut cx);
                frame.budget().set(budget::UNLIMITED);
                if let Poll::Ready(output) = polled {
                    return Ended::Ready(output);
                }
            }
            if wants_seat && !self.shared.is_closed() {
                // Queued first, looked at second: a guest that leaves in between finds this thread in the queue.
                self.shared.guest_queue.add(&self.root);
                if !self.is_seat_taken() {
                    return Ended::Again;
                }
            }
            if self.gave_up_seat && !frame.has_local_driver() && !self.root.is_notified() {
                return Ended::Again;
            }
            frame.wait();
        }
    }
}

impl Drop for Outsider {
    fn drop(&mut self) {
        let mut queue = self.shared.guest_queue.0.lock();
        queue.retain(|root| !Arc::ptr_eq(root, &self.root));
    }
}

impl Shared {
    /// A runtime without workers: the thread that sits in for them may be parked.
    #[inline]
    pub(super) fn notify_sole(&self) {
        if self.config.workers == 0 {
            self.unpark_slot(self.guest_slot());
        }
    }
}
