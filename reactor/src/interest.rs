//! What a waiter waits for.
use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// One of the two directions of a source. They have a readiness of their own each, and waiters of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Reading, accepting, receiving.
    Read,
    /// Writing, connecting, sending.
    Write,
}

/// A set of kinds of readiness to wait for.
///
/// ```
/// use reactor::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// assert_eq!(both.remove(Interest::READABLE), Some(Interest::WRITABLE));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

const READABLE: u8 = 1;
const WRITABLE: u8 = 2;
const PRIORITY: u8 = 4;
const ERROR: u8 = 8;

impl Interest {
    /// Something to read, or the end of it.
    pub const READABLE: Interest = Interest(READABLE);
    /// Room to write, or nobody to write to.
    pub const WRITABLE: Interest = Interest(WRITABLE);
    /// Out-of-band data, or whatever else the source reports as `EPOLLPRI`. Linux and Android.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const PRIORITY: Interest = Interest(PRIORITY);
    /// An error state. The system always reports it; this is for waiters that want to hear of nothing else.
    pub const ERROR: Interest = Interest(ERROR);

    /// Whether this has [`Interest::READABLE`].
    pub const fn is_readable(self) -> bool {
        self.0 & READABLE != 0
    }

    /// Whether this has [`Interest::WRITABLE`].
    pub const fn is_writable(self) -> bool {
        self.0 & WRITABLE != 0
    }

    /// Whether this has `Interest::PRIORITY`.
    pub const fn is_priority(self) -> bool {
        self.0 & PRIORITY != 0
    }

    /// Whether this has [`Interest::ERROR`].
    pub const fn is_error(self) -> bool {
        self.0 & ERROR != 0
    }

    /// Both sets together.
    #[must_use = "this returns a new set"]
    pub const fn add(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }

    /// This set without `other`; `None` when nothing is left.
    #[must_use = "this returns a new set"]
    pub fn remove(self, other: Interest) -> Option<Interest> {
        match self.0 & !other.0 {
            0 => None,
            left => Some(Interest(left)),
        }
    }

    /// Whether a waiter for this set waits for events of `direction`. Errors and priority come with the read side.
    pub(crate) const fn concerns(self, direction: Direction) -> bool {
        match direction {
            Direction::Read => self.0 & (READABLE | PRIORITY | ERROR) != 0,
            Direction::Write => self.0 & WRITABLE != 0,
        }
    }

    /// What to register with the system for this set.
    #[cfg(not(runtime_loom))]
    pub(crate) fn to_mio(self) -> mio::Interest {
        let mut interest: Option<mio::Interest> = None;
        let mut add = |more: mio::Interest| interest = Some(interest.map_or(more, |known| known | more));
        if self.is_readable() {
            add(mio::Interest::READABLE);
        }
        if self.is_writable() {
            add(mio::Interest::WRITABLE);
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if self.is_priority() {
            add(mio::Interest::PRIORITY);
        }
        // Errors are reported whatever is registered, but something has to be.
        interest.unwrap_or(mio::Interest::READABLE)
    }
}

impl From<Direction> for Interest {
    fn from(direction: Direction) -> Interest {
        match direction {
            Direction::Read => Interest::READABLE,
            Direction::Write => Interest::WRITABLE,
        }
    }
}

impl BitOr for Interest {
    type Output = Interest;

    fn bitor(self, other: Interest) -> Interest {
        self.add(other)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Interest) {
        *self = self.add(other);
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.is_readable(), "READABLE"),
            (self.is_writable(), "WRITABLE"),
            (self.is_priority(), "PRIORITY"),
            (self.is_error(), "ERROR"),
        ];
        crate::ready::write_set(f, &names)
    }
}
