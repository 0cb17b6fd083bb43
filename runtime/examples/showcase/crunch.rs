//! CPU work: on the blocking pool, and as tasks.
use std::sync::Arc;

use runtime::time::Instant;

use crate::tally::Tally;

/// One job after the other on the blocking pool until `end`.
pub(crate) async fn jobs(tally: Arc<Tally>, end: Instant) {
    while Instant::now() < end {
        tally.jobs.begin();
        let primes = runtime::task::spawn_blocking(|| primes_below(20_000)).await;
        if primes.is_ok_and(|primes| primes == 2_262) {
            tally.jobs.finish();
        }
    }
}

/// The task that `block_on` runs spawns all the work: what the workers do, they have stolen.
pub(crate) async fn one_spawner(end: Instant) {
    while Instant::now() < end {
        // Few enough to fit into one local queue, so that none goes by way of the injector.
        let tasks: Vec<_> = (0..128).map(|_| runtime::spawn(async { primes_below(2_000) })).collect();
        for task in tasks {
            assert_eq!(task.await.expect("counting does not panic"), 303);
        }
    }
}

/// By trial division: work for its own sake.
fn primes_below(limit: u32) -> usize {
    (2..limit)
        .filter(|number| {
            (2..).take_while(|divisor| divisor * divisor <= *number).all(|divisor| number % divisor != 0)
        })
        .count()
}
