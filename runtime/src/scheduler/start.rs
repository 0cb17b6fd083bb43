//! Making a runtime: all parts, then the threads. What was started is ended again if one is refused.
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use reactor_hook::process::Origin;

use super::rng::Rng;
use super::roll::Roll;
use super::slot::Slot;
use super::{Shared, Termination, forked, guest, pinned, worker};
use crate::aside::Aside;
use crate::blocking;
use crate::config::Config;
use crate::driver::Driver;
use crate::identity::Id;
use crate::idle::Idle;
use crate::primitives::barrier;
use crate::queue::Injector;
use crate::report::say;
use crate::spawn_blocking::BlockingTasks;
use crate::supervisor::cover::Cover;
use crate::supervisor::members::Members;
use crate::supervisor::{self, Supervised as _, Supervisor};
use crate::task::{Arena, Cache};
use crate::tokio_compat::Lease;

/// Builds what the threads share and starts them.
pub(crate) fn start(config: Config) -> io::Result<Arc<Shared>> {
    forked::watch_forks();
    if config.workers > 0 {
        // Before there are more threads.
        barrier::register_if_quick();
    }
    // Workers, the guest, the spares.
    let slots = config.workers + 1 + if config.workers == 0 { 0 } else { config.max_spare_threads };
    let driver = Driver::new(config.workers)?;
    if config.workers > 0 {
        driver.attend();
    }
    let tokio = Lease::new(config.tokio)?;
    let samples = config.workers > 0 && config.stall_threshold != Duration::MAX;
    let supervisor = Supervisor::new(samples.then_some(config.stall_threshold));
    let arena = Arena::new();
    let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    let shared = Arc::new_cyclic(|weak: &Weak<Shared>| Shared {
        slots: (0..slots).map(|lane| Slot::new(cache(&config), Rng::new(seed, lane), &config)).collect(),
        injector: Injector::new(),
        idle: Idle::new(slots),
        arena,
        driver,
        blocking: BlockingTasks::new(blocking_config(&config, weak, config.max_blocking_threads)),
        compute: BlockingTasks::new(blocking_config(&config, weak, compute_threads(&config))),
        supervisor,
        signals: CachePadded::new(AtomicU32::new(0)),
        cover: Cover::new(config.workers + 1..slots),
        spare_refused: AtomicBool::new(false),
        pinned: pinned::Pinned::new(config.workers, config.poll_times, weak),
        members: Members::new(),
        roll: Arc::new(Roll::default()),
        termination: Termination::default(),
        tokio,
        spawned_outside: AtomicU64::new(0),
        guest_queue: guest::Queue::default(),
        aside: Aside::new(),
        started: Instant::now(),
        origin: Origin::here(),
        id: Id::next(),
        owner_left: AtomicBool::new(false),
        clearing: AtomicBool::new(false),
        cancelled: AtomicU64::new(0),
        this: Weak::clone(weak),
        config,
    });
    shared.watch_panics();
    if shared.config.workers > 0 {
        // Before the first task: each is younger than a sample.
        let taken = shared.taken(Instant::now());
        shared.supervisor.remember(|memory| memory.births.add(taken));
    }
    for index in 0..shared.config.workers {
        let member = Arc::clone(&shared);
        shared.start_member(|name| name, move || worker::run(&member, index))?;
    }
    if shared.config.workers > 0 {
        let member = Arc::clone(&shared);
        shared.start_member(of_the_supervisor, move || supervisor::run(&*member))?;
    }
    Ok(shared)
}

impl Shared {
    /// Starts a thread that is a member while it runs. On failure ends what runs already.
    fn start_member(
        self: &Arc<Self>,
        name: impl FnOnce(String) -> String,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let joined = self.members.join();
        assert!(joined, "the runtime itself is a member until it is dropped");
        let member = Arc::clone(self);
        let thread = self.spawn_named_thread(name, move || {
            body();
            member.leave_members();
        });
        match thread {
            Ok(thread) => {
                self.termination.add_thread(thread);
                Ok(())
            }
            Err(error) => {
                self.leave_members();
                // The runtime's own membership, which no `Runtime` will give up.
                self.shut_down();
                self.termination.wait(None);
                Err(error)
            }
        }
    }

    /// Starts a thread of the runtime's own: a member, whatever it does.
    pub(super) fn spawn_thread(&self, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
        self.spawn_named_thread(|name| name, body)
    }

    /// As `spawn_thread`; `name` makes the thread's name of what the builder says.
    fn spawn_named_thread(
        &self,
        name: impl FnOnce(String) -> String,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        // The builder's function may panic, and std does at a name with a NUL: a thread that is refused, like any other.
        let name = catch_unwind(AssertUnwindSafe(|| name((self.config.thread_name)())));
        let name = name.ok().filter(|name| !name.contains('\0'));
        let name =
            name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no usable thread name"))?;
        let mut builder = std::thread::Builder::new().name(name);
        if let Some(bytes) = self.config.thread_stack_size {
            builder = builder.stack_size(bytes);
        }
        let roll = Arc::clone(&self.roll);
        builder.spawn(move || {
            let _enrolled = roll.enrol();
            // A worker that dies with what it holds would leave its tasks and its runtime waiting for ever.
            let guard = AbortOnUnwind;
            body();
            std::mem::forget(guard);
        })
    }
}

/// The name of the supervisor's thread, by that of the others: `runtime-worker` gives `runtime-supervisor`.
fn of_the_supervisor(name: String) -> String {
    format!("{}-supervisor", name.strip_suffix("-worker").unwrap_or(&name))
}

/// What runs on a worker outside of tasks is this crate's code and the builder's callbacks.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        say(format_args!(
            "runtime: a panic outside of any task ended a worker thread; the process is aborted\n  \
             help: a callback given to `Builder::on_thread_*` must not panic\n  \
             help: without such a callback this is a bug of the runtime"
        ));
        std::process::abort();
    }
}

fn cache(config: &Config) -> Cache {
    let cache = Cache::new();
    if config.poll_times {
        cache.withhold_ids();
    }
    cache
}

fn compute_threads(config: &Config) -> usize {
    // What the system does not say is taken for one.
    config.compute_threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn blocking_config(config: &Config, shared: &Weak<Shared>, cap: usize) -> blocking::Config {
    let shared = Weak::clone(shared);
    blocking::Config {
        cap,
        keep_alive: config.thread_keep_alive,
        stack_size: config.thread_stack_size,
        name: Arc::clone(&config.thread_name),
        on_start: config.on_thread_start.clone(),
        on_stop: config.on_thread_stop.clone(),
        enter: Some(Arc::new(move |body: &mut dyn FnMut()| super::with_entered(&shared, body))),
    }
}
