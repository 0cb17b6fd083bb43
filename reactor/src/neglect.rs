//! Into whose local selectors a thread looks, beside its own, when the shared one reports them.
use std::time::{Duration, Instant};

/// On whose behalf somebody turns.
#[derive(Clone, Copy)]
pub(crate) enum Reach<'a> {
    /// Everybody's: it blocks, or nobody else may come by. It looks into all that are reported.
    All,
    /// Its own, beside others that are busy, too: it leaves their events to those that are awake.
    Beside {
        /// Its lane.
        lane: usize,
        /// Whether a worker is away (parked, or napping) and will not look by itself.
        is_parked: &'a dyn Fn(usize) -> bool,
        now: Instant,
    },
}

/// How long to wait for another thread that is looking into the same selector: longer than a look takes (an `epoll_wait` of 1 µs and 32 wakers), but not
/// so long that whoever unblocks this one would notice.
const PATIENCE: Duration = Duration::from_micros(50);

impl Reach<'_> {
    /// How long he waits where another looks. Who blocks would be told of it again at once, and again, until that is over; a busy worker
    /// has something else to do.
    pub(crate) fn patience(self) -> Option<Duration> {
        match self {
            Reach::All => Some(PATIENCE),
            Reach::Beside { .. } => None,
        }
    }
}

/// A local selector is neglected when its worker, which is awake, has not looked into it for so long although it has something. A worker between polls
/// looks each 400 µs at least (the scheduler's `TURN_EACH_IF_MUCH`); so this one is inside of a long poll.
pub(crate) const LEFT_FOR: Duration = Duration::from_micros(800);

/// What the one with the token knows of a local selector that he has left to its worker.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Neglect {
    /// Its worker's looks by then.
    looks: u32,
    /// When it was first left since the last of them.
    since: Option<Instant>,
}

impl Neglect {
    /// Whether one who turns with this `reach` also looks into the selector of `lane`, which was reported, and whose worker has looked `looks` times so far.
    #[must_use]
    pub(crate) fn is_taken_by(&mut self, reach: Reach<'_>, lane: usize, looks: u32) -> bool {
        match reach {
            Reach::All => true,
            Reach::Beside { lane: own, is_parked, now } => {
                own != lane && (is_parked(lane) || self.is_over(looks, now))
            }
        }
    }

    /// Whether `LEFT_FOR` has passed since it was first left. Stays true until its worker looks again.
    fn is_over(&mut self, looks: u32, now: Instant) -> bool {
        if self.looks != looks {
            *self = Neglect { looks, since: None };
        }
        let since = *self.since.get_or_insert(now);
        now.saturating_duration_since(since) >= LEFT_FOR
    }
}

#[cfg(all(test, not(runtime_loom)))]
mod tests;
