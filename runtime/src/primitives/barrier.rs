//! A pair of barriers of which one costs nothing and the other a system call: for two threads of which one does its part
//! of Dekker's pattern all the time, and the other seldom.
//!
//! Say one thread stores *a*, then `light`, then loads *b*; and another stores *b*, then `heavy`, then loads *a*. At least one of them sees
//! what the other has stored, if `heavy` says true. See membarrier(2).
#![cfg_attr(not(runtime_loom), allow(unsafe_code))]

#[cfg(not(any(runtime_loom, target_os = "linux")))]
pub(crate) use nowhere::{heavy, register, register_if_quick};
#[cfg(all(target_os = "linux", not(runtime_loom)))]
pub(crate) use system::{heavy, register, register_if_quick};

#[cfg(not(runtime_loom))]
pub(crate) use real::{is_available, light};

#[cfg(runtime_loom)]
pub(crate) use model::{heavy, is_available, light};

#[cfg(not(runtime_loom))]
mod real {
    use std::sync::atomic::{AtomicU8, Ordering, compiler_fence};

    /// Nobody has asked the system yet.
    pub(super) const UNKNOWN: u8 = 0;
    pub(super) const READY: u8 = 1;
    /// For good.
    pub(super) const REFUSED: u8 = 2;

    /// Of this process. A child that is forked has what its parent had.
    pub(super) static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

    #[inline]
    pub(crate) fn light() {
        // The processor's part is done by the system, at the other thread's request.
        compiler_fence(Ordering::SeqCst);
    }

    /// Whether `heavy` works.
    pub(crate) fn is_available() -> bool {
        // Relaxed: nothing was written before that belongs to it.
        STATE.load(Ordering::Relaxed) == READY
    }
}

#[cfg(all(target_os = "linux", not(runtime_loom)))]
mod system {
    use std::os::unix::fs::MetadataExt as _;
    use std::sync::atomic::Ordering::Relaxed;

    use super::real::{READY, REFUSED, STATE, UNKNOWN};

    /// Links of a process's directory of threads while there is one: the two that any has, and one for each thread.
    const LINKS_OF_ONE: u64 = 3;

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: it takes three numbers, and writes nothing.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    fn register_and_try() -> bool {
        membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED as libc::c_int)
            && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED as libc::c_int)
    }

    /// Makes `heavy` available, where the system has it. In a process of many threads the kernel takes its time: 10 to 30 ms. Any
    /// number of times: it is done once.
    pub(crate) fn register() {
        // Relaxed: see `is_available`. Two that come at once both do it.
        if STATE.load(Relaxed) == UNKNOWN {
            let state = if register_and_try() { READY } else { REFUSED };
            STATE.store(state, Relaxed);
        }
    }

    /// Registers in a process of one thread, where that takes microseconds.
    pub(crate) fn register_if_quick() {
        // Relaxed: see `is_available`.
        if STATE.load(Relaxed) == UNKNOWN
            && std::fs::metadata("/proc/self/task").is_ok_and(|threads| threads.nlink() == LINKS_OF_ONE)
        {
            register();
        }
    }

    /// False when the system refuses, and then it is not available any more.
    pub(crate) fn heavy() -> bool {
        let done = membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED as libc::c_int) || register_and_try();
        if !done {
            // Relaxed: see `is_available`.
            STATE.store(REFUSED, Relaxed);
        }
        done
    }
}

#[cfg(not(any(runtime_loom, target_os = "linux")))]
mod nowhere {
    use std::sync::atomic::Ordering::Relaxed;

    use super::real::{REFUSED, STATE};

    pub(crate) fn register() {
        // Relaxed: see `is_available`.
        STATE.store(REFUSED, Relaxed);
    }

    pub(crate) fn register_if_quick() {
        register();
    }

    pub(crate) fn heavy() -> bool {
        false
    }
}

#[cfg(runtime_loom)]
mod model {
    use loom::sync::atomic::{Ordering, fence};

    pub(crate) fn light() {
        fence(Ordering::SeqCst);
    }

    pub(crate) fn heavy() -> bool {
        fence(Ordering::SeqCst);
        true
    }

    pub(crate) fn is_available() -> bool {
        true
    }
}
