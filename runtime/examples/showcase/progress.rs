//! One line on the terminal that says how far it is.
use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use runtime::time::{Instant, interval};

use crate::tally::Tally;

/// Redraws the line ten times a second until `end`.
pub(crate) async fn show(tally: Arc<Tally>, end: Instant) {
    let style = ProgressStyle::with_template("{spinner} {elapsed:>3} {bar:24} {msg}")
        .expect("the template is well-formed");
    let total = end.saturating_duration_since(Instant::now()).as_millis();
    let line = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX)).with_style(style);
    let mut ticks = interval(Duration::from_millis(100));
    while Instant::now() < end {
        ticks.tick().await;
        let left = end.saturating_duration_since(Instant::now()).as_millis();
        line.set_position(u64::try_from(total.saturating_sub(left)).unwrap_or(u64::MAX));
        line.set_message(format!(
            "{} requests, {} timers, {} jobs",
            HumanCount(tally.requests.done()),
            HumanCount(tally.timers.done()),
            HumanCount(tally.jobs.done())
        ));
    }
    line.finish_and_clear();
}
