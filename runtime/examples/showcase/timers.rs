//! Many tasks that sleep over and over.
use std::sync::Arc;
use std::time::Duration;

use runtime::time::{Instant, sleep};

use crate::tally::Tally;

/// Keeps `count` timers going; none is armed after `end`.
pub(crate) async fn keep_going(count: usize, tally: Arc<Tally>, end: Instant) {
    let mut sleepers = Vec::with_capacity(count);
    for index in 0..count {
        let tally = Arc::clone(&tally);
        sleepers.push(runtime::spawn(async move {
            // A half to one second, the deadlines spread evenly.
            let period = Duration::from_millis(500 + index as u64 % 500);
            while Instant::now() < end {
                tally.timers.begin();
                let armed = Instant::now();
                sleep(period).await;
                // One that fires early counts as lost.
                if armed.elapsed() >= period {
                    tally.timers.finish();
                }
            }
        }));
    }
    for sleeper in sleepers {
        sleeper.await.expect("no sleeper panics");
    }
}
