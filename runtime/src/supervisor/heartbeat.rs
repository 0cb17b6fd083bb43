//! A slot's heartbeat: whether its thread is inside of a poll, which poll, and of which task. Written by that thread, read by
//! anybody. The README in this folder, "What it sees".

use crate::primitives::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::primitives::atomic::{AtomicBool, AtomicPtr, AtomicU64};
use crate::task::{Header, Id};

/// False only in the build with which `.ci/jobs/instructions.sh` counts what being supervised costs a poll.
pub(crate) const SUPERVISED: bool = !cfg!(runtime_unsupervised);

/// How many polls have ended, and which is under way.
pub(crate) struct Heartbeat {
    polls: AtomicU64,
    /// The task's number; zero between two polls.
    id: AtomicU64,
    /// Where the task is; between two polls, where the last was. Not to be followed: the cell may have gone.
    cell: AtomicPtr<Header>,
    /// Between two polls, but inside of something of the users' all the same.
    away: AtomicBool,
}

/// A poll under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Poll {
    /// No other poll of the slot has this one.
    pub(crate) beat: u64,
    /// The task's.
    pub(crate) id: Id,
    /// To look for among the cells that are there.
    pub(crate) cell: *const Header,
}

impl Heartbeat {
    /// Between two polls.
    pub(crate) fn new() -> Heartbeat {
        Heartbeat {
            polls: AtomicU64::new(0),
            id: AtomicU64::new(0),
            cell: AtomicPtr::new(std::ptr::null_mut()),
            away: AtomicBool::new(false),
        }
    }

    /// A poll of the task with this number, in this cell, begins. By the slot's thread.
    ///
    /// The Release of the number pairs with the Acquire of `is_inside`, too, and on that hangs that nothing is taken twice: who rescues during this poll
    /// sees what was taken before it from the LIFO slot (`queue/README.md`).
    #[inline]
    pub(crate) fn begin(&self, id: u64, cell: *const Header) {
        if SUPERVISED {
            // Ordering: Release pairs with the Acquire of `poll`: who sees what is written here sees the end of the poll
            // before.
            self.cell.store(cell.cast_mut(), Release);
            // Ordering: as above; and who sees the number sees the cell.
            self.id.store(id, Release);
        }
    }

    /// The poll has ended. By the slot's thread.
    #[inline]
    pub(crate) fn end(&self) {
        if SUPERVISED {
            // Relaxed: the count publishes it; and for `is_inside` it comes before the light barrier of the next take.
            self.id.store(0, Relaxed);
        }
        // Relaxed: this thread is the only writer.
        let polls = self.polls.load(Relaxed).wrapping_add(1);
        // Ordering: Release pairs with the Acquire of `poll`: who sees the count does not see the task of the poll that ended.
        self.polls.store(polls, Release);
    }

    /// Polls that have ended.
    pub(crate) fn polls(&self) -> u64 {
        // Relaxed: a figure.
        self.polls.load(Relaxed)
    }

    /// Moves when a poll begins and when it ends: odd inside of one. To be compared with that of another time.
    pub(crate) fn beat(&self) -> u64 {
        self.poll().map_or_else(|| 2 * self.polls(), |poll| poll.beat)
    }

    /// The poll under way. `None` between two, and when it ends or begins meanwhile.
    pub(crate) fn poll(&self) -> Option<Poll> {
        // Ordering: Acquire pairs with the Release of `end`.
        let polls = self.polls.load(Acquire);
        // Ordering: Acquire, both, pairs with the Release of `begin`: if one is a later poll's, so is the count read last.
        let (id, cell) = (self.id.load(Acquire), self.cell.load(Acquire));
        if id == 0 || self.polls() != polls {
            return None;
        }
        Some(Poll { beat: 2 * polls + 1, id: Id::from_number(id), cell })
    }

    /// What the slot's thread calls between two polls may block: wakers in a turn of the driver, and the builder's callbacks. By that thread,
    /// until what it is given is dropped; never inside of a poll.
    #[must_use]
    pub(crate) fn go_away(&self) -> Away<'_> {
        if SUPERVISED {
            // Ordering: Release pairs with the Acquire of `is_inside`, as in `begin`.
            self.away.store(true, Release);
        }
        Away(self)
    }

    /// Whether a poll is under way, or something else that may block. If so, all is seen that was done before it, and if a heavy barrier was passed just before, what the
    /// slot's thread does after it comes after a light one of its.
    #[inline]
    pub(crate) fn is_inside(&self) -> bool {
        // Ordering: Acquire, both, pairs with the Release of `begin` and of `go_away`.
        self.id.load(Acquire) != 0 || self.away.load(Acquire)
    }

    /// Where the task's number is during a poll; zero between two.
    pub(crate) fn number(&self) -> &AtomicU64 {
        &self.id
    }
}

/// The slot's thread is away, as long as this lives.
pub(crate) struct Away<'a>(&'a Heartbeat);

impl Drop for Away<'_> {
    fn drop(&mut self) {
        if SUPERVISED {
            // Relaxed: as the end of a poll, for `is_inside`.
            self.0.away.store(false, Relaxed);
        }
    }
}

impl Default for Heartbeat {
    fn default() -> Heartbeat {
        Heartbeat::new()
    }
}

impl std::fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heartbeat").field("polls", &self.polls()).field("poll", &self.poll()).finish()
    }
}
