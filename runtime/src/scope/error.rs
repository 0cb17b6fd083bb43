//! Why a scope failed.
use std::error::Error;
use std::fmt;
use std::io;

use crate::task::{Cancelled, JoinError};

/// What went wrong in a [scope](super::scope): the first failure, which cancelled the rest, and those that came after it.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// use runtime::task::{ScopeFailure, scope};
///
/// let result = scope(|group| async move {
///     group.spawn(async { Err::<(), _>("out of paper") });
///     group.spawn(std::future::pending::<Result<(), _>>());
///     Ok(())
/// });
/// let error = result.await.unwrap_err();
/// assert!(matches!(error.first(), ScopeFailure::Error("out of paper")));
/// assert_eq!(error.to_string(), "out of paper");
/// assert!(error.others().is_empty());
/// # });
/// ```
pub struct ScopeError<E> {
    first: ScopeFailure<E>,
    others: Vec<ScopeFailure<E>>,
}

/// One failure of a scope's body or of a child.
#[derive(Debug)]
#[non_exhaustive]
pub enum ScopeFailure<E> {
    /// It returned this error.
    Error(E),
    /// It panicked; or it is a child whose runtime was shut down. A body that panicked counts as a task, with an id that
    /// no other has.
    Join(JoinError),
    /// [`TaskGroup::cancel`](super::TaskGroup::cancel) was called while the body was running.
    Cancelled,
}

impl<E> ScopeError<E> {
    pub(super) fn new(first: ScopeFailure<E>, others: Vec<ScopeFailure<E>>) -> Self {
        ScopeError { first, others }
    }

    /// The failure that cancelled the rest.
    pub fn first(&self) -> &ScopeFailure<E> {
        &self.first
    }

    /// What failed after it, while the rest was being cancelled, in order.
    pub fn others(&self) -> &[ScopeFailure<E>] {
        &self.others
    }

    /// The failure that cancelled the rest.
    pub fn into_first(self) -> ScopeFailure<E> {
        self.first
    }

    /// All failures, the first one first.
    pub fn into_failures(self) -> impl Iterator<Item = ScopeFailure<E>> {
        std::iter::once(self.first).chain(self.others)
    }
}

impl<E: fmt::Display> fmt::Display for ScopeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        match self.others.len() {
            0 => Ok(()),
            1 => f.write_str(" (and one failure more)"),
            more => write!(f, " (and {more} failures more)"),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for ScopeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeError").field("first", &self.first).field("others", &self.others).finish()
    }
}

/// Its source is that of the first failure, whose text is its own.
impl<E: Error> Error for ScopeError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.first.source()
    }
}

/// The first failure that is more than a [`Cancelled`] which `?` has passed on: if a child or the body returned it, the error
/// itself, with its kind and code. So `?` takes a scope over `io::Result` out of a function that returns one; the other failures
/// are lost.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// use std::io;
/// use runtime::task::scope;
///
/// async fn both() -> io::Result<()> {
///     scope(|group| async move {
///         let child = group.spawn(async { Err::<(), _>(io::Error::from(io::ErrorKind::NotFound)) });
///         Ok(child.await?)
///     })
///     .await?;
///     Ok(())
/// }
/// assert_eq!(both().await.unwrap_err().kind(), io::ErrorKind::NotFound);
/// # });
/// ```
impl From<ScopeError<io::Error>> for io::Error {
    fn from(error: ScopeError<io::Error>) -> io::Error {
        let mut failures: Vec<_> = error.into_failures().collect();
        // A body that awaits the child which failed is told "cancelled" before the scope has that child's error.
        let cause = failures.iter().position(|failure| !says_cancelled(failure)).unwrap_or(0);
        match failures.swap_remove(cause) {
            ScopeFailure::Error(error) => error,
            ScopeFailure::Join(error) => error.into(),
            ScopeFailure::Cancelled => Cancelled.into(),
        }
    }
}

/// Whether it is what awaiting a child gave that had failed, or was cancelled.
fn says_cancelled(failure: &ScopeFailure<io::Error>) -> bool {
    match failure {
        ScopeFailure::Error(error) => error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()),
        ScopeFailure::Join(_) | ScopeFailure::Cancelled => false,
    }
}

impl<E: fmt::Display> fmt::Display for ScopeFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeFailure::Error(error) => error.fmt(f),
            ScopeFailure::Join(error) => error.fmt(f),
            ScopeFailure::Cancelled => f.write_str("the scope was cancelled"),
        }
    }
}

impl<E: Error> Error for ScopeFailure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ScopeFailure::Error(error) => error.source(),
            ScopeFailure::Join(error) => error.source(),
            ScopeFailure::Cancelled => None,
        }
    }
}
