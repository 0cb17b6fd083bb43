//! Where an entry is armed: decided at poll. README: *Where an entry goes*.
#![allow(unsafe_code)]

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use reactor_hook::process::{Origin, PerProcess};

use crate::Timers;
use crate::entry::Entry;
use crate::instant::Instant;

/// Arms an entry that is in no wheel, where somebody keeps the time; ready if its deadline is over there.
///
/// # Panics
///
/// If that takes a thread, and the operating system refuses it. The entry is then in no wheel.
pub(crate) fn arm(mut entry: Pin<&mut Entry>, deadline: Instant, waker: &Waker) -> Poll<()> {
    let Some(here) = reactor_hook::source_here::<Timers>().filter(|here| here.is_timed) else {
        return arm_elsewhere(entry, deadline, waker);
    };
    // SAFETY: the frame is entered, and nobody leaves it until this reference has been used for the last time.
    let timers = unsafe { here.source.as_ref() };
    let home = timers.shard(here.lane);
    let tick = home.keeper().tick_of_deadline(deadline);
    if home.keeper().is_over(tick) {
        entry.elapse();
        return Poll::Ready(());
    }
    let former = entry.as_mut().settle(home);
    // From here on code of others runs, which might leave the frame: `timers` is used no more.
    let waker = waker.clone();
    drop(former);
    entry.arm(tick, waker);
    Poll::Pending
}

/// Where another thread keeps the time, or nobody yet.
#[cold]
fn arm_elsewhere(mut entry: Pin<&mut Entry>, deadline: Instant, waker: &Waker) -> Poll<()> {
    let found = reactor_hook::with_source(
        || Timers::new(1),
        |timers: Option<&Timers>| {
            timers.map(|timers| drop(entry.as_mut().settle(timers.shard(reactor_hook::lane())))).is_some()
        },
    );
    if found && let Some(poll) = arm_at_home(entry.as_mut(), deadline, waker) {
        return poll;
    }
    arm_process_wide(entry, deadline, waker)
}

/// `None` if nobody keeps the time there; the entry is then in no wheel.
fn arm_at_home(mut entry: Pin<&mut Entry>, deadline: Instant, waker: &Waker) -> Option<Poll<()>> {
    let keeper = entry.as_mut().home()?.keeper();
    let (tick, here) = (keeper.tick_of_deadline(deadline), keeper.is_here());
    if keeper.is_over(tick) {
        entry.elapse();
        return Some(Poll::Ready(()));
    }
    entry.as_mut().arm(tick, waker.clone());
    if here {
        return Some(Poll::Pending);
    }
    let keeper = entry.as_mut().home()?.keeper();
    let process = keeper.process;
    if keeper.attendance.is_attended() && process.is_here() {
        return Some(Poll::Pending);
    }
    drop(entry.disarm());
    if !process.is_here() {
        inherited(process);
    }
    None
}

#[cold]
fn arm_process_wide(mut entry: Pin<&mut Entry>, deadline: Instant, waker: &Waker) -> Poll<()> {
    let timers = process_wide();
    loop {
        drop(entry.as_mut().settle(timers.shard(0)));
        if let Some(poll) = arm_at_home(entry.as_mut(), deadline, waker) {
            return poll;
        }
        // It may end again before the entry is there: hence the loop.
        if let Err(error) = reactor_hook::time(timers) {
            refused(&error);
        }
    }
}

/// The `Timers` of all who have no executor that keeps their time.
fn process_wide() -> &'static Arc<Timers> {
    static PROCESS_WIDE: PerProcess<Arc<Timers>> = PerProcess::new();
    // The thread that keeps its time has no frame and goes by the system's clock, whatever the clock is here: the one
    // place that asks the system itself.
    PROCESS_WIDE.get(|| Timers::with_origin(1, std::time::Instant::now()))
}

#[cold]
fn inherited(process: Origin) -> ! {
    let thread = std::thread::current();
    panic!(
        "cannot wait for a deadline on thread `{}`: the runtime entered here was {process}\n\
         help: leave the runtime's context before the fork, or make another runtime in the child\n\
         help: or have the child call `exec`",
        thread.name().unwrap_or("unnamed")
    );
}

#[cold]
fn refused(error: &std::io::Error) -> ! {
    let thread = std::thread::current();
    panic!(
        "cannot wait for a deadline on thread `{}`: nobody here keeps the time, and the thread that would is refused: {error}\n\
         help: raise the limit on threads or memory (ulimit -u, the cgroup's pids.max)\n\
         help: or poll the timer inside a runtime, which keeps the time on its own threads",
        thread.name().unwrap_or("unnamed")
    );
}
