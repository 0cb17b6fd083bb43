//! Atomics, locks and threads: the real ones, or loom's under the private cfg.
#[cfg(not(runtime_loom))]
pub(crate) use std::{sync::atomic, thread};

#[cfg(not(runtime_loom))]
pub(crate) use parking_lot::Mutex;

#[cfg(runtime_loom)]
pub(crate) use loom::{sync::atomic, thread};

#[cfg(runtime_loom)]
pub(crate) use self::model::Mutex;

/// Loom's mutex with the shape of `parking_lot`'s.
#[cfg(runtime_loom)]
mod model {
    use loom::sync::MutexGuard;

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
    }
}
