//! The world: one tokio runtime and the thread that drives it, shared by all who ask.
use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use reactor_hook::process::{Origin, PerProcess};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// The name of the thread, and of those that tokio starts for its `spawn_blocking`. At most 15 bytes, as Linux has it.
const NAME: &str = "runtime-tokio";

/// How long the end of the world waits for tokio's blocking closures that run: as long as a runtime of ours does for
/// its own, unless it was built otherwise.
const BLOCKING_TIMEOUT: Duration = Duration::from_secs(1);

/// The present world, while anybody has it. A forked child makes its own.
static WORLD: PerProcess<Mutex<Weak<World>>> = PerProcess::new();

/// A tokio runtime on a thread of its own. The thread ends when the last reference is gone, and it is the thread that
/// drops the runtime: tokio panics where that is done in async code.
pub(super) struct World {
    pub(super) handle: Handle,
    /// Ends the future that the thread blocks on.
    keeper: AbortHandle,
    phase: Arc<Phase>,
    thread: Option<JoinHandle<()>>,
    /// A forked child has no such thread.
    origin: Origin,
}

impl World {
    /// The present world; a new one if there is none.
    pub(super) fn acquire() -> io::Result<Arc<World>> {
        let mut present = WORLD.get(|| Mutex::new(Weak::new())).lock();
        if let Some(world) = present.upgrade() {
            return Ok(world);
        }
        // Nobody's code runs on the new thread before it has an answer.
        let world = Arc::new(World::start()?);
        *present = Arc::downgrade(&world);
        Ok(world)
    }

    fn start() -> io::Result<World> {
        let phase = Arc::new(Phase::default());
        let its = Arc::clone(&phase);
        let thread = std::thread::Builder::new().name(NAME.into()).spawn(move || run(&its))?;
        let Started { handle, keeper } = phase.wait_started()?;
        Ok(World { handle, keeper, phase, thread: Some(thread), origin: Origin::here() })
    }

    /// Gives up a reference. If it was the last, waits for the thread until `deadline`, unless it is this one.
    pub(super) fn end(world: Arc<World>, deadline: Option<Instant>) {
        let Some(mut world) = Arc::into_inner(world) else {
            return;
        };
        let (phase, thread) = (Arc::clone(&world.phase), world.thread.take());
        let is_here = world.origin.is_here();
        drop(world);
        let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) else {
            return;
        };
        if is_here && phase.wait_ended(deadline) {
            // It has nothing left to do but its thread-locals; a panic of one of those has nobody to go to.
            drop(thread.join());
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The thread is not waited for: this may be async code, or the thread itself. In a forked child there is none, and
        // what it had locked stays locked.
        if self.origin.is_here() {
            self.keeper.abort();
        }
    }
}

/// The life of the thread.
fn run(phase: &Phase) {
    let _ended = Ended(phase);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().thread_name(NAME).build() {
        Ok(runtime) => runtime,
        Err(error) => return phase.set(State::Started(Err(error))),
    };
    let keeper = runtime.spawn(std::future::pending::<()>());
    let started = Started { handle: runtime.handle().clone(), keeper: keeper.abort_handle() };
    phase.set(State::Started(Ok(started)));
    // Cancelled, by the drop of the world.
    drop(runtime.block_on(keeper));
    runtime.shutdown_timeout(BLOCKING_TIMEOUT);
}

/// What a thread that has started hands to the one that started it.
struct Started {
    handle: Handle,
    keeper: AbortHandle,
}

/// How far the thread is.
#[derive(Default)]
struct Phase {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Starting,
    Started(io::Result<Started>),
    /// What it started with was taken.
    Running,
    Ended,
}

impl Phase {
    fn set(&self, state: State) {
        *self.state.lock() = state;
        self.changed.notify_all();
    }

    fn wait_started(&self) -> io::Result<Started> {
        let mut state = self.state.lock();
        while let State::Starting = *state {
            self.changed.wait(&mut state);
        }
        match std::mem::replace(&mut *state, State::Running) {
            State::Started(started) => started,
            _ => Err(io::Error::other("the thread of tokio's runtime ended at its start")),
        }
    }

    /// False when `deadline` came first.
    fn wait_ended(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        while !matches!(*state, State::Ended) {
            match deadline {
                None => self.changed.wait(&mut state),
                Some(deadline) => {
                    if self.changed.wait_until(&mut state, deadline).timed_out() {
                        return matches!(*state, State::Ended);
                    }
                }
            }
        }
        true
    }
}

/// Says that the thread has ended, however it did.
struct Ended<'a>(&'a Phase);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        // An error that nobody has taken yet stays.
        let mut state = self.0.state.lock();
        if !matches!(*state, State::Started(_)) {
            *state = State::Ended;
        }
        drop(state);
        self.0.changed.notify_all();
    }
}
