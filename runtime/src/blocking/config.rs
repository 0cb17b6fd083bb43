//! What the builder decides about the pool.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Called on a thread of the pool, or to name one.
pub(crate) type Hook = Arc<dyn Fn() + Send + Sync>;

/// Wraps a thread's body, which it must call once.
pub(crate) type Enter = Arc<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

/// Settings of a [`Pool`](super::Pool).
#[derive(Clone)]
pub(crate) struct Config {
    /// The most closures that run at a time; at least one.
    pub(crate) cap: usize,
    /// How long an idle thread waits before it ends.
    pub(crate) keep_alive: Duration,
    /// Bytes of a thread's stack; the platform's default if `None`.
    pub(crate) stack_size: Option<usize>,
    /// Names the next thread. Called by whoever submits, or by another thread of the pool.
    pub(crate) name: Arc<dyn Fn() -> String + Send + Sync>,
    /// Called on a thread before its first closure.
    pub(crate) on_start: Option<Hook>,
    /// Called on a thread after its last closure.
    pub(crate) on_stop: Option<Hook>,
    /// Wraps all a thread does, the two hooks above included.
    pub(crate) enter: Option<Enter>,
}

impl Config {
    /// The most closures at a time, unless the builder says otherwise. Tokio's number: enough for closures that wait
    /// for disks, and stacks that still fit into a 32-bit address space.
    pub(crate) const DEFAULT_CAP: usize = 512;

    /// How long an idle thread waits, unless the builder says otherwise. Tokio's number.
    pub(crate) const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(10);
}

impl Default for Config {
    fn default() -> Self {
        Config {
            cap: Config::DEFAULT_CAP,
            keep_alive: Config::DEFAULT_KEEP_ALIVE,
            stack_size: None,
            name: Arc::new(|| "runtime/blocking".into()),
            on_start: None,
            on_stop: None,
            enter: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("cap", &self.cap)
            .field("keep_alive", &self.keep_alive)
            .field("stack_size", &self.stack_size)
            .finish_non_exhaustive()
    }
}
