//! Which task the calling thread is inside of.
//!
//! Whoever runs tasks says where to look, for all of them at once: a scope of `reactor_hook::locals`, so that who runs them inside
//! of another task comes first. A worker writes for each poll what its heartbeat has anyhow, and nothing besides.
#![allow(unsafe_code)]

use std::sync::atomic::AtomicU8;

use reactor_hook::locals;

use super::id::Id;
use crate::misuse;
use crate::primitives::atomic::{AtomicU64, Ordering};

/// The address is the key. Being mutable, it shares that with nothing.
static KEY: AtomicU8 = AtomicU8::new(0);

fn key() -> usize {
    (&raw const KEY).addr()
}

/// Runs `f`, which says by the function it is given which task it runs: by its number, or zero for none.
pub(crate) fn running<R>(f: impl FnOnce(&dyn Fn(u64)) -> R) -> R {
    let number = AtomicU64::new(0);
    // Relaxed: for this thread alone.
    let say = |task| number.store(task, Ordering::Relaxed);
    // SAFETY: `try_id` alone looks the key up, and takes the value for what it is; the value outlasts `f`.
    unsafe { locals::with_scope(key(), (&raw const number).cast(), || f(&say)) }
}

/// This thread's tasks are those whose numbers are written in a certain place, until the value is dropped.
pub(crate) struct Place {
    _scope: locals::Entered,
}

impl Place {
    /// # Safety
    ///
    /// `number` is there until the value is dropped.
    pub(crate) unsafe fn new(number: &AtomicU64) -> Place {
        // SAFETY: as in `running`.
        Place { _scope: unsafe { locals::enter(key(), std::ptr::from_ref(number).cast()) } }
    }
}

/// The identifier of the task that the caller is part of: as [`JoinHandle::id`](crate::task::JoinHandle::id) gives it.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// let task = runtime::spawn(async { runtime::task::id() });
/// let id = task.id();
/// assert_eq!(task.await.unwrap(), id);
/// # });
/// ```
///
/// # Panics
///
/// Where [`try_id`] gives nothing.
#[track_caller]
pub fn id() -> Id {
    let Some(id) = try_id() else {
        misuse::panic(
            "runtime::task::id",
            "this thread is not inside of a task",
            [
                "call it in a future that was spawned, or in a closure of `spawn_blocking`; the one in `block_on` is no task",
                "where there may be none use `runtime::task::try_id`",
            ],
        )
    };
    id
}

/// The identifier of the task that the caller is part of, if it is part of one: inside of a poll, and inside of a closure of
/// [`spawn_blocking`](crate::task::spawn_blocking) or [`compute::spawn`](crate::compute::spawn). Of several inside one another,
/// the innermost.
///
/// The future in `block_on` is no task, nor is what runs in one of another executor's. What drops a task that is not
/// complete is not inside of it.
///
/// ```
/// assert_eq!(runtime::task::try_id(), None);
/// runtime::block_on(async { assert_eq!(runtime::task::try_id(), None) });
/// ```
pub fn try_id() -> Option<Id> {
    let number = |value: *const ()| {
        // SAFETY: the key is that of `running` and `Place` alone, which keep the value while the scope is on the list.
        let number = unsafe { &*value.cast::<AtomicU64>() };
        // Relaxed: this thread has written it.
        let number = number.load(Ordering::Relaxed);
        (number != 0).then(|| Id::from_number(number))
    };
    // SAFETY: `number` enters and leaves nothing.
    unsafe { locals::find_map(key(), number) }
}
