//! `Handle`: a way into a runtime that can be cloned, sent, and kept longer than the runtime.
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::Arc;

use reactor_hook::Entered;

use crate::dump::Dump;
use crate::identity::{Id, RuntimeFlavor};
use crate::large::unless_large;
use crate::metrics::Metrics;
use crate::scheduler::{self, Context, Role, Shared, with_context};
use crate::task::{JoinHandle, Label};

/// A handle to a runtime. A clone is a pointer; a handle keeps no task alive.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

// A panic finds the runtime as any other thread would: no user code runs in the middle of a change.
impl UnwindSafe for Handle {}
impl RefUnwindSafe for Handle {}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("workers", &self.shared.config.workers).finish_non_exhaustive()
    }
}

/// There is no runtime here: [`Handle::try_current`] was called outside of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryCurrentError(());

impl fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this thread has not entered a runtime")
    }
}

impl std::error::Error for TryCurrentError {}

/// Leaves the runtime's context when dropped; made by [`Handle::enter`].
#[must_use = "the context is left when the guard is dropped"]
pub struct EnterGuard<'a> {
    _entered: Entered,
    _handle: std::marker::PhantomData<&'a Handle>,
}

impl fmt::Debug for EnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnterGuard")
    }
}

impl Handle {
    /// The handle of the runtime whose context this thread is in.
    ///
    /// # Panics
    ///
    /// Outside of any runtime's context.
    #[track_caller]
    pub fn current() -> Handle {
        current("Handle::current", "Handle::clone")
    }

    /// The handle of the runtime whose context this thread is in.
    ///
    /// # Errors
    ///
    /// Outside of any runtime's context.
    pub fn try_current() -> Result<Handle, TryCurrentError> {
        with_context(|context| {
            context.map(|context| Handle { shared: Arc::clone(context.shared()) }).ok_or(TryCurrentError(()))
        })
    }

    /// Spawns a task onto the runtime. After its shutdown the future is dropped and the handle resolves to a
    /// [`JoinError`](crate::task::JoinError) that says "cancelled".
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let label = Label::caller();
        unless_large!(future: F => self.shared.spawn(future, label))
    }

    /// Spawns a task whose future need not be `Send`: `create` makes it on a thread of the pool, where it stays. See
    /// [`task::spawn_pinned`](crate::task::spawn_pinned).
    #[track_caller]
    pub fn spawn_pinned<C, F>(&self, create: C) -> JoinHandle<F::Output>
    where
        C: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        self.shared.spawn_pinned(create, Label::caller())
    }

    /// Runs a closure that may block on a thread of the blocking pool.
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.shared.blocking.spawn(f, Label::caller())
    }

    /// As [`compute::spawn`](crate::compute::spawn), onto this runtime's pool.
    #[track_caller]
    pub fn spawn_compute<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.shared.compute.spawn(f, Label::caller())
    }

    /// Runs `future` to completion on the calling thread.
    ///
    /// # Panics
    ///
    /// On a thread that executes futures already; and when `future` panics.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        unless_large!(future: F => scheduler::block_on(&self.shared, future))
    }

    /// Enters the runtime's context: [`spawn`](crate::spawn) and the like mean this runtime until the guard is dropped.
    /// Guards may be dropped in any order.
    pub fn enter(&self) -> EnterGuard<'_> {
        let frame = Rc::new(Context::outside(Arc::clone(&self.shared), Role::Entered)).frame();
        EnterGuard { _entered: frame.enter(), _handle: std::marker::PhantomData }
    }

    /// Every task that has been spawned onto the runtime and is not complete: what it is, and what it is doing.
    ///
    /// From any thread, at any time, also while all workers are stuck: nobody is stopped, nothing is polled. Each task is told as
    /// it was at some moment of the call; one that comes or goes meanwhile may be missing. The polls of single tasks are
    /// counted where the builder asks for it ([`poll_times`](crate::Builder::poll_times)); [`metrics`](Handle::metrics) has those of each worker. The tasks of a [`LocalSet`](crate::task::LocalSet) belong to
    /// no runtime, and the future in `block_on` is no task: they are not told.
    pub fn dump(&self) -> Dump {
        self.shared.dump()
    }

    /// Which runtime this is: the same for all of its handles.
    pub fn id(&self) -> Id {
        self.shared.id
    }

    /// Whether it has workers.
    ///
    /// ```
    /// use runtime::{Builder, RuntimeFlavor};
    ///
    /// let sole = Builder::new_current_thread().build()?;
    /// assert_eq!(sole.handle().runtime_flavor(), RuntimeFlavor::CurrentThread);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        match self.shared.config.workers {
            0 => RuntimeFlavor::CurrentThread,
            _ => RuntimeFlavor::MultiThread,
        }
    }

    /// What the runtime has done so far, and has to do.
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }
}

#[track_caller]
pub(crate) fn current(operation: &str, instead: &str) -> Handle {
    // A closure would be the caller that the panic names.
    match Handle::try_current() {
        Ok(handle) => handle,
        Err(TryCurrentError(())) => crate::misuse::not_entered(operation, instead),
    }
}
