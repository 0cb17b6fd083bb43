//! An open file, as the system calls it: what the handles on it share with the operations under way.
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fs::inline::{self, CachedRead};

/// A file that is open, and what may be done with it on the thread that polls.
#[derive(Debug)]
pub(super) struct Description {
    /// There until the end.
    std: Option<fs::File>,
    /// It is a regular file of this machine: to look at it, to seek and to close it waits for nobody.
    local: bool,
    /// Somebody else may use the file's position, and hold its lock while he waits.
    shared: AtomicBool,
    /// Whether it can promise not to wait for a read, as far as is known.
    promises: AtomicBool,
}

impl Description {
    pub(super) fn new(std: fs::File, local: bool, shared: bool) -> Arc<Description> {
        Arc::new(Description {
            std: Some(std),
            local,
            shared: AtomicBool::new(shared),
            promises: AtomicBool::new(true),
        })
    }

    pub(super) fn std(&self) -> &fs::File {
        self.std.as_ref().expect("taken with the last reference only")
    }

    pub(super) fn is_local(&self) -> bool {
        self.local
    }

    /// There is another handle on the same position from now on.
    pub(super) fn share(&self) {
        // Relaxed: who shares is the one who would use it, or has handed it on since.
        self.shared.store(true, Ordering::Relaxed);
    }

    /// Whether a read may be tried on this thread; at the file's own position, or elsewhere.
    pub(super) fn reads_here(&self, at_position: bool) -> bool {
        // Relaxed: hints, but for `shared`, of which `share` tells.
        self.promises.load(Ordering::Relaxed)
            && !(at_position && self.shared.load(Ordering::Relaxed))
            && inline::is_on()
    }

    /// Whether a seek waits for nobody.
    pub(super) fn seeks_here(&self) -> bool {
        // Relaxed: as above.
        self.local && !self.shared.load(Ordering::Relaxed) && inline::is_on()
    }

    /// Whether what is known of the file can be asked for without waiting.
    pub(super) fn looks_here(&self) -> bool {
        self.local && inline::is_on()
    }

    /// Reads what is cached.
    pub(super) fn read_cached(&self, into: &mut [u8], offset: Option<u64>) -> CachedRead {
        let read = inline::read_cached(self.std(), into, offset);
        if matches!(read, CachedRead::Never) {
            // Relaxed: a hint only.
            self.promises.store(false, Ordering::Relaxed);
        }
        read
    }

    /// The file, if nothing under way has it as well.
    pub(super) fn try_into_std(self: Arc<Self>) -> Result<fs::File, Arc<Self>> {
        Arc::try_unwrap(self).map(|mut alone| alone.std.take().expect("taken with the last reference only"))
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        // To close a file of a server's may have it written there first. A pool that takes no more drops it here.
        if let Some(std) = self.std.take()
            && !self.local
            && !reactor_hook::may_block()
        {
            drop(reactor_hook::offload(Box::new(move || drop(std))));
        }
    }
}
