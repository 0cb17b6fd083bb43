//! What is known of the mounts that were used: whether what is done there can be done on a worker.
use std::sync::atomic::{AtomicU64, Ordering};

use super::sys::Found;

/// Entries. A process uses a handful of mounts; two that share a place take turns in learning.
const ENTRIES: usize = 64;

/// What opening, looking and reading on a mount may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It may ask a server, or is not known to us: everything is done on the pool.
    Foreign,
    /// The file system is of this machine: opening what is cached does not wait.
    Local,
    /// As `Local`, but reads cannot promise not to wait.
    LocalUnread,
}

/// A mount and what is known of it, each in one word: the mount in the upper 62 bits, `Trust` in the lower two.
/// Zero is an empty entry: a stored word has one of the lower bits.
#[derive(Debug)]
pub(super) struct Mounts([AtomicU64; ENTRIES]);

/// The name of a mount in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mount(u64);

impl Mount {
    /// A unique id alone (Linux 6.8). Before, ids are used again, and the device number comes along: a mount is then
    /// mistaken for one that was there before it if both numbers are the same.
    pub(super) fn of(found: &Found) -> Mount {
        let (major, minor) = found.device;
        let device = u64::from(major & 0xfff) << 20 | u64::from(minor & 0xf_ffff);
        let name = if found.unique { found.mount } else { (found.mount & 0x3fff_ffff) << 32 | device };
        Mount(name & (u64::MAX >> 2))
    }

    fn place(self) -> usize {
        (self.0 ^ self.0 >> 32) as usize % ENTRIES
    }
}

impl Mounts {
    pub(super) const fn new() -> Mounts {
        Mounts([const { AtomicU64::new(0) }; ENTRIES])
    }

    pub(super) fn trust(&self, mount: Mount) -> Option<Trust> {
        // Relaxed: all that is known is in this word.
        let word = self.0[mount.place()].load(Ordering::Relaxed);
        if word >> 2 != mount.0 {
            return None;
        }
        match word & 3 {
            1 => Some(Trust::Foreign),
            2 => Some(Trust::Local),
            3 => Some(Trust::LocalUnread),
            _ => None,
        }
    }

    pub(super) fn learn(&self, mount: Mount, trust: Trust) {
        let trust = match trust {
            Trust::Foreign => 1,
            Trust::Local => 2,
            Trust::LocalUnread => 3,
        };
        // Relaxed: as above.
        self.0[mount.place()].store(mount.0 << 2 | trust, Ordering::Relaxed);
    }
}

/// Whether a file system, told by its magic number (linux/magic.h), keeps its files on this machine. An overlay counts:
/// so do containers have it. One over a remote layer would be mistaken; the supervisor is there for that.
pub(super) fn is_local(magic: u32) -> bool {
    const LOCAL: [u32; 11] = [
        0x0000_ef53, // ext2, ext3, ext4
        0x5846_5342, // XFS
        0x9123_683e, // btrfs
        0xf2f5_2010, // F2FS
        0x2fc1_2fc1, // ZFS
        0xca45_1a4e, // bcachefs
        0x0102_1994, // tmpfs
        0x8584_58f6, // ramfs
        0x794c_7630, // overlayfs
        0xe0f5_e1e2, // EROFS
        0x7371_7368, // squashfs
    ];
    LOCAL.contains(&magic)
}

#[cfg(test)]
#[path = "mounts_tests.rs"]
mod tests;
