//! The supervisor: one thread that sees to it that the driver is not forgotten.
//!
//! It samples while the runtime is active. When the driver was unowned for a whole sample, has made no turn, and
//! somebody waits for it, a parked worker is called to it; if none is parked, the busy ones are asked to turn it between
//! two polls. After a second in which nothing was awake it sleeps, with a flag in the idle set's word; the
//! worker that leaves the set clears the flag by the same operation and unparks the supervisor.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use crate::driver::Driver;
use crate::idle::Idle;

/// How long all must be idle before the supervisor stops sampling: long against the pauses of a service under load.
const SETTLE: Duration = Duration::from_secs(1);

/// The time between two turns of the driver while the last workers leave: a tick of the timers.
const CLOSING_TURN: Duration = Duration::from_millis(1);

/// A runtime as its supervisor sees it; the scheduler implements it.
pub(crate) trait Supervised {
    fn supervisor(&self) -> &Supervisor;
    fn driver(&self) -> &Driver;
    fn idle(&self) -> &Idle;

    /// How long the driver may be left alone while somebody waits.
    fn stall_threshold(&self) -> Duration;

    /// The runtime is shutting down.
    fn is_closed(&self) -> bool;

    /// Threads that still take part, the supervisor's included.
    fn members(&self) -> usize;

    /// Calls a parked worker, which will find the driver free. False if none is parked.
    fn call_to_driver(&self) -> bool;

    /// Asks the next worker between two polls to turn the driver.
    fn set_driver_overdue(&self);
}

pub(crate) struct Supervisor {
    thread: OnceLock<Thread>,
    woken: AtomicBool,
    rescues: AtomicU64,
}

impl Supervisor {
    pub(crate) fn new() -> Supervisor {
        Supervisor { thread: OnceLock::new(), woken: AtomicBool::new(false), rescues: AtomicU64::new(0) }
    }

    /// Ends its sleep, or else its next.
    #[cold]
    pub(crate) fn unpark(&self) {
        // Ordering: Release pairs with the Acquire in `sleep`.
        self.woken.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    pub(crate) fn rescues(&self) -> u64 {
        // Relaxed: a figure.
        self.rescues.load(Ordering::Relaxed)
    }

    fn sleep(&self) {
        // Ordering: Acquire pairs with the Release in `unpark`.
        while !self.woken.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }
}

/// The life of the supervisor's thread.
pub(crate) fn run(shared: &impl Supervised) {
    let (supervisor, driver, idle) = (shared.supervisor(), shared.driver(), shared.idle());
    supervisor.thread.set(std::thread::current()).expect("a runtime has one supervisor");
    // Two samples see it unowned: it is rescued after half to a whole threshold.
    let period = shared.stall_threshold() / 2;
    let mut quiet = Duration::ZERO;
    let mut last = driver.turns();
    while !shared.is_closed() {
        if is_quiet(shared) {
            quiet += period;
        } else {
            quiet = Duration::ZERO;
        }
        if quiet >= SETTLE {
            quiet = Duration::ZERO;
            // Whoever became awake before the flag was up is seen by this call; whoever does so after takes it down.
            if idle.supervisor_sleep() {
                if is_quiet(shared) && !shared.is_closed() {
                    supervisor.sleep();
                }
                idle.supervisor_awake();
            }
        } else {
            std::thread::park_timeout(period);
        }
        let turns = driver.turns();
        if idle.awake() == 0 && !driver.is_held() {
            // Nobody needs it yet; but who registers next may be a thread that wakes no worker.
            shared.call_to_driver();
        } else if turns == last && !driver.is_held() && driver.somebody_waits() {
            // Relaxed: a figure.
            supervisor.rescues.fetch_add(1, Ordering::Relaxed);
            if !shared.call_to_driver() {
                shared.set_driver_overdue();
            }
        }
        last = turns;
    }
    see_them_out(shared);
}

/// Workers leave one by one. One that is still inside a poll may wait there for a socket or a timer (in a destructor, say):
/// until it has left, this thread is the one that turns the driver.
fn see_them_out(shared: &impl Supervised) {
    while shared.members() > 1 {
        // What it wakes goes to the injector: this thread holds no slot.
        if let Some(token) = shared.driver().try_take() {
            // Somebody's waker may panic.
            drop(catch_unwind(AssertUnwindSafe(|| token.turn(reactor_hook::now()))));
        }
        std::thread::park_timeout(CLOSING_TURN);
    }
}

/// Nothing runs, and somebody waits in the driver.
fn is_quiet(shared: &impl Supervised) -> bool {
    shared.idle().awake() == 0 && shared.driver().is_held()
}
