//! One generator a worker, seeded from the runtime's: victims are chosen by it and by nothing else.
use std::cell::Cell;

/// xorshift64* (Vigna 2016, "An experimental exploration of Marsaglia's xorshift generators, scrambled").
pub(crate) struct Rng(Cell<u64>);

impl Rng {
    /// The generator of `lane` under `seed`.
    pub(crate) fn new(seed: u64, lane: usize) -> Rng {
        // SplitMix64's increment spreads neighbouring lanes; zero is the one state xorshift cannot leave.
        Rng(Cell::new((seed ^ (lane as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1))
    }

    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&self, bound: usize) -> usize {
        let mut x = self.0.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.set(x);
        let high = (x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize;
        (high * bound) >> 32
    }
}
