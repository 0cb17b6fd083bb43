//! Why a task has no output.
#![allow(unsafe_code)]

use std::any::Any;
use std::fmt;
use std::io;

use super::id::Id;
use crate::remedy::{self, Remedy};

/// Why awaiting a [`JoinHandle`](super::JoinHandle) gave no output: the task was aborted, or it panicked.
///
/// ```
/// fn report(error: runtime::task::JoinError) {
///     if error.is_cancelled() {
///         println!("task {} was aborted", error.id());
///     } else {
///         std::panic::resume_unwind(error.into_panic());
///     }
/// }
/// ```
pub struct JoinError {
    id: Id,
    cause: Cause,
}

enum Cause {
    Cancelled,
    Panic(Payload),
}

/// In a box of its own: a thin pointer, so that a cell with room for a result and a small future takes 88 bytes.
struct Payload(Box<Box<dyn Any + Send + 'static>>);

// SAFETY: a shared payload is only ever looked at as a `&str` or a `String`, which are `Sync`; any other type inside
// is reachable by value alone.
unsafe impl Sync for Payload {}

impl Payload {
    fn message(&self) -> Option<&str> {
        remedy::message_of(self.0.as_ref().as_ref())
    }

    /// What to do about it, where that is known.
    fn remedy(&self) -> Option<&'static Remedy> {
        self.message().and_then(remedy::of)
    }
}

impl std::panic::UnwindSafe for JoinError {}
impl std::panic::RefUnwindSafe for JoinError {}

impl JoinError {
    pub(crate) fn cancelled(id: Id) -> JoinError {
        JoinError { id, cause: Cause::Cancelled }
    }

    pub(crate) fn panic(id: Id, payload: Box<dyn Any + Send + 'static>) -> JoinError {
        JoinError { id, cause: Cause::Panic(Payload(Box::new(payload))) }
    }

    /// Whether the task was aborted, or dropped with its runtime.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.cause, Cause::Cancelled)
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.cause, Cause::Panic(_))
    }

    /// The payload that the task panicked with, as `std::thread::JoinHandle::join` gives it.
    ///
    /// # Panics
    ///
    /// If the task did not panic: ask [`is_panic`](Self::is_panic) first, or use
    /// [`try_into_panic`](Self::try_into_panic).
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => panic!(
                "JoinError::into_panic: {error}\n\
                 help: ask `is_panic()` before taking the payload\n\
                 help: `try_into_panic()` gives the error back where there is none"
            ),
        }
    }

    /// The payload that the task panicked with.
    ///
    /// # Errors
    ///
    /// The error itself, if the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        match self.cause {
            Cause::Panic(payload) => Ok(*payload.0),
            cause @ Cause::Cancelled => Err(JoinError { id: self.id, cause }),
        }
    }

    /// Which task it was.
    pub fn id(&self) -> Id {
        self.id
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id;
        match &self.cause {
            Cause::Cancelled => write!(f, "task {id} was cancelled"),
            Cause::Panic(payload) => {
                write!(f, "task {id} panicked")?;
                if let Some(message) = payload.message() {
                    write!(f, " with message {message:?}")?;
                }
                match payload.remedy() {
                    Some(remedy) => write!(f, " ({})", remedy.short),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Cancelled => f.debug_tuple("JoinError::Cancelled").field(&self.id).finish(),
            Cause::Panic(payload) => {
                let mut debug = f.debug_tuple("JoinError::Panic");
                debug.field(&self.id).field(&payload.message().unwrap_or("(a payload that is no text)"));
                if let Some(remedy) = payload.remedy() {
                    debug.field(&format_args!("help: {}", remedy.short));
                }
                debug.finish()
            }
        }
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> io::Error {
        io::Error::other(error)
    }
}
