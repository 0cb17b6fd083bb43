//! The deadline source: a shard for each lane, one keeper.
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use reactor_hook::{Attendance, DeadlineSource, Unpark};

use crate::keeper::Keeper;
use crate::shard::Shard;
use crate::wheel::NEVER;

/// Timer wheels, one for each lane of an executor, whose time somebody keeps.
///
/// An executor makes one and puts it into the frames it enters ([`reactor_hook::FrameBuilder::source`]); `sleep` and its
/// kin find it there. It then
///
/// * attends ([`DeadlineSource::attendance`]) and says how it is unparked ([`DeadlineSource::set_unpark`]);
/// * blocks between [`prepare_wait`](Timers::prepare_wait) and [`finish_wait`](Timers::finish_wait), and
///   [fires](DeadlineSource::fire) afterwards;
/// * [leaves](Timers::leave) when it ends.
///
/// # Examples
///
/// ```
/// use reactor_hook::{DeadlineSource, Frame};
/// use timer::Timers;
///
/// let timers = Timers::new(1);
/// assert!(timers.attendance().try_attend());
/// let frame = Frame::builder().source(timers.clone()).build();
/// {
///     let _entered = frame.enter();
///     // Poll futures here. When all are pending:
///     let until = timers.prepare_wait();
///     // Block until then, or until unparked.
///     timers.finish_wait();
///     timers.fire(reactor_hook::now());
///     assert_eq!(until, None);
/// }
/// timers.leave();
/// ```
pub struct Timers {
    shards: Box<[Arc<Shard>]>,
    keeper: Arc<Keeper>,
}

impl Timers {
    /// Wheels for `lanes` lanes (at least one). Ticks are counted from [`reactor_hook::now`]: to be called where the
    /// clock is entered that the timers will be fired by.
    pub fn new(lanes: usize) -> Arc<Timers> {
        Timers::with_origin(lanes, reactor_hook::now())
    }

    /// As [`new`](Timers::new), with ticks counted from `origin`. Deadlines before it are due at once.
    pub fn with_origin(lanes: usize, origin: Instant) -> Arc<Timers> {
        let keeper = Arc::new(Keeper::new(origin));
        let shards = (0..lanes.max(1)).map(|_| Arc::new(Shard::new(Arc::clone(&keeper)))).collect();
        let timers = Arc::new(Timers { shards, keeper });
        timers.keeper.identify(Arc::as_ptr(&timers).cast());
        timers
    }

    /// How many timers are registered. Takes the shards' locks one after the other: for reports.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    /// Whether no timer is registered. As `len`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Says that the caller is going to block, and until when he may: for ever with `None`. That may be the deadline of a
    /// timer that was cancelled meanwhile.
    ///
    /// From now on, who registers an earlier deadline calls the unparker that was given to
    /// [`set_unpark`](DeadlineSource::set_unpark); such a call before the blocking has begun must end it too. One thread
    /// at a time.
    #[must_use]
    pub fn prepare_wait(&self) -> Option<Instant> {
        self.keeper.instant_of(self.keeper.waiting.prepare(|| self.earliest()))
    }

    /// The caller does not block any more.
    pub fn finish_wait(&self) {
        self.keeper.waiting.finish();
    }

    /// The earliest deadline of one lane: one load. For a busy worker that looks after its own timers and reads the
    /// clock only if it has any. The lane is taken modulo the number of lanes.
    #[inline]
    pub fn next_deadline_of(&self, lane: u32) -> Option<Instant> {
        self.keeper.instant_of(self.shard(lane).earliest())
    }

    /// Wakes what is due in one lane: one load if nothing is.
    #[inline]
    pub fn fire_lane(&self, lane: u32, now: Instant) {
        self.shard(lane).fire(self.keeper.turn(now));
    }

    /// The one who kept the time keeps it no more: nobody is unparked, and all waiters are woken so that they register
    /// elsewhere.
    pub fn leave(&self) {
        self.set_unpark(None);
        self.keeper.attendance.vacate();
        self.abandoned();
    }

    #[inline]
    pub(crate) fn shard(&self, lane: u32) -> &Arc<Shard> {
        // The division is spared in the usual case.
        let lane = lane as usize;
        &self.shards[if lane < self.shards.len() { lane } else { lane % self.shards.len() }]
    }

    #[inline]
    fn earliest(&self) -> u64 {
        self.shards.iter().map(|shard| shard.earliest()).min().unwrap_or(NEVER)
    }
}

impl DeadlineSource for Timers {
    fn name(&self) -> &'static str {
        "timer"
    }

    fn attendance(&self) -> &Attendance {
        &self.keeper.attendance
    }

    fn next_deadline(&self) -> Option<Instant> {
        let earliest = self.shards.iter().map(|shard| shard.search_earliest()).min();
        self.keeper.instant_of(earliest.unwrap_or(NEVER))
    }

    fn fire(&self, now: Instant) {
        let now = self.keeper.turn(now);
        for shard in &self.shards {
            shard.fire(now);
        }
    }

    fn set_unpark(&self, unpark: Option<Arc<dyn Unpark>>) {
        self.keeper.appoint(unpark);
    }

    fn abandoned(&self) {
        for shard in &self.shards {
            shard.abandon();
        }
    }
}

impl Drop for Timers {
    /// Nobody can keep its time any more. Entries keep their shard alive, not the `Timers`.
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("lanes", &self.shards.len())
            .field("earliest", &self.earliest())
            .field("keeper", &self.keeper)
            .finish()
    }
}
