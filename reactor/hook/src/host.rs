//! Threads for drivers and sources that no frame has a place for: started on demand, ended when unused.
#[cfg(all(test, not(runtime_loom)))]
mod tests;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::driver::{Driver, Turn};
use crate::parker::Parker;
use crate::quiet::quietly;
use crate::source::DeadlineSource;
use crate::sync::thread;

/// How long an unused thread waits for somebody to need it again. Tokio's blocking threads wait as long.
#[cfg(not(runtime_loom))]
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Time does not pass in a model: it is over at once.
#[cfg(runtime_loom)]
const KEEP_ALIVE: Duration = Duration::ZERO;

/// Starts a thread that drives `driver` until it has been unused for the keep-alive. Does nothing when somebody
/// attends it.
pub(crate) fn driver(driver: Arc<dyn Driver>) -> io::Result<()> {
    if !driver.attendance().try_attend() {
        return Ok(());
    }
    take_over(driver)
}

/// Starts a thread that goes on driving what somebody has attended so far, with no moment in between.
pub(crate) fn take_over(driver: Arc<dyn Driver>) -> io::Result<()> {
    let thread = thread::Builder::new().name(format!("{}/driver", driver.name()));
    let hosted = HostedDriver(driver);
    // A thread that is refused drops what it was to run.
    thread.spawn(move || hosted.run()).map(drop)
}

/// The promise to drive, as long as it lives. It ends with the thread, also when a waker that it called panicked, or
/// because there is no thread: others may have found the driver attended meanwhile.
struct HostedDriver(Arc<dyn Driver>);

impl HostedDriver {
    fn run(self) {
        // Until somebody uses it: he may not come.
        let mut unused_since = Some(Instant::now());
        loop {
            let left = unused_since.map(|since| KEEP_ALIVE.saturating_sub(since.elapsed()));
            let turn = self.0.block(left);
            match (turn, unused_since) {
                (Turn::Used, _) => unused_since = None,
                (Turn::Unused, None) => unused_since = Some(Instant::now()),
                (Turn::Unused, Some(since)) if since.elapsed() < KEEP_ALIVE => {}
                (Turn::Unused, Some(_)) => return,
            }
        }
    }
}

impl Drop for HostedDriver {
    fn drop(&mut self) {
        leave_driver(&*self.0);
    }
}

/// Vacates and sends the waiters to look for somebody else. One that came in meanwhile is among those woken. Somebody's
/// waker may panic: whoever leaves has more to do.
pub(crate) fn leave_driver(driver: &dyn Driver) {
    quietly(|| driver.attendance().vacate());
    quietly(|| driver.abandoned());
}

/// Starts a thread that keeps `source`'s time until it has had no deadline for the keep-alive.
pub(crate) fn source(source: Arc<dyn DeadlineSource>) -> io::Result<()> {
    if !source.attendance().try_attend() {
        return Ok(());
    }
    let thread = thread::Builder::new().name(format!("{}/time", source.name()));
    let hosted = HostedSource(source);
    thread.spawn(move || hosted.run()).map(drop)
}

/// As `HostedDriver`, of a source's time.
struct HostedSource(Arc<dyn DeadlineSource>);

impl HostedSource {
    fn run(self) {
        let parker = Parker::new();
        // Until then, an earlier deadline is seen by the first look.
        self.0.set_unpark(Some(parker.clone()));
        let mut unused_since: Option<Instant> = None;
        loop {
            let now = Instant::now();
            self.0.fire(now);
            let timeout = match self.0.next_deadline() {
                Some(deadline) => {
                    unused_since = None;
                    deadline.saturating_duration_since(now)
                }
                None => {
                    let since = *unused_since.get_or_insert(now);
                    if now.saturating_duration_since(since) >= KEEP_ALIVE {
                        return;
                    }
                    KEEP_ALIVE.saturating_sub(now.saturating_duration_since(since))
                }
            };
            parker.park(None, Some(timeout));
        }
    }
}

impl Drop for HostedSource {
    fn drop(&mut self) {
        leave_source(&*self.0);
    }
}

/// Vacates and sends the waiters to look for somebody else, as `leave_driver` does.
pub(crate) fn leave_source(source: &dyn DeadlineSource) {
    quietly(|| source.set_unpark(None));
    quietly(|| source.attendance().vacate());
    quietly(|| source.abandoned());
}
