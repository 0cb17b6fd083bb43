//! What a transition of the state word tells its caller to do.

/// After a wake by reference, or an abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Wake {
    /// The caller has the Notified now and must have it scheduled, holding a reference until that has returned.
    Submit,
    /// Somebody else sees to it, or there is nothing left to run.
    Nothing,
}

/// After a wake that consumes the waker, on a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum WakeByValue {
    /// As `Wake::Submit`; the reference is dropped.
    Submit,
    /// The reference is dropped.
    Nothing,
    /// The reference was the last: release the cell.
    Release,
}

/// Before a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Start {
    /// Poll the future.
    Poll,
    /// Drop the future and complete as cancelled.
    Cancel,
}

/// After a poll that returned `Pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Park {
    /// The task is idle: the caller no longer has the Notified and may not touch the cell.
    Idle,
    /// It was woken meanwhile: queue it again.
    Again,
    /// It was aborted meanwhile: drop the future and complete as cancelled.
    Cancel,
}

/// At completion, with the future dropped and the output stored if `JOIN_INTEREST` was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Complete {
    /// Done; others still hold references.
    Done,
    /// Done, and nobody holds a reference: release the cell.
    Release,
    /// Done, but the join waker is the caller's: wake it, then drop the executor's reference.
    WakeJoiner,
    /// *Not done*: the handle was dropped meanwhile. Drop the output and call again.
    DropOutput,
}

/// When a `JoinHandle` is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Detach {
    /// Detached, the reference is dropped.
    Done,
    /// Detached. The waker in the join slot is the caller's: drop it, then the reference.
    DropWaker,
    /// The task is complete. The output is the caller's: drop it, then the reference.
    DropOutput,
}

/// When a task is met by the closing scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Shut {
    /// A free cell, or a complete task.
    Nothing,
    /// It was idle: the caller has the Notified now.
    Take,
    /// Somebody else has the Notified: it will come by in a queue, cancelled.
    InFlight,
}

/// The task is complete: its output can be taken and the join slot is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IsComplete;
