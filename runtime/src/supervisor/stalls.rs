//! Which stalls are reported: of each place where tasks are spawned one a second, its beginning and its end.
use std::collections::HashMap;
use std::panic::Location;
use std::time::Duration;

use crate::stall::StallReport;
use crate::task::{Id, Label};

/// The least time between two reports of one place.
const PAUSE: Duration = Duration::from_secs(1);

/// A slot's stuck poll.
#[derive(Debug)]
struct Stall {
    report: StallReport,
    reported: bool,
}

#[derive(Debug, Default)]
struct Place {
    /// Time since the last report, by the clock: samples may be seldom.
    since: Duration,
    unreported: u64,
}

/// The stalls under way, and when the last of each place was reported.
#[derive(Debug, Default)]
pub(super) struct Stalls {
    open: HashMap<usize, Stall>,
    places: HashMap<&'static Location<'static>, Place>,
    /// To be passed on when everything else is done.
    due: Vec<StallReport>,
}

impl Stalls {
    /// Another sample, so long after the last by the clock.
    pub(super) fn pass(&mut self, passed: Duration) {
        for place in self.places.values_mut() {
            place.since = place.since.saturating_add(passed);
        }
        // What is due again anyway need not be remembered.
        self.places.retain(|_, place| place.since < PAUSE || place.unreported > 0);
    }

    /// A poll was found stuck.
    pub(super) fn begin(&mut self, slot: usize, id: Id, label: Label, lasted: Duration) {
        let mut report = StallReport::new(id, label, slot, lasted);
        let place = self.places.entry(report.spawned_at).or_insert(Place { since: PAUSE, unreported: 0 });
        let reported = place.since >= PAUSE;
        if reported {
            place.since = Duration::ZERO;
            report.unreported = std::mem::take(&mut place.unreported);
            self.due.push(report.clone());
        } else {
            place.unreported += 1;
        }
        self.open.insert(slot, Stall { report, reported });
    }

    /// It is still stuck.
    pub(super) fn go_on(&mut self, slot: usize, lasted: Duration) {
        if let Some(stall) = self.open.get_mut(&slot) {
            stall.report.lasted = lasted;
        }
    }

    /// The slot's poll is another one, or none.
    pub(super) fn end(&mut self, slot: usize) {
        if let Some(stall) = self.open.remove(&slot).filter(|stall| stall.reported) {
            self.due.push(StallReport { over: true, unreported: 0, ..stall.report });
        }
    }

    /// Whether the slot's is known of.
    pub(super) fn is_open(&self, slot: usize) -> bool {
        self.open.contains_key(&slot)
    }

    /// How many are under way.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    pub(super) fn take_due(&mut self) -> Vec<StallReport> {
        std::mem::take(&mut self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_millis(10);

    #[test]
    fn a_stall_is_reported_when_it_is_found_and_when_it_is_over() {
        let mut stalls = Stalls::default();
        let label = Label::named(Location::caller(), "reader");
        stalls.begin(3, Id::from_number(7), label, TEN);
        let first = stalls.take_due();
        assert_eq!(first, [StallReport::new(Id::from_number(7), label, 3, TEN)]);
        stalls.go_on(3, 5 * TEN);
        assert_eq!((stalls.take_due().len(), stalls.open()), (0, 1));
        stalls.end(3);
        stalls.end(3);
        let last = stalls.take_due();
        assert_eq!(last, [StallReport { over: true, lasted: 5 * TEN, ..first[0].clone() }]);
        assert_eq!(stalls.open(), 0);
    }

    #[test]
    fn of_each_place_one_a_second_is_reported_and_the_rest_counted() {
        let mut stalls = Stalls::default();
        let (here, there) = (Label::caller(), Label::caller());
        let id = Id::from_number;
        for number in 1..=5 {
            stalls.begin(0, id(number), here, TEN);
            stalls.end(0);
        }
        stalls.begin(1, id(9), there, TEN);
        let due: Vec<_> = stalls.take_due().into_iter().map(|report| (report.id, report.over)).collect();
        assert_eq!(due, [(id(1), false), (id(1), true), (id(9), false)]);
        stalls.pass(PAUSE);
        stalls.begin(0, id(6), here, TEN);
        let due = stalls.take_due();
        assert_eq!((due.len(), due[0].id, due[0].unreported), (1, id(6), 4));
        stalls.pass(PAUSE);
        stalls.pass(PAUSE);
        assert!(stalls.places.is_empty());
    }
}
