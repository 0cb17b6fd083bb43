//! Atomics: std's, or loom's under the private cfg.
#[cfg(not(runtime_loom))]
pub(crate) use std::sync::atomic;

#[cfg(runtime_loom)]
pub(crate) use loom::sync::atomic;

/// The lock of the cold list. Loom's is wrapped so that both are used alike.
#[cfg(not(runtime_loom))]
pub(crate) use parking_lot::Mutex;

#[cfg(runtime_loom)]
pub(crate) use self::model::Mutex;

/// A static, or one that each run of a model has anew.
#[cfg(not(runtime_loom))]
macro_rules! shared {
    (static $name:ident: $type:ty = $value:expr;) => {
        static $name: $type = $value;
    };
}

#[cfg(runtime_loom)]
macro_rules! shared {
    (static $name:ident: $type:ty = $value:expr;) => {
        loom::lazy_static! { static ref $name: $type = $value; }
    };
}

pub(crate) use shared;

#[cfg(runtime_loom)]
mod model {
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
        }
    }
}
