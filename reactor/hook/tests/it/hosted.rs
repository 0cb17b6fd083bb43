//! Threads for what no frame has a place for.
use std::time::{Duration, Instant};

use futures::executor::block_on;
use reactor_hook::{Driver as _, Placement, drive};

use crate::reactors::Anywhere;
use crate::support::{until, watchdog};

#[test]
fn several_drivers_have_a_thread_each() {
    let _watchdog = watchdog();
    let (one, other) = (Anywhere::new("one"), Anywhere::new("other"));
    block_on(async {
        for _ in 0..10 {
            one.events.happen_soon();
            other.events.happen_soon();
            let (first, second) = futures::join!(one.next(), other.next());
            first.and(second).unwrap();
        }
    });
    assert_eq!((one.events.threads().len(), other.events.threads().len()), (1, 1));
    assert_ne!(one.events.threads(), other.events.threads());
}

#[test]
fn a_thread_ends_when_nobody_has_needed_it_for_a_while_and_another_is_started_on_demand() {
    let _watchdog = watchdog();
    let driver = Anywhere::new("driver");
    let start = Instant::now();
    assert_eq!(drive(&driver).unwrap(), Placement::Elsewhere);
    driver.events.happen();
    until(|| !driver.attendance().is_attended());
    assert!(start.elapsed() >= Duration::from_secs(10), "it may be needed again");
    assert_eq!(driver.events.waiting(), 0);
    driver.events.happen_soon();
    block_on(driver.next()).unwrap();
    assert_eq!(driver.events.threads().len(), 2);
}
