//! Task identifiers.
use std::fmt;
use std::num::NonZeroU64;
// Not through `sync`: a static, and no protocol depends on it.
use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies a task among all that the process has ever spawned.
///
/// ```
/// # fn names(a: runtime::task::Id, b: runtime::task::Id) {
/// if a == b {
///     println!("task {a} met itself");
/// }
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(NonZeroU64);

/// Taken from the shared counter at once by a worker, so that a spawn does not write a line that all share.
pub(super) const BLOCK: u64 = 1024;

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Id {
    /// An identifier for a thread that is no worker; a worker's cache hands out its own.
    pub(crate) fn next() -> Id {
        Self::from_number(Self::take_block(1))
    }

    /// The first of `count` identifiers that nobody else gets.
    pub(super) fn take_block(count: u64) -> u64 {
        // Relaxed: only uniqueness is asked for.
        NEXT.fetch_add(count, Ordering::Relaxed)
    }

    /// The identifier as a number, for reports.
    pub(crate) fn as_nonzero(self) -> NonZeroU64 {
        self.0
    }

    /// The identifier that `as_nonzero` gave.
    pub(crate) fn from_nonzero(number: NonZeroU64) -> Id {
        Id(number)
    }

    #[inline]
    pub(super) fn from_number(number: u64) -> Id {
        // 2^64 spawns do not happen: at one a nanosecond they take five centuries.
        Id(NonZeroU64::new(number).unwrap_or(NonZeroU64::MAX))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}
