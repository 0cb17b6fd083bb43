//! Which process made something. A child made by `fork` has a copy of it, and none of the threads that serve it.
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::frame;

/// How many forks lie between this process and the first that asked. Written by the handler of a fork, in the child.
static GENERATION: AtomicU32 = AtomicU32::new(0);

#[inline]
fn generation() -> u32 {
    // Relaxed: it changes only while the process has one thread, which is the one that wrote it.
    GENERATION.load(Ordering::Relaxed)
}

/// The process in which it was taken, told from children by one comparison.
///
/// ```
/// let origin = reactor_hook::process::Origin::here();
/// assert!(origin.is_here());
/// assert!(origin.check("the lamp").is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    generation: u32,
    pid: u32,
}

impl Origin {
    /// This process. From the first call on, forks are counted.
    pub fn here() -> Origin {
        count_forks();
        Origin { generation: generation(), pid: std::process::id() }
    }

    /// Whether this is still the process, and no child that was forked from it.
    ///
    /// A child made by a bare `clone` system call, without the C library's `fork`, is not told from its parent.
    #[inline]
    pub fn is_here(&self) -> bool {
        self.generation == generation()
    }

    /// Whether `what` may be used here, by its origin.
    ///
    /// # Errors
    ///
    /// In a child, an error of kind [`Other`](io::ErrorKind::Other) that names `what` and both processes.
    #[inline]
    pub fn check(&self, what: &str) -> io::Result<()> {
        if self.is_here() { Ok(()) } else { Err(self.error(what)) }
    }

    #[cold]
    fn error(&self, what: &str) -> io::Error {
        io::Error::other(format!("{what} was {self}"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here = std::process::id();
        if self.is_here() {
            write!(f, "made in process {here}")
        } else {
            write!(f, "made in process {}, and is used in process {here}, which was forked from it", self.pid)
        }
    }
}

/// A static of which each process has its own: a forked child does not see the one of its parent, whose locks may be
/// held by threads that the child does not have.
#[derive(Debug)]
pub struct PerProcess<T: 'static>(AtomicPtr<Made<T>>);

#[derive(Debug)]
struct Made<T> {
    origin: Origin,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    /// Nothing yet.
    #[expect(clippy::new_without_default, reason = "for statics")]
    pub const fn new() -> Self {
        PerProcess(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// This process's value, which `make` makes if there is none. Of several made at once one is kept.
    #[inline]
    pub fn get(&'static self, make: impl FnOnce() -> T) -> &'static T {
        // Ordering: Acquire pairs with the Release in `make`.
        let made = self.0.load(Ordering::Acquire);
        // SAFETY: null, or stored by `make`, which leaks it.
        match unsafe { made.as_ref() } {
            Some(made) if made.origin.is_here() => &made.value,
            _ => self.make(made, make()),
        }
    }

    #[cold]
    fn make(&'static self, former: *mut Made<T>, value: T) -> &'static T {
        let made = Box::into_raw(Box::new(Made { origin: Origin::here(), value }));
        let mut former = former;
        loop {
            // Ordering: Release publishes the value; Acquire as in `get`.
            let Err(kept) = self.0.compare_exchange(former, made, Ordering::AcqRel, Ordering::Acquire) else {
                // SAFETY: just stored, and leaked.
                return unsafe { &(*made).value };
            };
            // SAFETY: not null any more: stored by a `make`, and leaked.
            let kept_here = unsafe { &*kept };
            if kept_here.origin.is_here() {
                // SAFETY: it was not stored: this thread alone knows it.
                drop(unsafe { Box::from_raw(made) });
                return &kept_here.value;
            }
            // The parent's: this process was forked since `former` was read.
            former = kept;
        }
    }
}

/// Has `handler` called in each child that is forked from this process, on its one thread, before `fork` returns there.
///
/// # Safety
///
/// The handler does nothing that a signal handler must not do: it neither allocates, frees, locks nor unwinds, for other
/// threads may have been in the middle of anything.
pub unsafe fn after_fork(handler: extern "C" fn()) {
    // SAFETY: what the caller promises.
    unsafe { system::after_fork(handler) };
}

fn count_forks() {
    static COUNTS: Once = Once::new();
    // SAFETY: it writes an atomic and cells, and forgets what it takes out of them.
    COUNTS.call_once(|| unsafe { after_fork(forked) });
}

extern "C" fn forked() {
    // Relaxed: as in `generation`.
    GENERATION.store(generation().wrapping_add(1), Ordering::Relaxed);
    frame::inherited();
}

#[cfg(unix)]
mod system {
    use std::ffi::c_int;

    type Handler = Option<unsafe extern "C" fn()>;

    unsafe extern "C" {
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
    }

    pub(super) unsafe fn after_fork(handler: extern "C" fn()) {
        // SAFETY: the handler is a function for as long as the process lives, and by the caller's promise a child may run
        // it. Out of memory is the only failure: then
        // children are not told from their parent.
        unsafe { pthread_atfork(None, None, Some(handler)) };
    }
}

#[cfg(not(unix))]
mod system {
    /// Nothing forks.
    pub(super) unsafe fn after_fork(_: extern "C" fn()) {}
}
