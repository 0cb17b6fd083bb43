//! Atomics, locks, threads and the thread-local: std's, or loom's under the private cfg.
#[cfg(not(runtime_loom))]
pub(crate) use std::{
    sync::{Mutex, atomic},
    thread, thread_local,
};

#[cfg(runtime_loom)]
pub(crate) use loom::sync::{Mutex, atomic};

#[cfg(runtime_loom)]
pub(crate) use self::model::{thread, thread_local};

#[cfg(runtime_loom)]
pub(crate) mod model {
    /// `std::thread_local!` of a constant; loom's own does not know that form.
    macro_rules! constant_local {
        (static $name:ident: $type:ty = const $value:block;) => {
            loom::thread_local! { static $name: $type = $value; }
        };
    }
    pub(crate) use constant_local as thread_local;

    pub(crate) mod thread {
        use std::cell::Cell;
        use std::io;
        use std::time::Duration;

        pub(crate) use loom::thread::{JoinHandle, Thread, current, park};

        loom::thread_local! { static REFUSED: Cell<bool> = Cell::new(false); }

        /// From now on, the threads that the calling thread wants to start are refused.
        pub(crate) fn refuse(refuse: bool) {
            REFUSED.with(|refused| refused.set(refuse));
        }

        /// Time does not pass: none is over at once, and any other never.
        pub(crate) fn park_timeout(timeout: Duration) {
            if !timeout.is_zero() {
                park();
            }
        }

        pub(crate) struct Builder(loom::thread::Builder);

        impl Builder {
            pub(crate) fn new() -> Self {
                Builder(loom::thread::Builder::new())
            }

            pub(crate) fn name(self, name: String) -> Self {
                Builder(self.0.name(name))
            }

            pub(crate) fn spawn<T: Send + 'static>(
                self,
                f: impl FnOnce() -> T + Send + 'static,
            ) -> io::Result<JoinHandle<T>> {
                if REFUSED.with(Cell::get) {
                    return Err(io::Error::other("refused by the model"));
                }
                self.0.spawn(f)
            }
        }
    }
}
