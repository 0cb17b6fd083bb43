//! Whether each poll is followed by a look at the driver: as long as it is the polls that cause what is found there.
use std::cell::Cell;

/// What a look in vain takes away, where one that wakes somebody gives 1: looks go on while fewer than one in five is in vain.
/// Where tasks write to each other over loopback, 64 pairs or a thousand, one in 300 to one in 75 is; where another process
/// writes to them (HTTP under wrk) one in four to one in three.
const IN_VAIN: u32 = 4;

/// What one who begins has. Less than a look in vain takes: where others write, it is soon over.
const FIRST: u32 = 2;

/// The most there is. Two looks in vain end it, since another worker may now and then have taken what a poll caused.
const MOST: u32 = 2 * IN_VAIN;

/// What a worker knows of its last looks. Looks go on while anything is left of it.
#[derive(Debug)]
pub(super) struct Follow(Cell<u32>);

impl Follow {
    pub(super) fn new() -> Follow {
        Follow(Cell::new(0))
    }

    /// Whether the driver is looked at after the next poll.
    pub(super) fn is_on(&self) -> bool {
        self.0.get() > 0
    }

    /// A turn of the driver has woken somebody.
    pub(super) fn found(&self) {
        self.0.set(if self.is_on() { (self.0.get() + 1).min(MOST) } else { FIRST });
    }

    /// A look has woken nobody.
    pub(super) fn found_nothing(&self) {
        self.0.set(self.0.get().saturating_sub(IN_VAIN));
    }

    /// Somebody else was inside of the driver.
    pub(super) fn was_kept_out(&self) {
        self.0.set(self.0.get().saturating_sub(1));
    }

    /// Nobody else would take what its polls cause.
    pub(super) fn stop(&self) {
        self.0.set(0);
    }
}

#[cfg(test)]
mod tests;
