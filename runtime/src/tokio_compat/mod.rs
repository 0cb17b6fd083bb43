//! Tokio's world inside ours: futures that need tokio's own reactor, timers or `tokio::spawn` run as they are.
//!
//! [`Builder::tokio_compat`](crate::Builder::tokio_compat) gives it to all threads of a runtime, [`enter`] to the calling
//! one, for [`block_on`](crate::block_on) without a runtime or for a thread of your own.
//!
//! ```
//! use std::time::Duration;
//!
//! let runtime = runtime::Runtime::builder().tokio_compat(true).build()?;
//! runtime.block_on(async {
//!     let task = runtime::spawn(tokio::time::sleep(Duration::from_millis(1)));
//!     task.await.unwrap();
//! });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it is
//!
//! One thread a process, named `runtime-tokio`, drives one tokio runtime (the current-thread flavour, I/O and timers
//! enabled). All who ask for it share it. It is started when the first of them does, and ends when the last is gone: a
//! runtime once it has shut down, a guard once it is dropped. Each thread that executes futures for such a runtime enters
//! tokio's context once, when it starts; a poll costs nothing more than without. (By callgrind, in a current-thread runtime: 297
//! instructions for a `yield_now` and its poll, with the option and without, and without the feature; a `block_on`, which enters
//! anew, costs about 350 more.)
//!
//! - **Tasks stay here.** What you spawn with `runtime::spawn` is polled by our workers; tokio's thread sees to its sockets
//!   and timers, and wakes. Each such wake comes from another thread; our own sockets and timers need none and are faster.
//! - **`tokio::spawn`** and `tokio::task::spawn_blocking`, called by a library, run on tokio's thread and on its blocking
//!   pool. A task there that blocks stops all of tokio's sockets and timers, and there `runtime::spawn` needs a
//!   [`Handle`](crate::Handle), as on any thread that is not ours. Such tasks are cancelled when the world ends,
//!   not when the runtime does from which they were spawned.
//! - **`tokio::task::block_in_place`** simply calls its closure: nobody stands in for the worker meanwhile. Use
//!   [`task::block_in_place`](crate::task::block_in_place).
//! - **Tokio's budget** is not in force outside of its own tasks: a task that finds a tokio socket ready for ever must yield
//!   by itself ([`yield_now`](crate::task::yield_now)).
//!
//! # When it ends
//!
//! Dropping the last runtime that has it waits for tokio's thread, as it does for the workers, for at most
//! [`Builder::shutdown_timeout`](crate::Builder::shutdown_timeout); in async code it does not wait. The thread itself
//! waits for at most a second for closures of tokio's blocking pool that run.
//!
//! A tokio socket that outlives the world gives an [`io::Error`] that says "being shutdown", never a hang. A
//! tokio timer that is polled then panics with these words: tokio leaves no other way. Keep the runtime, or a guard of
//! [`enter`], for as long as tokio's timers are in use.
mod entered;
mod lease;
mod world;

use std::fmt;
use std::io;

pub(crate) use entered::Entered;
pub(crate) use lease::{Lease, Wanted};
use world::World;

/// Enters tokio's world on the calling thread, until the guard is dropped.
///
/// For [`block_on`](crate::block_on), which has no builder, and for threads that are not a runtime's. A runtime built with
/// [`Builder::tokio_compat`](crate::Builder::tokio_compat) needs it nowhere on its own threads. Guards, and what was entered
/// meanwhile, are best dropped in reverse order: tokio reports its own guard dropped before a later one with a panic message,
/// which is contained, and then stays entered on that thread.
///
/// ```
/// use std::time::Duration;
///
/// let _entered = runtime::tokio_compat::enter();
/// runtime::block_on(tokio::time::sleep(Duration::from_millis(1)));
/// ```
///
/// # Panics
///
/// When the operating system refuses the thread or its descriptors; [`try_enter`] returns the error.
#[track_caller]
pub fn enter() -> EnterGuard {
    match try_enter() {
        Ok(guard) => guard,
        Err(error) => crate::misuse::panic(
            "runtime::tokio_compat::enter",
            &format!("the thread for tokio's reactor could not be started: {error}"),
            [
                "use `runtime::tokio_compat::try_enter`, which returns the error",
                "it needs one thread and three file descriptors for the whole process",
            ],
        ),
    }
}

/// As [`enter`], for who can do without.
///
/// # Errors
///
/// The operating system's, when it refuses the thread or its descriptors.
pub fn try_enter() -> io::Result<EnterGuard> {
    World::acquire().map(|world| EnterGuard { _entered: Entered::new(world) })
}

/// Leaves tokio's world when dropped; made by [`enter`].
#[must_use = "tokio's world is left when the guard is dropped"]
pub struct EnterGuard {
    _entered: Entered,
}

impl fmt::Debug for EnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnterGuard")
    }
}
