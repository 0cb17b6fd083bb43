//! Why a local driver is not driven.
use std::error::Error;
use std::fmt;
use std::io;

/// A [`LocalDriver`](crate::LocalDriver) was offered where it cannot be driven.
pub struct DriveError(Box<Refusal>);

/// Behind a pointer, so that the result of `drive_local` fits a register.
#[derive(Debug)]
struct Refusal {
    refused: &'static str,
    obstacle: Obstacle,
}

#[derive(Debug)]
enum Obstacle {
    Taken { present: &'static str },
    Unable { why: &'static str },
    Thread { error: io::Error },
}

impl DriveError {
    fn new(refused: &'static str, obstacle: Obstacle) -> DriveError {
        DriveError(Box::new(Refusal { refused, obstacle }))
    }

    pub(crate) fn taken(refused: &'static str, present: &'static str) -> DriveError {
        DriveError::new(refused, Obstacle::Taken { present })
    }

    /// The thread cannot be blocked in the driver `refused`. `why` is half a sentence about the thread: "it is a worker
    /// of a pool".
    pub fn unable(refused: &'static str, why: &'static str) -> DriveError {
        DriveError::new(refused, Obstacle::Unable { why })
    }

    /// What the executor does besides would have needed a thread, which the operating system refused.
    pub fn no_thread(refused: &'static str, error: io::Error) -> DriveError {
        DriveError::new(refused, Obstacle::Thread { error })
    }

    /// The name of the driver that is not driven.
    pub fn refused(&self) -> &'static str {
        self.0.refused
    }

    /// The name of the local driver that has the place already, if that is the obstacle.
    pub fn present(&self) -> Option<&'static str> {
        match self.0.obstacle {
            Obstacle::Taken { present } => Some(present),
            Obstacle::Unable { .. } | Obstacle::Thread { .. } => None,
        }
    }

    /// Whether two local drivers are wanted on one thread.
    pub fn is_conflict(&self) -> bool {
        self.present().is_some()
    }
}

impl fmt::Debug for DriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = self.0.refused;
        match &self.0.obstacle {
            Obstacle::Taken { present } => write!(
                f,
                "driver `{refused}` has to block this thread, where driver `{present}` does so already, and neither can \
                 move to another; run the futures of one of them on a thread of its own (such as one in \
                 `runtime::block_on`)"
            ),
            Obstacle::Unable { why } => write!(
                f,
                "driver `{refused}` has to block the thread that polls its future, and this thread cannot be blocked in \
                 it: {why}; poll that future in an executor on one thread (such as `runtime::block_on`)"
            ),
            Obstacle::Thread { error } => write!(
                f,
                "driver `{refused}` has to block this thread, and the thread that would do its other work meanwhile is \
                 refused: {error}; raise the limit on threads or memory (ulimit -u, the cgroup's pids.max)"
            ),
        }
    }
}

impl Error for DriveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.obstacle {
            Obstacle::Thread { error } => Some(error),
            Obstacle::Taken { .. } | Obstacle::Unable { .. } => None,
        }
    }
}

/// The kind says what is in the way: [`ResourceBusy`](io::ErrorKind::ResourceBusy) another local driver,
/// [`Unsupported`](io::ErrorKind::Unsupported) the executor, else the operating system's own.
impl From<DriveError> for io::Error {
    fn from(error: DriveError) -> io::Error {
        let kind = match &error.0.obstacle {
            Obstacle::Taken { .. } => io::ErrorKind::ResourceBusy,
            Obstacle::Unable { .. } => io::ErrorKind::Unsupported,
            Obstacle::Thread { error } => error.kind(),
        };
        io::Error::new(kind, error)
    }
}
