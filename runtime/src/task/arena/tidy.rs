//! When the memory of a burst is given back. README, "After a burst".
use std::time::{Duration, Instant};

use super::Arena;
use super::class::SIZES;

/// What nobody needed for so long is given back. Longer than the pauses of a service under load, so that bursts that follow
/// one another find the cells of those before.
const LOOK: Duration = Duration::from_secs(1);

/// The time between two steps of a pass: with some 0.2 ms for a step a pass takes a twentieth of a core, and a second for a
/// million cells.
const PAUSE: Duration = Duration::from_millis(5);

/// Where the one who tidies is.
#[derive(Default)]
pub(super) struct Tidy {
    /// The depot in which a pass is under way.
    depot: Option<usize>,
    /// While something is untidy and no pass is under way.
    next_look: Option<Instant>,
}

impl<S> Arena<S> {
    /// Whether [`tidy`](Self::tidy) has something to do, now or later.
    pub(crate) fn is_untidy(&self) -> bool {
        self.depots.iter().any(|depot| depot.is_untidy())
    }

    /// Does a bounded step towards giving back what a burst has left, if it is time for one. Says after what time to call
    /// again; `None`: not before something has come back, of which [`is_untidy`](Self::is_untidy) tells.
    ///
    /// For any thread at an idle moment; of two at once one does it.
    pub(crate) fn tidy(&self, now: Instant) -> Option<Duration> {
        if !self.is_untidy() {
            return None;
        }
        let Some(mut tidy) = self.tidy.try_lock() else { return Some(PAUSE) };
        let mut index = 0;
        if let Some(depot) = tidy.depot {
            if self.depots[depot].step() {
                return Some(PAUSE);
            }
            index = depot + 1;
        } else if let Some(look) = tidy.next_look {
            if now < look {
                return Some(look - now);
            }
        } else {
            self.depots.iter().for_each(|depot| depot.mark());
            tidy.next_look = Some(now + LOOK);
            return Some(LOOK);
        }
        tidy.depot = (index..SIZES.len()).find(|index| self.depots[*index].begin());
        if tidy.depot.is_some() {
            return Some(PAUSE);
        }
        let untidy = self.is_untidy();
        tidy.next_look = untidy.then(|| now + LOOK);
        untidy.then_some(LOOK)
    }

    /// Tidies until there is nothing to be done, as if the time passed, and says how many pages that freed.
    #[cfg(any(test, runtime_loom))]
    pub(crate) fn tidy_all(&self) -> usize {
        let before = self.pages();
        let mut now = Instant::now();
        while let Some(after) = self.tidy(now) {
            now += after;
        }
        before.saturating_sub(self.pages())
    }

    /// How many pages there are.
    #[cfg(any(test, runtime_loom))]
    pub(crate) fn pages(&self) -> usize {
        self.depots.iter().map(|depot| depot.pages()).sum()
    }
}
