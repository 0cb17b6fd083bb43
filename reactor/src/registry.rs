//! Which cell an event is for: tokens, and the life of a cell while a batch of events is processed.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mio::unix::SourceFd;
use parking_lot::Mutex;
use slab::Slab;

use crate::cell::ReadinessCell;
use crate::events::Events;
use crate::interest::Interest;
use crate::ready::Ready;

/// An index into the slab, with the number of the registration: an event for one that has gone is told from one for
/// its successor in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(usize);

/// The token of the eventfd that ends a block.
pub(crate) const UNBLOCK: mio::Token = mio::Token(usize::MAX);

/// The token of the local selector of `lane`, in the shared one: with an index that no source has.
pub(crate) fn token_of_local(lane: usize) -> usize {
    INDEX_MASK | lane << INDEX_BITS
}

/// Bits of a token that are the index: half of them where there are 64, and a million sources where there are 32.
const INDEX_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };
const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;
const GENERATION_MASK: usize = usize::MAX >> INDEX_BITS;

impl Token {
    fn new(index: usize, generation: usize) -> Token {
        Token(index | (generation & GENERATION_MASK) << INDEX_BITS)
    }

    /// As it comes back from the kernel.
    pub(crate) fn from_selector(token: usize) -> Token {
        Token(token)
    }

    fn index(self) -> usize {
        self.0 & INDEX_MASK
    }

    /// Of which lane's selector it tells, if it is no source's.
    pub(crate) fn local(self) -> Option<usize> {
        (self.index() == INDEX_MASK).then_some(self.0 >> INDEX_BITS)
    }
}

struct Entry {
    token: Token,
    fd: RawFd,
    cell: Arc<ReadinessCell>,
}

/// Sources that the memory of an empty registry has room for at most: a burst's is given back.
const KEPT: usize = 1024;

struct Entries {
    slab: Slab<Entry>,
    /// Number of the next registration; wraps.
    generation: usize,
    /// The last token registered for each descriptor. A descriptor that was closed without being deregistered may
    /// have been given to another source: then it is not the former's to deregister.
    by_fd: Vec<Option<Token>>,
    /// Whether a batch is being processed.
    in_batch: bool,
    /// Cells that were deregistered during the batch.
    limbo: Vec<Arc<ReadinessCell>>,
}

impl Entries {
    /// Whether no other registration of the descriptor came after this one.
    fn is_last_of(&self, token: Token, fd: RawFd) -> bool {
        self.by_fd.get(fd as usize) == Some(&Some(token))
    }
}

pub(crate) struct Registry {
    selector: mio::Registry,
    entries: Mutex<Entries>,
    /// As many as `entries.slab` has, readable without the lock.
    len: AtomicUsize,
}

impl Registry {
    pub(crate) fn new(selector: mio::Registry) -> Registry {
        let entries = Entries {
            slab: Slab::new(),
            generation: 0,
            by_fd: Vec::new(),
            in_batch: false,
            limbo: Vec::new(),
        };
        Registry { selector, entries: Mutex::new(entries), len: AtomicUsize::new(0) }
    }

    /// How many sources are registered.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        // Relaxed: a count for people, and for an answer that is checked again by those it sends away.
        self.len.load(Ordering::Relaxed)
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn selector(&self) -> &mio::Registry {
        &self.selector
    }

    /// Registers `fd`; its present readiness arrives as its first event.
    pub(crate) fn register(
        &self,
        fd: RawFd,
        interest: Interest,
        cell: &Arc<ReadinessCell>,
    ) -> io::Result<Token> {
        if fd < 0 {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        let token = {
            let mut entries = self.entries.lock();
            let generation = entries.generation;
            entries.generation = generation.wrapping_add(1);
            let vacant = entries.slab.vacant_entry();
            // The very last index is that of `UNBLOCK`, and of local selectors.
            if vacant.key() >= INDEX_MASK {
                return Err(io::Error::other("the reactor has no token left for another source"));
            }
            let token = Token::new(vacant.key(), generation);
            vacant.insert(Entry { token, fd, cell: Arc::clone(cell) });
            self.len.store(entries.slab.len(), Ordering::Relaxed);
            token
        };
        // The system call is made without the lock. The token is nobody else's, and events find its entry at once.
        if let Err(error) = self.selector.register(&mut SourceFd(&fd), mio::Token(token.0), interest.to_mio())
        {
            self.remove(token);
            return Err(describe(error, fd));
        }
        let mut entries = self.entries.lock();
        let at = fd as usize;
        if entries.by_fd.len() <= at {
            entries.by_fd.resize(at + 1, None);
        }
        entries.by_fd[at] = Some(token);
        Ok(token)
    }

    /// Changes what is asked for; the present readiness arrives as an event.
    pub(crate) fn reregister(&self, token: Token, fd: RawFd, interest: Interest) -> io::Result<()> {
        if !self.entries.lock().is_last_of(token, fd) {
            // It was closed behind our back, and the number may be another source's.
            return Err(describe(io::Error::from_raw_os_error(libc::EBADF), fd));
        }
        let asked = self.selector.reregister(&mut SourceFd(&fd), mio::Token(token.0), interest.to_mio());
        asked.map_err(|error| describe(error, fd))
    }

    /// Deregisters.
    ///
    /// # Errors
    ///
    /// The system's; the entry is freed nevertheless.
    pub(crate) fn deregister(&self, token: Token) -> io::Result<()> {
        let (fd, is_ours) = self.remove(token);
        if is_ours {
            self.selector.deregister(&mut SourceFd(&fd))?;
        }
        Ok(())
    }

    fn remove(&self, token: Token) -> (RawFd, bool) {
        let mut entries = self.entries.lock();
        let entry = entries.slab.remove(token.index());
        assert_eq!(entry.token, token, "a source was deregistered twice");
        let at = entry.fd as usize;
        let is_ours = entries.is_last_of(token, entry.fd);
        if is_ours {
            entries.by_fd[at] = None;
        }
        let unused = if entries.in_batch {
            entries.limbo.push(entry.cell);
            None
        } else {
            Some(entry.cell)
        };
        let left = entries.slab.len();
        if left == 0 && entries.slab.capacity() > KEPT {
            entries.slab = Slab::new();
            entries.by_fd = Vec::new();
        }
        self.len.store(left, Ordering::Relaxed);
        drop(entries);
        // Perhaps the last owner, and then wakers are dropped with it.
        drop(unused);
        (entry.fd, is_ours)
    }

    /// Every registered cell.
    pub(crate) fn cells(&self) -> Vec<Arc<ReadinessCell>> {
        self.entries.lock().slab.iter().map(|(_, entry)| Arc::clone(&entry.cell)).collect()
    }

    /// Tells the cells what the system reported of them.
    pub(crate) fn dispatch(&self, events: &Events, found: &mut Found) {
        found.0.clear();
        {
            let mut entries = self.entries.lock();
            assert!(!entries.in_batch, "two batches at once");
            for (token, ready) in events.iter() {
                // An entry of another number, or none, is for a source that has gone meanwhile.
                if let Some(entry) = entries.slab.get(token.index()).filter(|entry| entry.token == token) {
                    found.0.push((NonNull::from(&*entry.cell), ready));
                }
            }
            if found.0.is_empty() {
                return;
            }
            entries.in_batch = true;
        }
        let _end = BatchEnd(self);
        for (cell, ready) in &found.0 {
            // SAFETY: the entry that owned a reference to the cell was in the slab when `in_batch` was set under its lock. Until it
            // is reset, `remove` puts that reference into limbo, and only `BatchEnd` empties that.
            let cell = unsafe { cell.as_ref() };
            cell.event(*ready);
        }
    }
}

/// Ends the batch, and drops the cells that went during it.
struct BatchEnd<'a>(&'a Registry);

impl Drop for BatchEnd<'_> {
    fn drop(&mut self) {
        let limbo = {
            let mut entries = self.0.entries.lock();
            entries.in_batch = false;
            std::mem::take(&mut entries.limbo)
        };
        drop(limbo);
    }
}

/// The cells of a batch. Kept for its memory alone: what it points to is good during `dispatch` only.
#[derive(Default)]
pub(crate) struct Found(Vec<(NonNull<ReadinessCell>, Ready)>);

// SAFETY: the pointers are read by `dispatch` only, on the thread that wrote them.
unsafe impl Send for Found {}

/// Asks the system whether it can poll `fd`, and leaves nothing behind.
pub(crate) fn probe(fd: RawFd) -> io::Result<()> {
    let poll = mio::Poll::new()?;
    let registered = poll.registry().register(&mut SourceFd(&fd), UNBLOCK, mio::Interest::READABLE);
    registered.map_err(|error| describe(error, fd))
}

/// Says what the system means.
fn describe(error: io::Error, fd: RawFd) -> io::Error {
    let meaning = match error.raw_os_error() {
        Some(libc::EPERM) => "it cannot be polled: regular files and directories never are",
        Some(libc::EEXIST) => "it is registered already, by another owner of the same descriptor",
        Some(libc::EBADF) => "it is not open",
        _ => return error,
    };
    io::Error::new(error.kind(), format!("file descriptor {fd} cannot be registered: {meaning} ({error})"))
}
