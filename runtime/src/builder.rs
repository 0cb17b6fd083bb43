//! `Builder`: every option of a runtime, checked before a thread is started.
#[cfg(feature = "fs")]
mod fs;
#[cfg(feature = "tokio-compat")]
mod tokio_compat;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, UnhandledPanic};
use crate::runtime::Runtime;
use crate::scheduler;
use crate::stall::{Reporting, StallReport};
use crate::tokio_compat::Wanted;

/// The environment variable that overrides the default number of workers.
const WORKER_THREADS: &str = "RUNTIME_WORKER_THREADS";

/// More workers than this is taken for a mistake: each is a thread and a slot that every thief looks at.
pub(crate) const MAX_WORKERS: usize = 1 << 10;

/// Which kind of runtime a builder makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavor {
    MultiThread,
    CurrentThread,
}

/// Builds a [`Runtime`] with other than the default options.
///
/// ```
/// let runtime = runtime::Runtime::builder().worker_threads(2).thread_name("worker").build()?;
/// assert_eq!(runtime.block_on(async { 6 * 7 }), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    flavor: Flavor,
    worker_threads: Option<usize>,
    config: Config,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("flavor", &self.flavor)
            .field("worker_threads", &self.worker_threads)
            .field("max_blocking_threads", &self.config.max_blocking_threads)
            .field("thread_keep_alive", &self.config.thread_keep_alive)
            .field("stall_threshold", &self.config.stall_threshold)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// A runtime with worker threads: the default.
    pub fn new_multi_thread() -> Builder {
        Builder { flavor: Flavor::MultiThread, worker_threads: None, config: Config::default() }
    }

    /// A runtime without worker threads: tasks run on the thread inside [`Runtime::block_on`], while it is there.
    pub fn new_current_thread() -> Builder {
        Builder { flavor: Flavor::CurrentThread, worker_threads: None, config: Config::default() }
    }

    /// The number of worker threads. Default: the environment variable `RUNTIME_WORKER_THREADS`, else the available
    /// parallelism, which respects a cgroup's quota. Change it when the process shares its cores with others.
    ///
    /// # Panics
    ///
    /// When `count` is zero or more than 1024.
    #[track_caller]
    pub fn worker_threads(&mut self, count: usize) -> &mut Self {
        if !(1..=MAX_WORKERS).contains(&count) {
            crate::misuse::panic(
                "Builder::worker_threads",
                &format!("{count} workers were asked for, and a runtime has from 1 to {MAX_WORKERS}"),
                [
                    "leave the option out for as many workers as there are cores",
                    "for a runtime without worker threads use `Builder::new_current_thread()`",
                ],
            );
        }
        self.worker_threads = Some(count);
        self
    }

    /// The most threads of the blocking pool. Default: 512. Lower it to bound the memory of stacks; closures beyond it
    /// wait in a queue.
    ///
    /// # Panics
    ///
    /// When `count` is zero.
    #[track_caller]
    pub fn max_blocking_threads(&mut self, count: usize) -> &mut Self {
        if count == 0 {
            crate::misuse::panic(
                "Builder::max_blocking_threads",
                "a cap of zero would leave every blocking closure waiting for ever",
                [
                    "allow at least one thread",
                    "threads are started on demand only: a high cap costs nothing until it is used",
                ],
            );
        }
        self.config.max_blocking_threads = count;
        self
    }

    /// The most threads of the pool that [`compute`](crate::compute) runs closures on. Default: as many as the process may use
    /// cores. Lower it to leave some to the workers; more than cores makes none faster.
    ///
    /// # Panics
    ///
    /// When `count` is zero.
    #[track_caller]
    pub fn compute_threads(&mut self, count: usize) -> &mut Self {
        if count == 0 {
            crate::misuse::panic(
                "Builder::compute_threads",
                "no threads would leave every closure that computes waiting for ever",
                [
                    "allow at least one thread",
                    "threads are started on demand only: the pool costs nothing until it is used",
                ],
            );
        }
        self.config.compute_threads = Some(count);
        self
    }

    /// How long an idle thread of the blocking pool waits before it ends. Default: 10 s.
    pub fn thread_keep_alive(&mut self, keep_alive: Duration) -> &mut Self {
        self.config.thread_keep_alive = keep_alive;
        self
    }

    /// The name of the runtime's threads: of workers, of spares that stand in for them, and of those of the blocking and the compute
    /// pool, all the same. Default: `runtime-worker`. The supervisor's has `-supervisor` at its end, for `-worker` or after the name
    /// (Linux keeps the first 15 bytes of a name: `runtime-supervi`), and those of feature `tokio-compat` are called
    /// `runtime-tokio`. [`thread_name_fn`](Builder::thread_name_fn) can tell single threads apart.
    pub fn thread_name(&mut self, name: impl Into<String>) -> &mut Self {
        let name = name.into();
        self.config.thread_name = Arc::new(move || name.clone());
        self
    }

    /// A function that names each thread of the runtime as it is started; [`thread_name`](Builder::thread_name) says which there are.
    pub fn thread_name_fn(&mut self, name: impl Fn() -> String + Send + Sync + 'static) -> &mut Self {
        self.config.thread_name = Arc::new(name);
        self
    }

    /// The stack size of the runtime's threads in bytes. Default: that of `std::thread`.
    pub fn thread_stack_size(&mut self, bytes: usize) -> &mut Self {
        self.config.thread_stack_size = Some(bytes);
        self
    }

    /// Called on each thread of the runtime when it starts.
    pub fn on_thread_start(&mut self, call: impl Fn() + Send + Sync + 'static) -> &mut Self {
        self.config.on_thread_start = Some(Arc::new(call));
        self
    }

    /// Called on each thread of the runtime before it ends.
    pub fn on_thread_stop(&mut self, call: impl Fn() + Send + Sync + 'static) -> &mut Self {
        self.config.on_thread_stop = Some(Arc::new(call));
        self
    }

    /// Called on a worker before it parks.
    pub fn on_thread_park(&mut self, call: impl Fn() + Send + Sync + 'static) -> &mut Self {
        self.config.on_thread_park = Some(Arc::new(call));
        self
    }

    /// Called on a worker after it was parked.
    pub fn on_thread_unpark(&mut self, call: impl Fn() + Send + Sync + 'static) -> &mut Self {
        self.config.on_thread_unpark = Some(Arc::new(call));
        self
    }

    /// After how many polls a busy worker considers a look at sockets and timers. Default: 61, as in tokio (a prime, so
    /// that it falls into step with nothing), and fewer while polls are long: as many as take 100 µs. What is given here is kept.
    ///
    /// # Panics
    ///
    /// When `polls` is zero.
    #[track_caller]
    pub fn event_interval(&mut self, polls: u32) -> &mut Self {
        self.config.event_interval = nonzero_interval("Builder::event_interval", polls);
        self.config.keeps_event_interval = true;
        self
    }

    /// After how many polls at most a busy worker takes a batch from the injector, where spawns and wakes from other
    /// threads arrive: sooner while few tasks wait in its own queue. Default: 61.
    ///
    /// # Panics
    ///
    /// When `polls` is zero.
    #[track_caller]
    pub fn global_queue_interval(&mut self, polls: u32) -> &mut Self {
        self.config.global_queue_interval = nonzero_interval("Builder::global_queue_interval", polls);
        self
    }

    /// The most threads that may stand in for workers that block, be it in [`block_in_place`](crate::task::block_in_place) or
    /// in a task that keeps its worker for longer than the [stall threshold](Builder::stall_threshold) while others wait.
    /// Default: 16; at most 1024. Zero switches the standing in off.
    pub fn max_spare_threads(&mut self, count: usize) -> &mut Self {
        self.config.max_spare_threads = count.min(MAX_WORKERS);
        self
    }

    /// How long a poll may last, and sockets and timers be without a thread that waits for them, while others wait: then
    /// another thread stands in. Default: 10 ms: long against a well-behaved poll (microseconds), short against what a person
    /// notices. At least 1 ms. `Duration::MAX` is never: a task that blocks its worker blocks all that waits there.
    pub fn stall_threshold(&mut self, threshold: Duration) -> &mut Self {
        self.config.stall_threshold = threshold.max(Duration::from_millis(1));
        self
    }

    /// Called when a task is found to have kept its worker in one poll for a [`stall_threshold`](Builder::stall_threshold), and
    /// again when it has come out of that poll; of each place where tasks are spawned, once a second at most
    /// ([`StallReport::unreported`] counts the rest, and [`Metrics::stalls`](crate::Metrics::stalls) all). Polls
    /// inside of [`block_in_place`](crate::task::block_in_place), and those of the thread in `block_on`, are not
    /// reported; nor is one that panics, where the report of the panic takes its time; nor is anything in a runtime without
    /// workers. Of panics the runtime learns by a panic hook, which the first such runtime of a process puts around the one that is set when
    /// it is built. That one should be built while nobody else sets a hook, and not by a thread that a panic hook waits for.
    ///
    /// It runs on the thread that looks after stuck workers: it must not block, nor wait for a lock that is held where the runtime is
    /// dropped, since it is called until that drop returns. It may drop the
    /// runtime, or shut it down, which does not wait there. A panic in it is told by the panic hook, and has no
    /// other effect.
    ///
    /// With the feature `tracing` each report is also a `WARN` event with the target `runtime::stall`.
    ///
    /// ```
    /// let runtime = runtime::Runtime::builder()
    ///     .on_stall(|report| eprintln!("{report}"))
    ///     .build()?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn on_stall(&mut self, call: impl Fn(&StallReport) + Send + Sync + 'static) -> &mut Self {
        self.config.stall_reports.call = Some(Arc::new(call));
        self
    }

    /// Whether stalls are reported on standard error, with what to do about them, as by [`on_stall`](Builder::on_stall).
    /// Default: no. `#[runtime::main]` asks for it in a debug build.
    pub fn print_stalls(&mut self, print: bool) -> &mut Self {
        self.config.stall_reports.print = print;
        self
    }

    /// Whether a report of a stall tells what the thread is doing ([`StallReport::thread`]): whether it computes or
    /// sleeps, and in which system call, as `/proc` says on Linux. Default: no. It costs three reads of small files a report.
    ///
    /// A stack is not told. To get one, a thread must be interrupted by a signal and unwound in its handler, and no unwinder
    /// for Rust is made to be called there: the interrupted thread may hold the very lock that it takes. The number of the thread is in
    /// the report, for a debugger or profiler.
    pub fn stall_thread_state(&mut self, tell: bool) -> &mut Self {
        self.config.stall_reports.thread_state = tell;
        self
    }

    /// Whether the polls of each task are counted and timed, for [`Handle::dump`](crate::Handle::dump). Default: no.
    ///
    /// Then each poll reads the clock twice and takes a lock, and each spawn takes two. Without it neither a poll nor a spawn
    /// asks whether it is wanted: nothing is counted, and nothing paid. Closures are not polled, and the tasks of a
    /// [`LocalSet`](crate::task::LocalSet) belong to no runtime.
    ///
    /// ```
    /// let runtime = runtime::Runtime::builder().worker_threads(1).poll_times(true).build()?;
    /// let task = runtime.spawn(async {
    ///     runtime::task::yield_now().await;
    ///     std::future::pending::<()>().await
    /// });
    /// while runtime.dump().iter().any(|task| task.polls.is_none_or(|times| times.polls < 2)) {
    ///     std::thread::yield_now();
    /// }
    /// # std::io::Result::Ok(())
    /// ```
    pub fn poll_times(&mut self, count: bool) -> &mut Self {
        self.config.poll_times = count;
        self
    }

    /// How long dropping the runtime waits for closures of the blocking pool that are running. Default: 1 s; `Duration::MAX`: until
    /// they have returned, as tokio does. What has not returned by then runs on, which is said on standard error.
    pub fn shutdown_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.config.shutdown_timeout = timeout;
        self
    }

    /// What to do when a task panics. Default: [`UnhandledPanic::Ignore`].
    pub fn unhandled_panic(&mut self, behaviour: UnhandledPanic) -> &mut Self {
        self.config.unhandled_panic = behaviour;
        self
    }

    /// Does nothing: sockets and timers are always there. Kept so that code written for tokio compiles.
    pub fn enable_all(&mut self) -> &mut Self {
        self
    }

    /// Does nothing; see [`enable_all`](Builder::enable_all).
    pub fn enable_io(&mut self) -> &mut Self {
        self
    }

    /// Does nothing; see [`enable_all`](Builder::enable_all).
    pub fn enable_time(&mut self) -> &mut Self {
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    ///
    /// The operating system's, when it refuses a thread or a file descriptor (what was started is ended again), and
    /// `InvalidInput` when `RUNTIME_WORKER_THREADS` is not a number from 1 to 1024.
    pub fn build(&mut self) -> io::Result<Runtime> {
        let mut config = self.config.clone();
        config.workers = match (self.flavor, self.worker_threads) {
            (Flavor::CurrentThread, _) => 0,
            (Flavor::MultiThread, Some(count)) => count,
            (Flavor::MultiThread, None) => default_workers()?,
        };
        scheduler::start(config).map(Runtime::from_shared)
    }
}

#[track_caller]
fn nonzero_interval(operation: &str, polls: u32) -> u32 {
    if polls == 0 {
        crate::misuse::panic(
            operation,
            "an interval of zero polls has no meaning",
            ["one looks after every poll", "leave the option out for the default of 61"],
        );
    }
    polls
}

fn default_workers() -> io::Result<usize> {
    let Some(value) = std::env::var_os(WORKER_THREADS) else {
        return Ok(std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS));
    };
    value
        .to_str()
        .and_then(|text| text.trim().parse().ok())
        .filter(|count| (1..=MAX_WORKERS).contains(count))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{WORKER_THREADS} is {value:?}, and must be a number from 1 to {MAX_WORKERS}"),
            )
        })
}

impl Default for Config {
    fn default() -> Self {
        Config {
            workers: 0,
            max_blocking_threads: 512,
            compute_threads: None,
            thread_keep_alive: Duration::from_secs(10),
            thread_name: Arc::new(|| "runtime-worker".into()),
            thread_stack_size: None,
            on_thread_start: None,
            on_thread_stop: None,
            on_thread_park: None,
            on_thread_unpark: None,
            event_interval: 61,
            keeps_event_interval: false,
            global_queue_interval: 61,
            max_spare_threads: 16,
            stall_threshold: Duration::from_millis(10),
            stall_reports: Reporting::default(),
            poll_times: false,
            unhandled_panic: UnhandledPanic::Ignore,
            shutdown_timeout: Duration::from_secs(1),
            fs_inline: true,
            tokio: Wanted::NO,
        }
    }
}
