//! A thread's presence in the world, for as long as it lives.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::{EnterGuard, Handle};

use super::world::World;

/// The thread has entered the world, or has not. A clone shares the entry: the last to go leaves.
///
/// Tokio wants its guards dropped in reverse order. Ours may be dropped in any: what is entered inside a context of ours
/// shares the entry of that one, so there is one guard of tokio's below all of them.
#[derive(Clone, Default)]
pub(crate) struct Entered(Option<Rc<Entry>>);

struct Entry {
    /// Dropped before `world`, whose handle it borrows.
    guard: Option<EnterGuard<'static>>,
    _world: Arc<World>,
}

impl Entered {
    pub(super) fn new(world: Arc<World>) -> Entered {
        // In the destructor of a thread-local tokio's own may be gone, and `enter` would panic.
        if Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed()) {
            return Entered(None);
        }
        let handle = &raw const world.handle;
        // SAFETY: the handle is in the `Arc` that is kept beside the guard, and moves no more.
        let handle: &'static Handle = unsafe { &*handle };
        Entered(Some(Rc::new(Entry { guard: Some(handle.enter()), _world: world })))
    }

    /// The entry of the context around this one.
    pub(super) fn inherit(outer: Option<&Entered>) -> Option<Entered> {
        outer.filter(|outer| outer.0.is_some()).cloned()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let guard = self.guard.take();
        // Tokio panics when one of its guards that was made later is still there, kept or forgotten by user code. On a
        // worker, which is about to end, that would end the process.
        drop(catch_unwind(AssertUnwindSafe(|| drop(guard))));
    }
}
