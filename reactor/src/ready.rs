//! What a source was found ready for.
use std::fmt;
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Sub, SubAssign};

use crate::interest::Direction;
#[cfg(not(runtime_loom))]
use crate::interest::Interest;

/// A set of kinds of readiness. It is a hint: an operation may still find that it would block.
///
/// ```
/// use reactor::Ready;
///
/// let ready = Ready::READABLE | Ready::READ_CLOSED;
/// assert!(ready.is_readable() && ready.is_read_closed() && !ready.is_writable());
/// assert_eq!(ready - Ready::READABLE, Ready::READ_CLOSED);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ready(u8);

impl Ready {
    /// Nothing.
    pub const EMPTY: Ready = Ready(0);
    /// There is something to read.
    pub const READABLE: Ready = Ready(1);
    /// There is room to write.
    pub const WRITABLE: Ready = Ready(1 << 1);
    /// Nothing will come after what can still be read.
    pub const READ_CLOSED: Ready = Ready(1 << 2);
    /// Nobody takes what is written any more.
    pub const WRITE_CLOSED: Ready = Ready(1 << 3);
    /// Out-of-band data. Linux and Android.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const PRIORITY: Ready = Ready::PRIORITY_BIT;
    /// The source is in an error state.
    pub const ERROR: Ready = Ready(1 << 5);
    /// Everything.
    pub const ALL: Ready = Ready(0b11_1111);

    pub(crate) const PRIORITY_BIT: Ready = Ready(1 << 4);

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a read would find something: data, or the end of it.
    pub const fn is_readable(self) -> bool {
        self.0 & (Ready::READABLE.0 | Ready::READ_CLOSED.0) != 0
    }

    /// Whether a write would not block: there is room, or nobody to write to.
    pub const fn is_writable(self) -> bool {
        self.0 & (Ready::WRITABLE.0 | Ready::WRITE_CLOSED.0) != 0
    }

    /// Whether the read side is closed.
    pub const fn is_read_closed(self) -> bool {
        self.0 & Ready::READ_CLOSED.0 != 0
    }

    /// Whether the write side is closed.
    pub const fn is_write_closed(self) -> bool {
        self.0 & Ready::WRITE_CLOSED.0 != 0
    }

    /// Whether there is out-of-band data.
    pub const fn is_priority(self) -> bool {
        self.0 & Ready::PRIORITY_BIT.0 != 0
    }

    /// Whether the source is in an error state.
    pub const fn is_error(self) -> bool {
        self.0 & Ready::ERROR.0 != 0
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u8) -> Ready {
        Ready(bits & Ready::ALL.0)
    }

    pub(crate) const fn and(self, other: Ready) -> Ready {
        Ready(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }

    /// What the readiness of `direction` may consist of.
    pub(crate) const fn of(direction: Direction) -> Ready {
        match direction {
            Direction::Read => {
                Ready::READABLE.or(Ready::READ_CLOSED).or(Ready::PRIORITY_BIT).or(Ready::ERROR)
            }
            Direction::Write => Ready::WRITABLE.or(Ready::WRITE_CLOSED).or(Ready::ERROR),
        }
    }

    /// What satisfies a waiter for `interest`.
    #[cfg(not(runtime_loom))]
    pub(crate) fn satisfying(interest: Interest) -> Ready {
        let mut ready = Ready::EMPTY;
        if interest.is_readable() {
            ready |= Ready::READABLE | Ready::READ_CLOSED | Ready::ERROR;
        }
        if interest.is_writable() {
            ready |= Ready::WRITABLE | Ready::WRITE_CLOSED | Ready::ERROR;
        }
        if interest.is_priority() {
            ready |= Ready::PRIORITY_BIT | Ready::READ_CLOSED;
        }
        if interest.is_error() {
            ready |= Ready::ERROR;
        }
        ready
    }

    /// What the system reported.
    #[cfg(all(not(runtime_loom), any(test, not(target_os = "linux"))))]
    pub(crate) fn from_event(event: &mio::event::Event) -> Ready {
        let mut ready = Ready::EMPTY;
        if event.is_readable() {
            ready |= Ready::READABLE;
        }
        if event.is_writable() {
            ready |= Ready::WRITABLE;
        }
        if event.is_read_closed() {
            ready |= Ready::READ_CLOSED;
        }
        if event.is_write_closed() {
            ready |= Ready::WRITE_CLOSED;
        }
        if event.is_priority() {
            ready |= Ready::PRIORITY_BIT;
        }
        if event.is_error() {
            ready |= Ready::ERROR;
        }
        ready
    }
}

impl BitOr for Ready {
    type Output = Ready;

    fn bitor(self, other: Ready) -> Ready {
        self.or(other)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Ready) {
        *self = self.or(other);
    }
}

impl BitAnd for Ready {
    type Output = Ready;

    fn bitand(self, other: Ready) -> Ready {
        self.and(other)
    }
}

impl BitAndAssign for Ready {
    fn bitand_assign(&mut self, other: Ready) {
        *self = self.and(other);
    }
}

impl Sub for Ready {
    type Output = Ready;

    fn sub(self, other: Ready) -> Ready {
        Ready(self.0 & !other.0)
    }
}

impl SubAssign for Ready {
    fn sub_assign(&mut self, other: Ready) {
        *self = *self - other;
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.0 & Ready::READABLE.0 != 0, "READABLE"),
            (self.0 & Ready::WRITABLE.0 != 0, "WRITABLE"),
            (self.is_read_closed(), "READ_CLOSED"),
            (self.is_write_closed(), "WRITE_CLOSED"),
            (self.is_priority(), "PRIORITY"),
            (self.is_error(), "ERROR"),
        ];
        write_set(f, &names)
    }
}

/// Names of what is set, with bars between.
pub(crate) fn write_set(f: &mut fmt::Formatter<'_>, names: &[(bool, &str)]) -> fmt::Result {
    let mut separator = "";
    for (_, name) in names.iter().filter(|(set, _)| *set) {
        write!(f, "{separator}{name}")?;
        separator = " | ";
    }
    if separator.is_empty() { f.write_str("EMPTY") } else { Ok(()) }
}
