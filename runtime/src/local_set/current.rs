//! The set that `spawn_local` means on this thread: the innermost that is being polled here, or was entered.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use reactor_hook::locals;

use crate::local::{Local, Waiters};

/// Its address is the key. Being mutable, it shares that with nothing.
static KEY: AtomicU8 = AtomicU8::new(0);

fn key() -> usize {
    (&raw const KEY).addr()
}

/// Runs `f` while `local` is this thread's set.
pub(super) fn scope<R>(local: &Arc<Local<Waiters>>, f: impl FnOnce() -> R) -> R {
    // SAFETY: `find` alone looks the key up, and takes the value for what it is; the borrow outlasts `f`.
    unsafe { locals::with_scope(key(), Arc::as_ptr(local).cast(), f) }
}

/// `local` is this thread's set until the value is dropped.
pub(super) struct Entered {
    /// Left first.
    _scope: locals::Entered,
    _local: Arc<Local<Waiters>>,
}

impl Entered {
    pub(super) fn new(local: Arc<Local<Waiters>>) -> Entered {
        // SAFETY: as in `scope`; the count is given up after the scope is left, and leaked with it.
        let scope = unsafe { locals::enter(key(), Arc::as_ptr(&local).cast()) };
        Entered { _scope: scope, _local: local }
    }
}

/// This thread's set. Counted, for what is done with it may end the scope.
pub(super) fn find() -> Option<Arc<Local<Waiters>>> {
    let local = locals::find(key())?.cast::<Local<Waiters>>();
    // SAFETY: `scope` and `Entered` alone use the key: the pointer is an `Arc`'s, which is there while the scope lasts.
    unsafe { Arc::increment_strong_count(local) };
    // SAFETY: takes over the count added above.
    Some(unsafe { Arc::from_raw(local) })
}
