//! A runtime's share in the world.
use std::io;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::entered::Entered;
use super::world::World;

/// Whether a runtime wants tokio's world; its builder's option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted(pub(crate) bool);

impl Wanted {
    /// What a builder begins with.
    pub(crate) const NO: Wanted = Wanted(false);
}

/// Keeps the world from when a runtime is built until it is torn down.
pub(crate) struct Lease {
    wanted: Wanted,
    world: Mutex<Option<Arc<World>>>,
}

impl Lease {
    pub(crate) fn new(wanted: Wanted) -> io::Result<Lease> {
        let world = if wanted.0 { Some(World::acquire()?) } else { None };
        Ok(Lease { wanted, world: Mutex::new(world) })
    }

    /// For a thread that enters a context of the runtime, inside of which `outer` is entered already. After the teardown
    /// it gets a world all the same: what is polled there finds a reactor.
    pub(crate) fn enter(&self, outer: Option<&Entered>) -> Entered {
        if let Some(entered) = Entered::inherit(outer) {
            return entered;
        }
        if !self.wanted.0 {
            return Entered::default();
        }
        let world = self.world.lock().clone();
        // Refused a thread, after the teardown only: then the future that needs it says so.
        world.map_or_else(World::acquire, Ok).map_or_else(|_| Entered::default(), Entered::new)
    }

    /// The runtime is torn down.
    pub(crate) fn give_up(&self) {
        let world = self.world.lock().take();
        // Not under the lock.
        drop(world);
    }

    /// For the one who ends the runtime, and may wait for the end of the world.
    pub(crate) fn keep(&self) -> Kept {
        Kept(self.world.lock().clone())
    }
}

/// See [`Lease::keep`].
pub(crate) struct Kept(Option<Arc<World>>);

impl Kept {
    /// If nobody else has the world, waits for its end until `deadline`.
    pub(crate) fn end(self, deadline: Option<Instant>) {
        if let Some(world) = self.0 {
            World::end(world, deadline);
        }
    }
}
