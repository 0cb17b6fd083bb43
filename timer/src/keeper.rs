//! Who keeps the time of some shards, and how to reach him.
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reactor_hook::process::Origin;
use reactor_hook::{Attendance, Unpark};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use crate::wait::{Inserted, Waiting};
use crate::wheel::NEVER;

pub(crate) struct Keeper {
    /// Tick zero.
    origin: Instant,
    /// The same, to calculate deadlines from.
    origin_of_deadlines: crate::instant::Instant,
    pub(crate) process: Origin,
    /// The address of the `Timers`: what the hook knows a source by. Set once, before it is shared.
    identity: AtomicPtr<()>,
    /// The latest present that was fired at: what is due by then needs no wheel, and no look at the clock.
    turned: AtomicU64,
    pub(crate) attendance: Attendance,
    pub(crate) waiting: Waiting,
    unpark: Mutex<Option<Arc<dyn Unpark>>>,
}

impl Keeper {
    pub(crate) fn new(origin: Instant) -> Self {
        Keeper {
            origin,
            origin_of_deadlines: origin.into(),
            process: Origin::here(),
            identity: AtomicPtr::new(std::ptr::null_mut()),
            turned: AtomicU64::new(0),
            attendance: Attendance::new(),
            waiting: Waiting::new(),
            unpark: Mutex::new(None),
        }
    }

    pub(crate) fn identify(&self, timers: *const ()) {
        // Ordering: Relaxed: written before the `Timers` is shared.
        self.identity.store(timers.cast_mut(), Ordering::Relaxed);
    }

    /// Whether the frame entered on this thread keeps the time here.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        // Ordering: Relaxed: as in `identify`.
        reactor_hook::is_timed_here(self.identity.load(Ordering::Relaxed))
    }

    pub(crate) fn appoint(&self, unpark: Option<Arc<dyn Unpark>>) {
        let former = std::mem::replace(&mut *self.unpark.lock(), unpark);
        self.waiting.appoint();
        drop(former);
    }

    /// An entry was published that is earlier than all in its shard.
    #[inline]
    pub(crate) fn earlier(&self, tick: u64) {
        match self.waiting.inserted(tick) {
            Inserted::InTime => {}
            Inserted::Unpark => self.unpark(),
            Inserted::UnparkOther => {
                if !self.is_here() {
                    self.unpark();
                }
            }
        }
    }

    #[cold]
    fn unpark(&self) {
        let unpark = self.unpark.lock().clone();
        if let Some(unpark) = unpark {
            unpark.unpark();
        }
    }

    /// The first tick that is not before `deadline`.
    #[inline]
    pub(crate) fn tick_of_deadline(&self, deadline: crate::instant::Instant) -> u64 {
        // Not `div_ceil`, which divides and then multiplies to see what is left. It ends in the year 2554, on a tick that no
        // deadline reaches.
        deadline.nanos_since(self.origin_of_deadlines).saturating_add(999_999) / 1_000_000
    }

    /// The last tick that is not after `now`.
    #[inline]
    fn tick_of_now(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.origin);
        since.as_secs().saturating_mul(1000).saturating_add(u64::from(since.subsec_millis()))
    }

    /// As `tick_of_now`, for who fires.
    #[inline]
    pub(crate) fn turn(&self, now: Instant) -> u64 {
        let now = self.tick_of_now(now);
        // Ordering: Relaxed: a hint that may lag behind.
        if self.turned.load(Ordering::Relaxed) < now {
            self.turned.store(now, Ordering::Relaxed);
        }
        now
    }

    /// Whether `tick` is known to have begun.
    #[inline]
    pub(crate) fn is_over(&self, tick: u64) -> bool {
        // Ordering: Relaxed: as in `turn`.
        tick <= self.turned.load(Ordering::Relaxed)
    }

    /// When `tick` begins; `None` for no tick.
    pub(crate) fn instant_of(&self, tick: u64) -> Option<Instant> {
        if tick == NEVER {
            return None;
        }
        // Where the platform's instants end earlier than the ticks: to look once a century does no harm.
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        self.origin.checked_add(Duration::from_millis(tick)).or_else(|| self.origin.checked_add(CENTURY))
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("attendance", &self.attendance)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}
