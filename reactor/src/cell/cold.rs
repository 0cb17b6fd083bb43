//! Further waiters of a source: those that found the slot of their direction taken.
use std::task::Waker;

use crate::interest::Direction;
use crate::sync::Mutex;

/// The list behind a lock, for the case that is rare: two futures waiting for one direction of one source.
#[derive(Debug)]
pub(crate) struct ColdList(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    waiters: Vec<Waiter>,
    next_id: u64,
}

#[derive(Debug)]
struct Waiter {
    direction: Direction,
    id: u64,
    waker: Waker,
}

/// The one entry of all `poll_*` callers of a direction: the last one's waker is woken.
pub(crate) const SHARED: u64 = 0;

impl ColdList {
    pub(crate) fn new() -> ColdList {
        ColdList(Mutex::new(Inner { waiters: Vec::new(), next_id: SHARED + 1 }))
    }

    /// Puts a waiter on the list, or its new waker in the place of its old one, and returns its id.
    pub(crate) fn put(&self, direction: Direction, id: Option<u64>, waker: &Waker) -> u64 {
        let waker = waker.clone();
        let mut inner = self.0.lock();
        let id = id.unwrap_or_else(|| {
            let id = inner.next_id;
            inner.next_id += 1;
            id
        });
        let known = inner.waiters.iter_mut().find(|known| known.id == id && known.direction == direction);
        let replaced = match known {
            Some(known) => Some(std::mem::replace(&mut known.waker, waker)),
            None => {
                inner.waiters.push(Waiter { direction, id, waker });
                None
            }
        };
        drop(inner);
        drop(replaced);
        id
    }

    /// Takes one waiter off.
    pub(crate) fn remove(&self, direction: Direction, id: u64) {
        let mut inner = self.0.lock();
        let at = inner.waiters.iter().position(|known| known.id == id && known.direction == direction);
        let removed = at.map(|at| inner.waiters.swap_remove(at));
        drop(inner);
        drop(removed);
    }

    /// Takes off all who wait for `direction`.
    pub(crate) fn take(&self, direction: Direction) -> Vec<Waker> {
        let mut inner = self.0.lock();
        let (taken, left) =
            std::mem::take(&mut inner.waiters).into_iter().partition(|known| known.direction == direction);
        inner.waiters = left;
        drop(inner);
        let taken: Vec<Waiter> = taken;
        taken.into_iter().map(|waiter| waiter.waker).collect()
    }
}
