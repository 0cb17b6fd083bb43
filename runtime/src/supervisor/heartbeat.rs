//! A slot's heartbeat: whether its thread is inside of a poll, which poll, and of which task. Written by that thread, read by
//! anybody. The README in this folder, "What it sees".
#![allow(unsafe_code)]

use crate::primitives::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::primitives::atomic::{AtomicPtr, AtomicU64};
use crate::task::{Id, Label};

/// A counter that moves when a poll begins and when it ends: odd inside of one. And what is being polled.
pub(crate) struct Heartbeat {
    beat: AtomicU64,
    id: AtomicU64,
    label: AtomicPtr<()>,
}

/// A poll under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Poll {
    /// No other poll of the slot has this one.
    pub(crate) beat: u64,
    /// The task's.
    pub(crate) id: Id,
    pub(crate) label: Label,
}

impl Heartbeat {
    /// Between two polls.
    pub(crate) fn new() -> Heartbeat {
        Heartbeat {
            beat: AtomicU64::new(0),
            id: AtomicU64::new(0),
            label: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// A poll begins. By the slot's thread; the answer is for `end`.
    #[inline]
    pub(crate) fn begin(&self, id: Id, label: Label) -> u64 {
        // Ordering: Release pairs with the Acquire of `poll`: who sees what is written here sees the end of the poll before.
        self.id.store(id.as_nonzero().get(), Release);
        // Ordering: as above.
        self.label.store(label.as_ptr(), Release);
        // Relaxed: this thread is the only writer.
        let beat = self.beat.load(Relaxed).wrapping_add(1);
        // Ordering: Release pairs with the Acquire of `poll`: who sees the beat sees what is polled.
        self.beat.store(beat, Release);
        beat
    }

    /// The poll has ended. By the slot's thread.
    #[inline]
    pub(crate) fn end(&self, began: u64) {
        // Relaxed: the next `begin` publishes it.
        self.beat.store(began.wrapping_add(1), Relaxed);
    }

    /// Whether the slot's thread is inside of a poll. By that thread.
    #[inline]
    pub(crate) fn in_poll(&self) -> bool {
        // Relaxed: its own writes.
        self.beat.load(Relaxed) % 2 == 1
    }

    /// Polls so far.
    pub(crate) fn polls(&self) -> u64 {
        // Relaxed: a figure. Two beats a poll.
        self.beat.load(Relaxed) / 2
    }

    /// To be compared with that of another time.
    pub(crate) fn beat(&self) -> u64 {
        // Relaxed: samples are compared.
        self.beat.load(Relaxed)
    }

    /// The poll under way. `None` between two, and when it ends or begins meanwhile.
    pub(crate) fn poll(&self) -> Option<Poll> {
        // Ordering: Acquire pairs with the Release of `begin`.
        let beat = self.beat.load(Acquire);
        if beat.is_multiple_of(2) {
            return None;
        }
        // Ordering: Acquire, both, pairs with the Release of `begin`: if one is a later poll's, so is the beat read last.
        let (id, label) = (self.id.load(Acquire), self.label.load(Acquire));
        if self.beat.load(Relaxed) != beat {
            return None;
        }
        // SAFETY: the beat was odd, so a `begin` wrote it from such a value.
        let label = unsafe { Label::from_ptr(label) };
        Some(Poll { beat, id: Id::from_number(id), label })
    }
}

impl Default for Heartbeat {
    fn default() -> Heartbeat {
        Heartbeat::new()
    }
}

impl std::fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heartbeat").field("poll", &self.poll()).field("polls", &self.polls()).finish()
    }
}
