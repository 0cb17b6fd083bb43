//! What the scheduler sees of tokio's world when the feature is off: nothing, at no cost.
use std::io;
use std::time::Instant;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted;

impl Wanted {
    pub(crate) const NO: Wanted = Wanted;
}

#[derive(Clone, Default)]
pub(crate) struct Entered;

pub(crate) struct Lease;

pub(crate) struct Kept;

impl Lease {
    pub(crate) fn new(_: Wanted) -> io::Result<Lease> {
        Ok(Lease)
    }

    pub(crate) fn enter(&self, _: Option<&Entered>) -> Entered {
        Entered
    }

    pub(crate) fn give_up(&self) {}

    pub(crate) fn keep(&self) -> Kept {
        Kept
    }
}

impl Kept {
    pub(crate) fn end(self, _: Option<Instant>) {}
}
