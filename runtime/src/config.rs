//! What is fixed when a runtime is built.
use std::sync::Arc;
use std::time::Duration;

use crate::stall::Reporting;
use crate::tokio_compat::Wanted;

/// A callback that takes nothing, called on one of the runtime's threads.
pub(crate) type Callback = Arc<dyn Fn() + Send + Sync>;

/// What to do when a task panics. Its [`JoinHandle`](crate::task::JoinHandle) resolves to the panic in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnhandledPanic {
    /// The panic is reported by the panic hook, as that of any thread, and the runtime goes on.
    #[default]
    Ignore,
    /// The runtime shuts down: every task is cancelled.
    ShutdownRuntime,
}

/// Everything that is fixed when a runtime is built.
#[derive(Clone)]
pub(crate) struct Config {
    /// Worker threads; zero for a current-thread runtime.
    pub(crate) workers: usize,
    pub(crate) max_blocking_threads: usize,
    /// Threads of the pool for closures that compute; as many as there are cores if nobody says.
    pub(crate) compute_threads: Option<usize>,
    pub(crate) thread_keep_alive: Duration,
    pub(crate) thread_name: Arc<dyn Fn() -> String + Send + Sync>,
    pub(crate) thread_stack_size: Option<usize>,
    pub(crate) on_thread_start: Option<Callback>,
    pub(crate) on_thread_stop: Option<Callback>,
    pub(crate) on_thread_park: Option<Callback>,
    pub(crate) on_thread_unpark: Option<Callback>,
    /// At most; exactly, if `keeps_event_interval`.
    pub(crate) event_interval: u32,
    pub(crate) keeps_event_interval: bool,
    pub(crate) global_queue_interval: u32,
    pub(crate) max_spare_threads: usize,
    pub(crate) stall_threshold: Duration,
    pub(crate) stall_reports: Reporting,
    pub(crate) poll_times: bool,
    pub(crate) unhandled_panic: UnhandledPanic,
    pub(crate) shutdown_timeout: Duration,
    /// See `Builder::fs_inline`.
    #[cfg_attr(not(feature = "fs"), allow(dead_code))]
    pub(crate) fs_inline: bool,
    pub(crate) tokio: Wanted,
}
