//! Which runtime this is, and of which kind.
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells runtimes apart: no two of a process have the same, also if one is gone. Made by [`Handle::id`](crate::Handle::id).
///
/// ```
/// use runtime::Runtime;
///
/// let (one, other) = (Runtime::new(), Runtime::new());
/// assert_ne!(one.handle().id(), other.handle().id());
/// assert_eq!(one.handle().id(), one.handle().clone().id());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(NonZeroU64);

impl Id {
    pub(crate) fn next() -> Id {
        static LAST: AtomicU64 = AtomicU64::new(0);
        // Relaxed: only uniqueness is asked for.
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Id(NonZeroU64::new(number).expect("2^64 runtimes are not made"))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kind of a runtime, as [`Handle::runtime_flavor`](crate::Handle::runtime_flavor) says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuntimeFlavor {
    /// The thread in `block_on` runs all tasks: [`Builder::new_current_thread`](crate::Builder::new_current_thread).
    CurrentThread,
    /// Workers run them, be it one.
    MultiThread,
}
