//! Which local selectors somebody looks into who was told that they have something.
use std::time::{Duration, Instant};

/// Who looks.
#[derive(Clone, Copy)]
pub(crate) enum Reach<'a> {
    /// One who blocks, or who does it for all: nobody else may come.
    All,
    /// A busy worker, which looks into its own by itself.
    Beside {
        /// Its lane.
        lane: usize,
        /// Whether a worker is parked, and will not look itself.
        is_parked: &'a dyn Fn(usize) -> bool,
        now: Instant,
    },
}

/// How long one who is told of a selector waits for another's look into it to end: as long as that takes, and not so long that whoever unblocks
/// him would notice.
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

/// For so long a selector may have something into which its worker, which is awake, does not look. One that is merely in the middle of its queue
/// looks twice as often, at the least; one that does not is inside of a long poll.
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
    /// Whether he who looks looks into the selector of `lane` as well, which has something, and into which its worker has looked so often.
    #[must_use]
    pub(crate) fn is_taken_by(&mut self, reach: Reach<'_>, lane: usize, looks: u32) -> bool {
        match reach {
            Reach::All => true,
            Reach::Beside { lane: own, is_parked, now } => {
                own != lane && (is_parked(lane) || self.is_over(looks, now))
            }
        }
    }

    /// Once it is over it stays so: its worker is inside of the same poll, whatever comes.
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
