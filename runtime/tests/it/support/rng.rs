//! Seeded randomness, so that a failure can be repeated.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// Seeded from RUNTIME_TEST_SEED, else from the time of day. The seed is printed: the harness shows it on failure.
    pub(crate) fn new() -> Rng {
        let seed = match std::env::var("RUNTIME_TEST_SEED") {
            Ok(text) => text.parse().expect("RUNTIME_TEST_SEED is a number"),
            Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64),
        };
        println!("seed: RUNTIME_TEST_SEED={seed}");
        Rng(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn micros(&mut self, bound: usize) -> Duration {
        Duration::from_micros(self.below(bound) as u64)
    }

    /// Another generator, for another thread or task.
    pub(crate) fn fork(&mut self) -> Rng {
        Rng(self.next())
    }

    /// Lets a random short time pass without giving up the processor.
    pub(crate) fn spin(&mut self, bound: usize) {
        for _ in 0..self.below(bound) {
            std::hint::spin_loop();
        }
    }
}
