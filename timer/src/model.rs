//! What the loom models see: the owner's side of an entry. They fire and wait through `Timers`.
use std::pin::Pin;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::Timers;
use crate::entry::Entry;
use crate::state::Phase;

/// When a tick begins.
pub fn at(origin: Instant, tick: u64) -> Instant {
    origin + Duration::from_millis(tick)
}

/// A `Sleep` without a clock, whose home is chosen by the model.
#[derive(Debug)]
pub struct Sleeper(Pin<Box<Entry>>);

impl Default for Sleeper {
    fn default() -> Self {
        Sleeper(Box::pin(Entry::new()))
    }
}

impl Sleeper {
    pub fn is_fired(&self) -> bool {
        self.0.phase() == Phase::Fired
    }

    pub fn is_orphaned(&self) -> bool {
        self.0.phase() == Phase::Orphaned
    }

    pub fn is_armed(&self) -> bool {
        self.0.phase() == Phase::Armed
    }

    pub fn arm(&mut self, timers: &Timers, lane: u32, tick: u64, waker: &Waker) {
        drop(self.0.as_mut().settle(timers.shard(lane)));
        self.0.as_mut().arm(tick, waker.clone());
    }

    /// A poll after the first: true when ready.
    pub fn poll(&mut self, waker: &Waker, tick: u64) -> bool {
        if self.is_fired() {
            return true;
        }
        if self.0.as_mut().stays(waker, true) {
            return false;
        }
        drop(self.0.as_mut().disarm());
        if self.is_fired() {
            return true;
        }
        self.0.as_mut().arm(tick, waker.clone());
        false
    }

    /// True if it moved within the wheel, false if it had left it.
    pub fn reset(&mut self, tick: u64) -> bool {
        if self.0.as_mut().rearm(tick) {
            return true;
        }
        self.0.as_mut().rewind();
        false
    }

    /// As the end of `home::arm`: false if nobody keeps the time, and it is in no wheel.
    pub fn is_kept(&mut self) -> bool {
        if self.0.as_mut().home().is_some_and(|home| home.keeper().attendance.is_attended()) {
            return true;
        }
        drop(self.0.as_mut().disarm());
        false
    }
}
