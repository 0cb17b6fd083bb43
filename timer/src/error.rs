//! Errors of timers.
use std::fmt;
use std::io;

/// The deadline of a [`timeout`](crate::timeout) has passed.
///
/// # Examples
///
/// ```
/// use std::{future, io, time::Duration};
///
/// futures::executor::block_on(async {
///     let timeout = timer::timeout(Duration::from_millis(1), future::pending::<()>());
///     let error: io::Error = timeout.await.unwrap_err().into();
///     assert_eq!(error.kind(), io::ErrorKind::TimedOut);
/// });
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed(pub(crate) ());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}
