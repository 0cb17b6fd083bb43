//! Tasks whose polls are counted and timed: their vtable has a `run` of its own, and behind it the one that their types gave
//! them. So the others have no part in it, and nobody asks at a poll whether it is to be timed.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::time::Instant;

// Not through `primitives`: a static, and no protocol depends on it.
use parking_lot::Mutex;

use super::header::{RawTask, Vtable};
use super::id::Id;
use super::notified::{Here, Polled, Step};
use crate::poll_times;

/// The vtable for a task about to be spawned, whose polls are counted from now on.
#[cold]
pub(super) fn begin(id: Id, plain: &'static Vtable) -> &'static Vtable {
    poll_times::begin(id.as_nonzero().get());
    timed(plain)
}

/// Kept for as long as the process runs: one for each type of task.
fn timed(plain: &'static Vtable) -> &'static Vtable {
    static TIMED: Mutex<BTreeMap<usize, &'static Vtable>> = Mutex::new(BTreeMap::new());
    let make = || -> &'static Vtable { Box::leak(Box::new(Vtable { run, behind: Some(plain), ..*plain })) };
    TIMED.lock().entry(std::ptr::from_ref(plain).addr()).or_insert_with(make)
}

/// # Safety
///
/// As for the `run` behind it.
unsafe fn run(task: RawTask, polled: &Polled, here: Here<'_>) -> Step {
    let id = task.face().id_number();
    let plain = task.vtable().behind.expect("only `timed` makes vtables with this function");
    let began = Instant::now();
    // SAFETY: passed on.
    let step = unsafe { (plain.run)(task, polled, here) };
    // From here on the task is somebody else's, or gone.
    match step {
        Step::Idle | Step::Again => poll_times::count(id, began.elapsed()),
        Step::Done => poll_times::end(id),
    }
    step
}
