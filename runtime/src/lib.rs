//! A multi-threaded work-stealing async runtime that runs any future, and whose sockets and timers run anywhere.
//!
//! ```
//! # #[cfg(feature = "macros")]
//! #[runtime::main]
//! async fn main() {
//!     let answer = runtime::spawn(async { 6 * 7 });
//!     assert_eq!(answer.await.unwrap(), 42);
//! }
//! # #[cfg(not(feature = "macros"))]
//! # fn main() {}
//! ```
//!
//! A [`Runtime`] is a pool of workers that steal tasks from one another. Sockets (`net`) and timers (`time`) know
//! nothing of it: they ask the thread that polls them for a driver, through the crate `reactor-hook`, and work under any
//! executor. [`block_on`] runs a future with no runtime at all.
#![deny(unsafe_code)]
// Under loom only the protocols are built, and not all of what the scheduler uses of them.
#![cfg_attr(runtime_loom, allow(dead_code, unreachable_pub, unused_imports, clippy::new_without_default))]

mod aside;
mod blocking;
mod cancellable;
mod hold;
mod idle;
mod local;
mod misuse;
mod poll_times;
mod primitives;
mod queue;
mod remedy;
mod report;
mod supervisor;
pub mod task;

#[cfg(not(runtime_loom))]
mod block_on;
#[cfg(not(runtime_loom))]
mod builder;
#[cfg(not(runtime_loom))]
pub mod compute;
#[cfg(not(runtime_loom))]
mod config;
#[cfg(not(runtime_loom))]
mod driver;
#[cfg(not(runtime_loom))]
mod dump;
#[cfg(all(feature = "fs", not(runtime_loom)))]
pub mod fs;
#[cfg(not(runtime_loom))]
mod handle;
#[cfg(not(runtime_loom))]
mod identity;
#[cfg(not(runtime_loom))]
mod join_set;
#[cfg(not(runtime_loom))]
mod large;
#[cfg(not(runtime_loom))]
mod local_set;
#[cfg(not(runtime_loom))]
mod metrics;
#[cfg(not(runtime_loom))]
mod pin;
#[cfg(not(runtime_loom))]
mod promise;
#[cfg(not(runtime_loom))]
pub mod runtime;
#[cfg(not(runtime_loom))]
mod scheduler;
#[cfg(not(runtime_loom))]
mod scope;
#[cfg(not(runtime_loom))]
mod spawn;
#[cfg(not(runtime_loom))]
mod spawn_blocking;
#[cfg(not(runtime_loom))]
mod stall;
#[cfg(all(feature = "tokio-io", not(runtime_loom)))]
mod stdio;
#[cfg(not(runtime_loom))]
mod task_builder;
#[cfg(not(runtime_loom))]
mod task_local;
#[cfg(all(feature = "tokio-compat", not(runtime_loom)))]
pub mod tokio_compat;
#[cfg(not(any(feature = "tokio-compat", runtime_loom)))]
#[path = "tokio_compat/off.rs"]
mod tokio_compat;
#[cfg(not(runtime_loom))]
mod yield_now;

#[cfg(not(runtime_loom))]
pub use {
    block_on::block_on,
    builder::Builder,
    config::UnhandledPanic,
    dump::{Dump, TaskDump, TaskKind, TaskState},
    handle::{EnterGuard, Handle, TryCurrentError},
    identity::{Id, RuntimeFlavor},
    metrics::{Metrics, WorkerMetrics},
    poll_times::PollTimes,
    runtime::{Runtime, ShutdownReport},
    spawn::{spawn, spawn_blocking},
    stall::{StallReport, ThreadState},
};

#[cfg(all(feature = "macros", not(runtime_loom)))]
pub use runtime_macros::{main, test};

/// Sockets, under tokio's names.
#[cfg(all(feature = "net", not(runtime_loom)))]
pub mod net {
    pub use reactor::net::*;
}

/// I/O under tokio's paths: readiness of file descriptors (feature `net`); tokio's traits, buffers and combinators, and the
/// standard streams (feature `tokio-io`).
///
/// With `tokio-io` every socket of [`net`] has tokio's traits, and what is built on them works with it under any executor:
///
/// ```
/// # #[cfg(feature = "tokio-io")]
/// # runtime::block_on(async {
/// use runtime::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (mut near, mut far) = runtime::io::duplex(64);
/// near.write_all(b"hello").await?;
/// drop(near);
/// let mut text = String::new();
/// far.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[cfg(all(any(feature = "net", feature = "tokio-io"), not(runtime_loom)))]
pub mod io {
    #[cfg(feature = "net")]
    pub use reactor::{Interest, Ready};
    #[doc(no_inline)]
    pub use std::io::{Error, ErrorKind, Result, SeekFrom};

    #[cfg(feature = "tokio-io")]
    pub use crate::stdio::{Stderr, Stdin, Stdout, stderr, stdin, stdout};
    #[cfg(feature = "tokio-io")]
    #[doc(no_inline)]
    pub use tokio::io::{
        AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWrite,
        AsyncWriteExt, BufReader, BufStream, BufWriter, Chain, DuplexStream, Empty, Join, Lines, ReadBuf,
        ReadHalf, Repeat, SimplexStream, Sink, Split, Take, WriteHalf, copy, copy_bidirectional,
        copy_bidirectional_with_sizes, copy_buf, duplex, empty, join, repeat, simplex, sink, split,
    };

    /// File descriptors.
    #[cfg(all(feature = "net", unix))]
    pub mod unix {
        pub use reactor::{AsyncFd, AsyncFdReadyGuard, AsyncFdReadyMutGuard, AsyncFdTryNewError, TryIoError};

        /// The name that tokio has given to [`AsyncFdTryNewError`].
        pub type AsyncFdRegisterError<T> = AsyncFdTryNewError<T>;
    }
}

/// Channels, locks and other ways for tasks to wait for each other: tokio's, which need no runtime of tokio's.
///
/// They know nothing of the [budget](task::coop) of our tasks. A loop over channels that never run dry is one poll without end:
/// it keeps its neighbours waiting, and no `timeout`, `select!`, abort or drop of the runtime ends it (the drop waits for that
/// poll without limit), unless one of its awaits goes through [`coop::cooperative`](task::coop::cooperative). Waits with a time
/// limit are [`time::timeout`]'s.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// use runtime::sync::mpsc;
/// use runtime::task::coop::cooperative;
///
/// let (tx, mut rx) = mpsc::channel(16);
/// runtime::spawn(async move {
///     for number in 0..100 {
///         tx.send(number).await.unwrap();
///     }
/// });
/// let mut sum = 0;
/// while let Some(number) = cooperative(rx.recv()).await {
///     sum += number;
/// }
/// assert_eq!(sum, 4950);
/// # });
/// ```
#[cfg(all(feature = "sync", not(runtime_loom)))]
pub mod sync {
    #[doc(no_inline)]
    pub use tokio::sync::*;
}

#[cfg(all(feature = "tokio-macros", not(runtime_loom)))]
#[doc(no_inline)]
pub use tokio::{join, select, try_join};

/// Timers, under tokio's names.
#[cfg(all(feature = "time", not(runtime_loom)))]
pub mod time {
    pub use timer::*;
}

#[cfg(all(feature = "hyper", not(runtime_loom)))]
pub mod hyper;

#[cfg(runtime_loom)]
#[doc(hidden)]
pub mod model {
    //! The protocols, for their models.
    pub use crate::aside::model::Aside;
    pub use crate::blocking::model as blocking;
    pub use crate::cancellable::{CancelHandle, Cancellable, Cancelled, cancellable};
    pub use crate::hold::Hold;
    pub use crate::idle::model as idle;
    pub use crate::local::model as local;
    pub use crate::queue::model as queue;
    pub use crate::supervisor::model as supervisor;
    pub use crate::task::model as task;
}

#[cfg(all(test, not(runtime_loom)))]
mod watchdog;

/// The README's examples are tests too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/interop.md")]
mod interop {}
