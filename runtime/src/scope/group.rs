//! The children of a scope, as those see it who spawn them.
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::SCOPE;
use super::child::{Child, ChildHandle};
use super::core::{Core, Token};
use crate::handle::Handle;
use crate::large::unless_large;
use crate::misuse::not_entered;
use crate::promise::{Promise, promise};
use crate::scheduler::{spawn_here, with_context};
use crate::task::{JoinHandle, Label};

/// What a scope joins: a child's output goes to its handle.
type ChildTask<E> = JoinHandle<Result<(), E>>;

/// What a scope's future shares with the handles to it.
pub(super) struct Group<E> {
    pub(super) core: Arc<Core>,
    /// Spawned since the scope was polled. `None` when the scope was dropped.
    arrivals: Mutex<Option<Vec<ChildTask<E>>>>,
}

impl<E> Group<E> {
    pub(super) fn new(core: Arc<Core>) -> Arc<Group<E>> {
        Arc::new(Group { core, arrivals: Mutex::new(Some(Vec::new())) })
    }

    pub(super) fn take_arrivals(&self) -> Vec<ChildTask<E>> {
        self.arrivals.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The scope was dropped: no child goes on.
    pub(super) fn abandon(&self) {
        self.core.abandon();
        let arrivals = self.arrivals.lock().take();
        arrivals.iter().flatten().for_each(JoinHandle::abort);
    }

    fn arrive(&self, task: ChildTask<E>) {
        let mut arrivals = self.arrivals.lock();
        match &mut *arrivals {
            Some(arrivals) => arrivals.push(task),
            None => {
                drop(arrivals);
                task.abort();
                return;
            }
        }
        drop(arrivals);
        self.core.wake();
    }
}

/// There is no runtime here. Who spawned says so: in a closure the panic would name a line in here.
struct NotEntered;

/// The children of a [scope](super::scope): a handle that spawns more of them. Clones are handles to the same scope; give one
/// to a child that spawns siblings.
///
/// A handle that is kept longer than the scope refuses: what is spawned is dropped at once.
pub struct TaskGroup<E> {
    group: Arc<Group<E>>,
}

impl<E> TaskGroup<E> {
    pub(super) fn new(group: Arc<Group<E>>) -> Self {
        TaskGroup { group }
    }

    /// Cancels the scope: no more children, those that are there are dropped, and so is the body at its next `await`. The
    /// scope then resolves with [`ScopeFailure::Cancelled`](super::ScopeFailure::Cancelled), or with the body's value if
    /// that had returned one: a body ends its helpers so.
    ///
    /// ```
    /// # runtime::Runtime::new().block_on(async {
    /// let answer = runtime::task::scope(|group| async move {
    ///     group.spawn(std::future::pending::<Result<(), std::io::Error>>());
    ///     group.cancel();
    ///     Ok(42)
    /// });
    /// assert_eq!(answer.await.unwrap(), 42);
    /// # });
    /// ```
    pub fn cancel(&self) {
        self.group.core.cancel();
    }

    /// Whether no more children may be spawned: the scope was cancelled, has failed, or is over.
    pub fn is_cancelled(&self) -> bool {
        !self.group.core.is_open()
    }
}

impl<E: Send + 'static> TaskGroup<E> {
    /// Spawns a child, on the runtime that this thread is in. Its error or its panic cancels the scope.
    ///
    /// In a scope that was cancelled the future is dropped at once, and the handle resolves with
    /// [`Cancelled`](crate::task::Cancelled).
    ///
    /// # Panics
    ///
    /// Outside of a runtime's context; [`spawn_on`](Self::spawn_on) works anywhere.
    #[track_caller]
    pub fn spawn<F, T>(&self, future: F) -> ChildHandle<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        let label = Label::caller();
        let spawned = unless_large!(future: F => self.admit(|promise, token| {
            if !with_context(|context| context.is_some()) {
                return Err(NotEntered);
            }
            Ok(spawn_here(self.child(future, promise, token), label))
        }));
        match spawned {
            Ok(handle) => handle,
            Err(NotEntered) => not_entered("TaskGroup::spawn", "TaskGroup::spawn_on"),
        }
    }

    /// Spawns a child, on this runtime.
    ///
    /// ```
    /// let runtime = runtime::Runtime::new();
    /// let handle = runtime.handle().clone();
    /// let result = runtime::block_on(runtime::task::scope(|group| async move {
    ///     Ok::<u8, runtime::task::Cancelled>(group.spawn_on(async { Ok(3) }, &handle).await?)
    /// }));
    /// assert_eq!(result.unwrap(), 3);
    /// ```
    #[track_caller]
    pub fn spawn_on<F, T>(&self, future: F, handle: &Handle) -> ChildHandle<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        let label = Label::caller();
        let Ok(handle) = unless_large!(future: F => self.admit(|promise, token| {
            Ok::<_, Infallible>(handle.shared.spawn(self.child(future, promise, token), label))
        }));
        handle
    }

    /// Spawns a closure that may block as a child, on the blocking pool of the runtime that this thread is in. The scope
    /// waits for it: one that has started is not interrupted.
    ///
    /// # Panics
    ///
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, f: F) -> ChildHandle<T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
    {
        let label = Label::caller();
        let spawned = self.admit(|promise, token| {
            let handle = Handle::try_current().map_err(|_| NotEntered)?;
            let closure = move || {
                let result = f().map(|output| promise.keep(output));
                // Named last, and so dropped last even where the closure is dropped without being called.
                drop((promise, token));
                result
            };
            Ok(handle.shared.blocking.spawn(closure, label))
        });
        match spawned {
            Ok(handle) => handle,
            Err(NotEntered) => not_entered("TaskGroup::spawn_blocking", "Handle::spawn_blocking"),
        }
    }

    /// The scope it is a child of is known where it is polled and dropped.
    fn child<F, T>(
        &self,
        future: F,
        promise: Promise<T>,
        token: Token,
    ) -> impl Future<Output = Result<(), E>> + Send + use<F, T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        Child::new(SCOPE.scope(Arc::clone(&self.group.core), future), promise, token)
    }

    /// Calls `spawn` if the scope is open, and hands the task to the scope.
    fn admit<T, R>(
        &self,
        spawn: impl FnOnce(Promise<T>, Token) -> Result<ChildTask<E>, R>,
    ) -> Result<ChildHandle<T>, R> {
        let (promise, output) = promise();
        // This one is given back when the scope has the task: a child may be over before that.
        if let Some(token) = self.group.core.enter() {
            self.group.arrive(spawn(promise, token.clone())?);
        }
        Ok(ChildHandle::new(output))
    }
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> Self {
        TaskGroup { group: Arc::clone(&self.group) }
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("is_cancelled", &self.is_cancelled()).finish()
    }
}
