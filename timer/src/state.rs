//! The state of an entry. The README has the table of who sets what when, and the races.
use std::fmt;

use crate::sync::atomic::{AtomicU8, Ordering};

/// What the state word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Phase {
    /// In no wheel; waits for nothing.
    Idle,
    /// In its home's wheel: all but the owner's fields belong to the home's lock.
    Armed,
    /// The deadline has passed; the memory is the owner's.
    Fired,
    /// Its home was abandoned; the memory is the owner's.
    Orphaned,
}

const IDLE: u8 = 0;
const ARMED: u8 = 1;
const FIRED: u8 = 2;
const ORPHANED: u8 = 3;

impl Phase {
    fn of(word: u8) -> Phase {
        match word {
            IDLE => Phase::Idle,
            ARMED => Phase::Armed,
            FIRED => Phase::Fired,
            _ => Phase::Orphaned,
        }
    }
}

/// Every transition is a plain store: either the owner alone may make it, or who holds the lock of the home.
///
/// | from | to | by | method |
/// |---|---|---|---|
/// | all but armed | armed | owner under the lock | `arm` |
/// | armed | idle | owner under the lock | `disarm` |
/// | armed | fired | firer under the lock, its last access | `fire` |
/// | armed | orphaned | abandoner under the lock, its last access | `orphan` |
/// | all but armed | fired | owner, who saw the clock | `elapse` |
/// | all but armed | idle | owner, who set a new deadline | `rewind` |
pub(crate) struct State(AtomicU8);

impl State {
    pub(crate) fn new() -> Self {
        State(AtomicU8::new(IDLE))
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        // Ordering: Acquire pairs with the Release in `fire` and `orphan`: whoever reads that the entry has left the
        // wheel may use and free its memory.
        Phase::of(self.0.load(Ordering::Acquire))
    }

    #[inline]
    fn assert(&self, armed: bool, to: &str) {
        debug_assert_eq!(self.phase() == Phase::Armed, armed, "{to} from {self:?}");
    }

    #[inline]
    pub(crate) fn arm(&self) {
        self.assert(false, "arm");
        // Ordering: Relaxed: read by the owner, whose store it is, and by holders of the lock.
        self.0.store(ARMED, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn disarm(&self) {
        self.assert(true, "disarm");
        // Ordering: Relaxed: as in `arm`.
        self.0.store(IDLE, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn fire(&self) {
        self.assert(true, "fire");
        // Ordering: Release pairs with the Acquire in `phase`: the firer's use of the entry comes before its end.
        self.0.store(FIRED, Ordering::Release);
    }

    #[inline]
    pub(crate) fn orphan(&self) {
        self.assert(true, "orphan");
        // Ordering: Release: as in `fire`.
        self.0.store(ORPHANED, Ordering::Release);
    }

    #[inline]
    pub(crate) fn elapse(&self) {
        self.assert(false, "elapse");
        // Ordering: Relaxed: the owner's own.
        self.0.store(FIRED, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn rewind(&self) {
        self.assert(false, "rewind");
        // Ordering: Relaxed: the owner's own.
        self.0.store(IDLE, Ordering::Relaxed);
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ordering: Relaxed: for show.
        Phase::of(self.0.load(Ordering::Relaxed)).fmt(f)
    }
}

#[cfg(all(test, not(runtime_loom)))]
mod tests {
    use super::*;

    type Transition = fn(&State);

    fn in_phase(phase: Phase) -> State {
        let state = State::new();
        match phase {
            Phase::Idle => {}
            Phase::Armed => state.arm(),
            Phase::Fired => state.elapse(),
            Phase::Orphaned => {
                state.arm();
                state.orphan();
            }
        }
        assert_eq!(state.phase(), phase);
        state
    }

    const NOT_ARMED: [Phase; 3] = [Phase::Idle, Phase::Fired, Phase::Orphaned];

    fn from_all_but_armed(transition: Transition, to: Phase) {
        for from in NOT_ARMED {
            let state = in_phase(from);
            transition(&state);
            assert_eq!(state.phase(), to, "from {from:?}");
        }
        refuses(transition, Phase::Armed);
    }

    fn from_armed(transition: Transition, to: Phase) {
        let state = in_phase(Phase::Armed);
        transition(&state);
        assert_eq!(state.phase(), to);
        for from in NOT_ARMED {
            refuses(transition, from);
        }
    }

    fn refuses(transition: Transition, from: Phase) {
        if cfg!(debug_assertions) {
            let state = in_phase(from);
            let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| transition(&state)));
            assert!(refused.is_err(), "from {from:?}");
        }
    }

    #[test]
    fn arm_is_for_what_is_in_no_wheel() {
        from_all_but_armed(State::arm, Phase::Armed);
    }

    #[test]
    fn elapse_is_for_what_is_in_no_wheel() {
        from_all_but_armed(State::elapse, Phase::Fired);
    }

    #[test]
    fn rewind_is_for_what_is_in_no_wheel() {
        from_all_but_armed(State::rewind, Phase::Idle);
    }

    #[test]
    fn disarm_is_for_what_is_in_a_wheel() {
        from_armed(State::disarm, Phase::Idle);
    }

    #[test]
    fn fire_is_for_what_is_in_a_wheel() {
        from_armed(State::fire, Phase::Fired);
    }

    #[test]
    fn orphan_is_for_what_is_in_a_wheel() {
        from_armed(State::orphan, Phase::Orphaned);
    }

    #[test]
    fn debug_names_the_phase() {
        assert_eq!(format!("{:?}", in_phase(Phase::Orphaned)), "Orphaned");
    }
}
