//! Atomics, barriers, cells, locks and threads: the real ones, or loom's under the private cfg.
pub(crate) mod barrier;

#[cfg(not(runtime_loom))]
pub(crate) use std::{
    sync::{Arc, atomic},
    thread,
};

#[cfg(not(runtime_loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(not(runtime_loom))]
pub(crate) use self::real::{UnsafeCell, overwrite};

#[cfg(runtime_loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::{Arc, MutexGuard, atomic},
    thread,
};

#[cfg(runtime_loom)]
pub(crate) use self::model::{Mutex, overwrite, this_thread};

#[cfg(not(runtime_loom))]
pub(crate) use reactor_hook::thread_number as this_thread;

#[cfg(not(runtime_loom))]
mod real {
    use std::sync::atomic::{AtomicPtr, Ordering};

    /// A store, whatever others exchange meanwhile.
    #[inline(always)]
    pub(crate) fn overwrite<T>(word: &AtomicPtr<T>, value: *mut T) {
        // Relaxed: nothing is published.
        word.store(value, Ordering::Relaxed);
    }

    /// `std::cell::UnsafeCell` with loom's way of access, so that a model sees each one.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        #[inline(always)]
        pub(crate) const fn new(value: T) -> Self {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }
    }

    impl<T: ?Sized> UnsafeCell<T> {
        /// Reads, possibly together with others that read.
        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Writes, alone.
        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

/// Loom's mutex with the shape of `parking_lot`'s.
#[cfg(runtime_loom)]
mod model {
    use std::hash::BuildHasher as _;

    use loom::sync::MutexGuard;
    use loom::sync::atomic::{AtomicPtr, Ordering};

    /// Loom does not know that nothing comes between what an exchange has read and what it writes: of an exchange and a store by threads
    /// that have both read the same, either may be the later for it. A swap whose answer nobody looks at is a store that it puts last.
    pub(crate) fn overwrite<T>(word: &AtomicPtr<T>, value: *mut T) {
        word.swap(value, Ordering::Relaxed);
    }

    /// Loom's threads share one of the system's. Not zero.
    pub(crate) fn this_thread() -> u64 {
        let hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default();
        hasher.hash_one(loom::thread::current().id()) | 1
    }

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("a model that panics has failed already")
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().expect("a model that panics has failed already")
        }
    }
}
