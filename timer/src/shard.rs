//! A wheel under its lock, and its earliest tick published beside it.
#![allow(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use crate::batch::Batch;
use crate::entry::Entry;
use crate::keeper::Keeper;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};
use crate::wheel::{NEVER, Wheel};

// Two cache lines: the processor's prefetcher takes them in pairs, and lanes must not share any.
#[repr(align(128))]
pub(crate) struct Shard {
    /// A lower bound of the ticks in the wheel. Written under the lock.
    earliest: AtomicU64,
    wheel: Mutex<Wheel>,
    keeper: Arc<Keeper>,
}

impl Shard {
    pub(crate) fn new(keeper: Arc<Keeper>) -> Self {
        Shard { earliest: AtomicU64::new(NEVER), wheel: Mutex::new(Wheel::new()), keeper }
    }

    #[inline]
    pub(crate) fn keeper(&self) -> &Arc<Keeper> {
        &self.keeper
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Wheel> {
        self.wheel.lock()
    }

    /// A hint without the lock, see the README's *Who waits*.
    #[inline]
    pub(crate) fn earliest(&self) -> u64 {
        // Ordering: Relaxed: a look that must not miss an insert is ordered by the fences of `Waiting`.
        self.earliest.load(Ordering::Relaxed)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The earliest tick as well as it can be told, which takes the lock.
    pub(crate) fn search_earliest(&self) -> u64 {
        if self.earliest() == NEVER {
            return NEVER;
        }
        let mut wheel = self.lock();
        wheel.search_earliest();
        let earliest = wheel.earliest();
        // Ordering: Relaxed: as in `drain`.
        self.earliest.store(earliest, Ordering::Relaxed);
        earliest
    }

    /// After an insertion that `is_earliest` of all here: publishes it, and unparks who waits for a later one.
    #[inline]
    pub(crate) fn publish_and_unlock(&self, wheel: MutexGuard<'_, Wheel>, is_earliest: bool) {
        if is_earliest {
            let earliest = wheel.earliest();
            // Ordering: Relaxed: as in `earliest`.
            self.earliest.store(earliest, Ordering::Relaxed);
            drop(wheel);
            self.keeper.earlier(earliest);
        }
    }

    /// Wakes all that is due at `now`.
    #[inline]
    pub(crate) fn fire(&self, now: u64) {
        if self.earliest() <= now {
            // SAFETY: popped under the lock; only entries are put into the wheel.
            self.drain(|wheel| wheel.pop(now).map(|node| unsafe { Entry::fire(node) }));
        }
    }

    /// Takes out all entries, due or not, and wakes them so that they go elsewhere.
    pub(crate) fn abandon(&self) {
        // SAFETY: as in `fire`.
        self.drain(|wheel| wheel.pop_any().map(|node| unsafe { Entry::orphan(node) }));
    }

    fn drain(&self, mut pop: impl FnMut(&mut Wheel) -> Option<std::task::Waker>) {
        let mut batch = Batch::new();
        loop {
            let mut wheel = self.lock();
            let mut drained = false;
            while !batch.is_full() {
                match pop(&mut wheel) {
                    Some(waker) => batch.push(waker),
                    None => {
                        drained = true;
                        break;
                    }
                }
            }
            // Ordering: Relaxed: as in `earliest`. Later than before, so that nobody needs to be unparked.
            self.earliest.store(wheel.earliest(), Ordering::Relaxed);
            drop(wheel);
            batch.wake();
            if drained {
                return;
            }
        }
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard").field("earliest", &self.earliest()).finish_non_exhaustive()
    }
}
