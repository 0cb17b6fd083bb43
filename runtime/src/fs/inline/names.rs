//! Names that led to a regular file of this machine a moment ago.
use std::ffi::CStr;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

const ENTRIES: usize = 256;

/// How long a name is taken to mean what it meant, in milliseconds: for a file that is read over and over the two calls that
/// make sure of it do not show, and a name that has come to mean a device is found out soon.
const TRUSTED: u32 = 1000;

/// Each entry in one word: the upper half of a name's hash, and the time.
#[derive(Debug)]
pub(super) struct Names([AtomicU64; ENTRIES]);

/// A name in the table. Two of one hash are mistaken for one another, which is what a name that changed its meaning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(u64);

impl Name {
    pub(super) fn of(path: &CStr) -> Name {
        let mut hasher = DefaultHasher::new();
        hasher.write(path.to_bytes());
        Name(hasher.finish())
    }

    fn place(self) -> usize {
        self.0 as usize % ENTRIES
    }

    fn tag(self) -> u64 {
        // Not zero: an empty entry is no name.
        self.0 >> 32 | 1
    }
}

impl Names {
    pub(super) const fn new() -> Names {
        Names([const { AtomicU64::new(0) }; ENTRIES])
    }

    pub(super) fn is_trusted(&self, name: Name, now: u32) -> bool {
        // Relaxed: all that is known is in this word.
        let word = self.0[name.place()].load(Ordering::Relaxed);
        word >> 32 == name.tag() && now.wrapping_sub(word as u32) < TRUSTED
    }

    pub(super) fn trust(&self, name: Name, now: u32) {
        // Relaxed: as above.
        self.0[name.place()].store(name.tag() << 32 | u64::from(now), Ordering::Relaxed);
    }

    pub(super) fn forget(&self, name: Name) {
        // Relaxed: as above.
        self.0[name.place()].store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
