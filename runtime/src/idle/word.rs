//! The state of up to 48 slots in one word. The table of its bits is in the README.
use std::fmt;

use crate::primitives::atomic::{AtomicU64, Ordering};

/// Slots in a word: what the two counts and the flag leave of 64 bits.
pub(super) const SLOTS: usize = 48;

const PARKED: u64 = (1 << SLOTS) - 1;
const COUNT: u64 = 0x7f;
const SEARCHING_SHIFT: u32 = 48;
const SEARCHING: u64 = 1 << SEARCHING_SHIFT;
const AWAKE_SHIFT: u32 = 55;
const AWAKE: u64 = 1 << AWAKE_SHIFT;
const SUPERVISOR_ASLEEP: u64 = 1 << 62;

/// What the word said at some moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Snapshot(u64);

impl Snapshot {
    pub(super) fn is_parked(self, bit: u32) -> bool {
        self.0 & (1 << bit) != 0
    }

    pub(super) fn parked_bits(self) -> u64 {
        self.0 & PARKED
    }

    fn lowest_parked(self) -> Option<u32> {
        let parked = self.parked_bits();
        (parked != 0).then(|| parked.trailing_zeros())
    }

    pub(super) fn searching(self) -> usize {
        (self.0 >> SEARCHING_SHIFT & COUNT) as usize
    }

    pub(super) fn awake(self) -> usize {
        (self.0 >> AWAKE_SHIFT & COUNT) as usize
    }

    /// Somebody is parked, and nobody searches.
    #[inline]
    pub(super) fn wants_searcher(self) -> bool {
        let seen = self.0 & (PARKED | COUNT << SEARCHING_SHIFT);
        // The searchers are counted above the bits of the parked.
        seen != 0 && seen <= PARKED
    }

    pub(super) fn supervisor_asleep(self) -> bool {
        self.0 & SUPERVISOR_ASLEEP != 0
    }

    /// A slot has become awake: the supervisor must not sleep.
    fn with_one_more_awake(self) -> Snapshot {
        debug_assert!(self.awake() < SLOTS, "more slots awake than there are: {self:?}");
        Snapshot((self.0 & !SUPERVISOR_ASLEEP) + AWAKE)
    }

    fn with_one_more_searching(self) -> Snapshot {
        debug_assert!(self.searching() < SLOTS, "more slots search than there are: {self:?}");
        Snapshot(self.0 + SEARCHING)
    }

    fn without_parked(self, bit: u32) -> Snapshot {
        debug_assert!(self.is_parked(bit), "bit {bit} is not set: {self:?}");
        Snapshot(self.0 & !(1 << bit))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parked = (0..SLOTS as u32).filter(|&bit| self.is_parked(bit));
        f.write_str("Word { parked: ")?;
        f.debug_set().entries(parked).finish()?;
        write!(f, ", searching: {}, awake: {}", self.searching(), self.awake())?;
        write!(f, ", supervisor_asleep: {} }}", self.supervisor_asleep())
    }
}

/// What an attempt to claim came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Claim {
    /// This bit was cleared; its slot is counted as searching and must be unparked.
    Taken { bit: u32, supervisor_was_asleep: bool },
    /// Somebody searches already.
    Searched,
    /// Nobody (or not the one asked for) is parked.
    NotParked,
}

/// What a slot finds that takes itself out of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum TakeBack {
    /// The bit was there and is cleared. `alone`: nobody was awake in this word.
    Taken { supervisor_was_asleep: bool, alone: bool },
    /// Somebody claimed the slot before: it is counted as searching and awake, and a token is on its way.
    Claimed,
}

/// Whom a claim may pass by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unless {
    /// Claim nobody when somebody searches.
    Searched,
    /// Claim in any case.
    Never,
}

/// 48 slots.
pub(super) struct Word(AtomicU64);

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

impl Word {
    pub(super) fn new() -> Word {
        Word(AtomicU64::new(0))
    }

    #[inline]
    pub(super) fn load(&self) -> Snapshot {
        // Relaxed: the fences of the proof order it where order matters.
        Snapshot(self.0.load(Ordering::Relaxed))
    }

    /// Vacant → running. True: the supervisor slept, and must be told.
    #[must_use]
    pub(super) fn join(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `set_supervisor_asleep`: who takes the flag down finds the alarm asleep.
        self.update(Ordering::Acquire, |seen| Ok::<_, ()>(seen.with_one_more_awake()))
            .is_ok_and(Snapshot::supervisor_asleep)
    }

    /// Running → vacant.
    pub(super) fn retire(&self) {
        // Relaxed: as in `join`.
        let seen = Snapshot(self.0.fetch_sub(AWAKE, Ordering::Relaxed));
        debug_assert!(seen.awake() > seen.searching(), "a slot that is not running retires: {seen:?}");
    }

    /// Running → searching, unless half of those awake search already.
    #[must_use]
    pub(super) fn start_searching(&self) -> bool {
        let seen = self.load();
        debug_assert!(seen.awake() > seen.searching(), "a slot that is not running searches: {seen:?}");
        if 2 * seen.searching() >= seen.awake() {
            return false;
        }
        // Relaxed: nothing is published; who searches because of us is a matter of `stop_searching`. Two may pass the
        // limit at once, which costs a search too many and nothing else.
        self.0.fetch_add(SEARCHING, Ordering::Relaxed);
        true
    }

    /// Searching → running. True: it was the last one, and must look around after a fence.
    #[must_use]
    pub(super) fn stop_searching(&self) -> bool {
        // Ordering: Release pairs with the fence of the last searcher, whose RMW reads from this one: he sees what this one has
        // moved into its own queue.
        let seen = Snapshot(self.0.fetch_sub(SEARCHING, Ordering::Release));
        debug_assert!(seen.searching() > 0, "nobody searches: {seen:?}");
        seen.searching() == 1
    }

    /// Running or searching → parked. To be followed by a fence and a look around.
    pub(super) fn announce(&self, bit: u32, was_searching: bool) {
        let less = AWAKE + if was_searching { SEARCHING } else { 0 };
        // Relaxed: ordered by the fence that follows; see the README.
        let seen = Snapshot(self.0.fetch_sub(less - (1 << bit), Ordering::Relaxed));
        debug_assert!(!seen.is_parked(bit), "slot parks twice, bit {bit}: {seen:?}");
        debug_assert!(seen.awake() > 0, "a vacant slot parks: {seen:?}");
        debug_assert!(!was_searching || seen.searching() > 0, "nobody searches: {seen:?}");
    }

    /// Parked → running or searching, by the slot itself.
    pub(super) fn take_back(&self, bit: u32, as_searcher: bool) -> TakeBack {
        // Ordering: Acquire pairs with the Release in `claim_one`: a slot that finds itself claimed sees the work that
        // it was claimed for.
        let taken = self.update(Ordering::Acquire, |seen| {
            if !seen.is_parked(bit) {
                return Err(());
            }
            let running = seen.without_parked(bit).with_one_more_awake();
            Ok(if as_searcher { running.with_one_more_searching() } else { running })
        });
        match taken {
            Ok(seen) => {
                TakeBack::Taken { supervisor_was_asleep: seen.supervisor_asleep(), alone: seen.awake() == 0 }
            }
            Err(()) => TakeBack::Claimed,
        }
    }

    /// Parked → claimed, for the lowest bit.
    pub(super) fn claim_lowest(&self, unless: Unless) -> Claim {
        self.claim_one(|seen| match unless {
            Unless::Searched if seen.searching() > 0 => Err(Claim::Searched),
            _ => seen.lowest_parked().ok_or(Claim::NotParked),
        })
    }

    /// Parked → claimed, for this bit.
    pub(super) fn claim(&self, bit: u32) -> Claim {
        self.claim_one(|seen| if seen.is_parked(bit) { Ok(bit) } else { Err(Claim::NotParked) })
    }

    fn claim_one(&self, pick: impl Fn(Snapshot) -> Result<u32, Claim>) -> Claim {
        let mut bit = 0;
        // Ordering: Release pairs with the Acquire in `take_back`; Acquire as in `join`.
        let taken = self.update(Ordering::AcqRel, |seen| {
            bit = pick(seen)?;
            Ok(seen.without_parked(bit).with_one_more_awake().with_one_more_searching())
        });
        match taken {
            Ok(seen) => Claim::Taken { bit, supervisor_was_asleep: seen.supervisor_asleep() },
            Err(refused) => refused,
        }
    }

    /// The supervisor goes to sleep: false while a slot is awake.
    #[must_use]
    pub(super) fn set_supervisor_asleep(&self) -> bool {
        // That it is seen by who becomes awake needs no more than one word, whose RMWs have one order.
        // Ordering: Release pairs with the Acquire of the exchange by which somebody takes the flag down: he finds the alarm asleep.
        self.update(Ordering::Release, |seen| match seen.awake() {
            0 => Ok(Snapshot(seen.0 | SUPERVISOR_ASLEEP)),
            _ => Err(()),
        })
        .is_ok()
    }

    pub(super) fn clear_supervisor_asleep(&self) {
        // Relaxed: nothing is published; all RMWs of one word have one order.
        self.0.fetch_and(!SUPERVISOR_ASLEEP, Ordering::Relaxed);
    }

    /// One RMW, tried again only when another one came first. Gives what it replaced, or the reason of `next`.
    fn update<E>(
        &self,
        success: Ordering,
        mut next: impl FnMut(Snapshot) -> Result<Snapshot, E>,
    ) -> Result<Snapshot, E> {
        // Ordering: Acquire as in `take_back`: a slot that finds itself claimed acts on what it loads. More than the others need. It does not
        // stand for an Acquire of the exchange: what that finds may be the same bits, written since.
        let mut seen = self.0.load(Ordering::Acquire);
        loop {
            let new = next(Snapshot(seen))?.0;
            match self.0.compare_exchange_weak(seen, new, success, Ordering::Acquire) {
                Ok(_) => return Ok(Snapshot(seen)),
                Err(now) => seen = now,
            }
        }
    }
}
