//! The hierarchical timing wheel: a pure structure, time passed in. See the crate's README.
mod node;
#[cfg(test)]
mod oracle;
mod slots;

pub(crate) use node::{Node, NodeRef, prefetch_to_write};
use slots::Slots;

/// No entry: what `earliest` says of an empty wheel.
pub(crate) const NEVER: u64 = u64::MAX;

/// Bits of a digit: 64 slots a level, so that a level's occupancy is one word.
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
/// 64⁷ milliseconds are 139 years; what is further away waits in `far`.
const LEVELS: usize = 7;
const FAR_SHIFT: u32 = BITS * LEVELS as u32;
/// The slot of what is further away: the only one of a level more. A slot's index has its level above [`BITS`].
const FAR: usize = LEVELS * SLOTS;

/// How many entries of a slot are looked at for the exact earliest tick. A lone long timer must cost no wake-up at
/// the start of its slot; a crowd there makes that wake-up cheap a head.
const FEW: usize = 4;

pub(crate) struct Wheel {
    /// The tick up to which the wheel was turned.
    elapsed: u64,
    /// A lower bound of all ticks: after a removal it may be much too low, and not `NEVER` although the wheel is empty.
    earliest: u64,
    len: usize,
    /// One bit for each level that is not empty.
    levels: u32,
    /// One bit for each slot that is not empty.
    occupied: [u64; LEVELS + 1],
    slots: Slots,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Wheel {
            elapsed: 0,
            earliest: NEVER,
            len: 0,
            levels: 0,
            occupied: [0; LEVELS + 1],
            slots: Slots::new(),
        }
    }

    /// A lower bound of the ticks of all entries.
    #[inline]
    pub(crate) fn earliest(&self) -> u64 {
        self.earliest
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts in a node that is in no wheel, due at `tick`, or at once if that is over. Whether `earliest` is another now.
    #[inline]
    #[must_use]
    pub(crate) fn insert(&mut self, node: NodeRef, tick: u64) -> bool {
        // `NEVER` itself would be confounded with an empty wheel.
        let tick = tick.min(NEVER - 1).max(self.elapsed);
        node.set_tick(tick);
        if tick < self.earliest {
            self.insert_earliest(node, tick);
            return true;
        }
        self.link(node, tick);
        self.len += 1;
        false
    }

    /// The first of all that are ever put in is the earliest, so that nobody else asks whether there are heads.
    #[inline(never)]
    fn insert_earliest(&mut self, node: NodeRef, tick: u64) {
        self.slots.make();
        self.earliest = tick;
        self.link(node, tick);
        self.len += 1;
    }

    /// Takes out a node that is in this wheel. `earliest` stays as it is.
    #[inline]
    pub(crate) fn remove(&mut self, node: NodeRef) {
        self.unlink(node);
        self.len -= 1;
    }

    /// Turns the wheel towards `now` and takes out the next entry that is due by then. Entries come in the order of
    /// their ticks, those of one tick about in the order of their insertion. `None`: nothing more is due.
    #[inline]
    pub(crate) fn pop(&mut self, now: u64) -> Option<NodeRef> {
        let now = now.min(NEVER - 1);
        while self.levels != 0 {
            let level = self.levels.trailing_zeros() as usize;
            let mut start = self.next_start(level);
            if level == LEVELS && start <= now {
                // Not one by one over the spans in which nothing is due.
                start = self.slots.least(FAR) >> FAR_SHIFT << FAR_SHIFT;
            }
            if start > now {
                break;
            }
            debug_assert!(start >= self.elapsed, "slots behind are empty");
            self.elapsed = start;
            if level == 0 {
                return self.pop_from(start as usize % SLOTS);
            }
            self.cascade();
        }
        self.elapsed = self.elapsed.max(now);
        self.search_earliest();
        None
    }

    /// Takes out any entry, due or not: to empty the wheel.
    pub(crate) fn pop_any(&mut self) -> Option<NodeRef> {
        if self.levels == 0 {
            self.earliest = NEVER;
            return None;
        }
        self.pop_from(self.lowest())
    }

    #[inline]
    fn pop_from(&mut self, slot: usize) -> Option<NodeRef> {
        let node = self.slots.next(slot)?;
        self.remove(node);
        Some(node)
    }

    /// The first occupied slot of the lowest occupied level: of a wheel that is not empty, the next slot.
    #[inline]
    fn lowest(&self) -> usize {
        let level = self.levels.trailing_zeros() as usize;
        level * SLOTS + self.occupied[level].trailing_zeros() as usize
    }

    #[inline]
    fn link(&mut self, node: NodeRef, tick: u64) {
        let slot = place(self.elapsed, tick);
        self.slots.push(slot, node);
        let level = slot / SLOTS;
        self.occupied[level] |= 1 << (slot % SLOTS);
        self.levels |= 1 << level;
    }

    #[inline]
    fn unlink(&mut self, node: NodeRef) {
        let Some(slot) = self.slots.remove(node) else { return };
        let level = slot / SLOTS;
        self.occupied[level] &= !(1 << (slot % SLOTS));
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// Where the first occupied slot of an occupied level starts.
    #[inline]
    fn next_start(&self, level: usize) -> u64 {
        if level == LEVELS {
            // No overflow: something is further away than `elapsed` in these bits.
            return ((self.elapsed >> FAR_SHIFT) + 1) << FAR_SHIFT;
        }
        let shift = BITS * level as u32;
        let slot = u64::from(self.occupied[level].trailing_zeros());
        let above = shift + BITS;
        (self.elapsed >> above << above) | (slot << shift)
    }

    /// Distributes the next slot, where `elapsed` has arrived, over the levels below. What is still far away comes behind the
    /// others there.
    fn cascade(&mut self) {
        let slot = self.lowest();
        let last = self.slots.last(slot);
        while let Some(node) = self.slots.next(slot) {
            self.unlink(node);
            self.link(node, node.tick());
            if Some(node) == last {
                break;
            }
        }
    }

    /// Makes `earliest` as good as can be told without looking at many entries.
    pub(crate) fn search_earliest(&mut self) {
        if self.levels == 0 {
            self.earliest = NEVER;
            return;
        }
        let level = self.levels.trailing_zeros() as usize;
        let start = self.next_start(level);
        // On level 0 it is the tick itself.
        let found = match level {
            0 => None,
            _ => self.slots.least_of_few(self.lowest(), FEW),
        };
        let found = found.unwrap_or(start);
        // A bound of what was in here before is one of what is left; `NEVER` was only the bound of nothing.
        self.earliest = if self.earliest == NEVER { found } else { self.earliest.max(found) };
    }
}

/// The slot of `tick`: its level is the highest digit in which it differs from `elapsed`, its place there the digit.
#[inline]
fn place(elapsed: u64, tick: u64) -> usize {
    debug_assert!(tick >= elapsed, "what is over is due at `elapsed`");
    let differing = (elapsed ^ tick) | 1;
    let level = differing.ilog2() / BITS;
    if level as usize >= LEVELS {
        return FAR;
    }
    level as usize * SLOTS + (tick >> (BITS * level)) as usize % SLOTS
}

impl std::fmt::Debug for Wheel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wheel")
            .field("elapsed", &self.elapsed)
            .field("earliest", &self.earliest)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
