//! What other threads have woken, until the owner looks.
use std::collections::VecDeque;

use crate::primitives::Mutex;
use crate::primitives::atomic::{AtomicBool, Ordering};

/// A list under a lock, with a flag beside it for the owner who looks often and finds nothing.
pub(super) struct Inbox<T> {
    /// Written under the lock: whether the list holds something.
    mail: AtomicBool,
    list: Mutex<VecDeque<T>>,
}

impl<T> Inbox<T> {
    pub(super) fn new() -> Self {
        Inbox { mail: AtomicBool::new(false), list: Mutex::new(VecDeque::new()) }
    }

    /// Appends. True when it was empty: the owner must be called.
    #[must_use]
    pub(super) fn push(&self, item: T) -> bool {
        let mut list = self.list.lock();
        let first = list.is_empty();
        list.push_back(item);
        // Relaxed: who must see it is ordered by the bell (README).
        self.mail.store(true, Ordering::Relaxed);
        first
    }

    #[inline]
    pub(super) fn has_mail(&self) -> bool {
        // Relaxed: as in `push`.
        self.mail.load(Ordering::Relaxed)
    }

    /// Moves everything behind what is in `to`.
    #[cold]
    pub(super) fn collect(&self, to: &mut VecDeque<T>) {
        let mut list = self.list.lock();
        if to.is_empty() {
            // So the two rings keep their memory, and nothing is copied.
            std::mem::swap(&mut *list, to);
        } else {
            to.append(&mut list);
        }
        // Relaxed: as in `push`.
        self.mail.store(false, Ordering::Relaxed);
    }
}
