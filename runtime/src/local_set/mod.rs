//! `LocalSet`: tasks that need not be `Send`, under any executor.
mod current;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::large::unless_large;
use crate::local::{Key, Local, Owner, Waiters};
use crate::runtime::Runtime;
use crate::scheduler::with_context;
use crate::task::{JoinHandle, Label, running};

/// Polls of local tasks in one poll of what drives them, so that their neighbours outside have their turn. Tokio's
/// figure, a prime.
const POLLS: usize = 61;

/// The key of the set's own future among its waiters; no future is at this address.
const ITSELF: Key = 0;

/// Tasks that all run on one thread, so that their futures need not be `Send`.
///
/// The set is a future with a queue of its own: its tasks are polled when it is, by [`run_until`](Self::run_until), by
/// [`block_on`](Self::block_on), or by awaiting the set itself, which resolves when all of them are complete. It runs under any
/// executor: [`runtime::block_on`](crate::block_on), a [`Runtime`], tokio, or any other.
///
/// ```
/// use std::rc::Rc;
/// use runtime::task::{LocalSet, spawn_local};
///
/// let set = LocalSet::new();
/// let shared = Rc::new(20);
/// let sum = runtime::block_on(set.run_until(async move {
///     let other = Rc::clone(&shared);
///     let task = spawn_local(async move { *other + 1 });
///     *shared + task.await.unwrap()
/// }));
/// assert_eq!(sum, 41);
/// ```
///
/// Tasks may be woken and aborted from any thread; they are polled and dropped on this one. Dropping the set drops those that
/// are not complete; their handles resolve with a cancelled [`JoinError`](crate::task::JoinError).
///
/// ```compile_fail,E0277
/// let set = runtime::task::LocalSet::new();
/// std::thread::spawn(move || drop(set));
/// ```
pub struct LocalSet {
    owner: Owner<Waiters>,
}

impl LocalSet {
    /// An empty set, of the calling thread.
    pub fn new() -> LocalSet {
        let local = Arc::new(Local::new(Waiters::new()));
        let owner = Owner::of(&local).expect("a new queue is nobody's");
        LocalSet { owner }
    }

    /// Spawns a task into the set. It runs when the set does.
    ///
    /// ```
    /// let set = runtime::task::LocalSet::new();
    /// let task = set.spawn_local(async { std::rc::Rc::new(7) });
    /// assert_eq!(*runtime::block_on(set.run_until(task)).unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let label = Label::caller();
        unless_large!(future: F => self.spawn_labelled(future, label))
    }

    pub(crate) fn spawn_labelled<F>(&self, future: F, label: Label) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Local::spawn_here(self.owner.local(), future, label, || ())
    }

    /// Runs `future`, and the set's tasks meanwhile. [`spawn_local`] in `future` spawns into the set. Tasks that are not
    /// complete when `future` is stay in the set.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as `future`: dropped, the tasks stay in the set.
    pub fn run_until<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        RunUntil { set: self, future }
    }

    /// As [`run_until`](Self::run_until), on the calling thread, inside `runtime`.
    ///
    /// ```
    /// let runtime = runtime::Runtime::new();
    /// let set = runtime::task::LocalSet::new();
    /// let answer = set.block_on(&runtime, async {
    ///     runtime::task::spawn_local(async { runtime::spawn(async { 6 * 7 }).await.unwrap() }).await
    /// });
    /// assert_eq!(answer.unwrap(), 42);
    /// ```
    ///
    /// # Panics
    ///
    /// On a thread that executes futures already; and when `future` panics.
    #[track_caller]
    pub fn block_on<F: Future>(&self, runtime: &Runtime, future: F) -> F::Output {
        unless_large!(future: F => runtime.block_on(self.run_until(future)))
    }

    /// Makes [`spawn_local`] on this thread mean this set, until the guard is dropped. The tasks run when the set does.
    ///
    /// ```
    /// let set = runtime::task::LocalSet::new();
    /// let entered = set.enter();
    /// let task = runtime::task::spawn_local(async { 3 });
    /// drop(entered);
    /// assert_eq!(runtime::block_on(set.run_until(task)).unwrap(), 3);
    /// ```
    pub fn enter(&self) -> LocalEnterGuard {
        LocalEnterGuard { _entered: current::Entered::new(Arc::clone(self.owner.local())) }
    }

    /// Polls the tasks that are ready, some of them. Then the waker is to be woken: now, or when there are more.
    fn run(&self, key: Key, cx: &Context<'_>) {
        if running(|say| self.owner.run(POLLS, say)) || !self.owner.arm(key, cx.waker()) {
            self.owner.ring_others();
            cx.waker().wake_by_ref();
        }
    }
}

/// Resolves when all tasks of the set are complete; tasks may be spawned into it again afterwards.
impl Future for LocalSet {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        current::scope(self.owner.local(), || {
            if self.owner.local().live() > 0 {
                self.run(ITSELF, cx);
            }
            match self.owner.local().live() {
                0 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        })
    }
}

impl Drop for LocalSet {
    fn drop(&mut self) {
        // A destructor that spawns gets the handle of a cancelled task, not a panic.
        current::scope(self.owner.local(), || {
            self.owner.clear();
            self.owner.end();
        });
    }
}

impl Default for LocalSet {
    fn default() -> Self {
        LocalSet::new()
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").field("tasks", &self.owner.local().live()).finish()
    }
}

/// While it lives [`spawn_local`] means a certain [`LocalSet`]; made by [`LocalSet::enter`].
#[must_use = "the set is left when the guard is dropped"]
pub struct LocalEnterGuard {
    _entered: current::Entered,
}

impl fmt::Debug for LocalEnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalEnterGuard")
    }
}

pin_project! {
    /// A future, and the set that is driven meanwhile.
    struct RunUntil<'a, F> {
        set: &'a LocalSet,
        #[pin]
        future: F,
    }

    impl<F> PinnedDrop for RunUntil<'_, F> {
        fn drop(this: Pin<&mut Self>) {
            let key = this.key();
            this.set.owner.disarm(key);
        }
    }
}

impl<F> RunUntil<'_, F> {
    /// Pinned, it stays at its address until it is dropped.
    fn key(&self) -> Key {
        std::ptr::from_ref(self).addr()
    }
}

impl<F: Future> Future for RunUntil<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (key, set) = (self.key(), self.set);
        current::scope(set.owner.local(), || {
            // What the future makes ready is run next.
            let turn = set.owner.begin_turn();
            let polled = self.project().future.poll(cx);
            drop(turn);
            match polled {
                Poll::Ready(_) => set.owner.disarm(key),
                Poll::Pending => set.run(key, cx),
            }
            polled
        })
    }
}

/// Spawns a task that need not be `Send`, to run on this thread: into the [`LocalSet`] that is running here or was
/// [entered](LocalSet::enter).
///
/// Without a set: inside a task of [`spawn_pinned`](crate::task::spawn_pinned) the new one is pinned to the same thread; and in
/// a [current-thread runtime](crate::Builder::new_current_thread) it runs in the present `block_on`, whose end drops it. A
/// destructor that spawns at that end, or at that of its set, is refused: the future is dropped there and then, and the handle
/// says "cancelled".
///
/// ```
/// use runtime::task::{LocalSet, spawn_local};
///
/// runtime::block_on(LocalSet::new().run_until(async {
///     let message = std::rc::Rc::new("here");
///     let task = spawn_local(async move { message.len() });
///     assert_eq!(task.await.unwrap(), 4);
/// }));
/// ```
///
/// # Panics
///
/// Where there is none of these.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let label = Label::caller();
    unless_large!(future: F => spawn_labelled(future, label))
}

#[track_caller]
pub(crate) fn spawn_labelled<F>(future: F, label: Label) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    if let Some(local) = current::find() {
        return Local::spawn_here(&local, future, label, || ());
    }
    // In a context that is borrowed: the future is taken by whoever has a place for it.
    let mut future = Some(future);
    let spawned = with_context(|context| {
        let spawned = context?.spawn_local(future.take()?, label);
        spawned.map_err(|refused| future = Some(refused)).ok()
    });
    // A closure would be the caller that the panic names.
    match spawned {
        Some(task) => task,
        None => nowhere(),
    }
}

#[track_caller]
#[cold]
fn nowhere() -> ! {
    crate::misuse::panic(
        "runtime::task::spawn_local",
        "no set of local tasks runs on this thread",
        [
            "call it inside `LocalSet::run_until`, after `LocalSet::enter`, or in a current-thread runtime",
            "for a future that is `Send` use `runtime::spawn`; for one that is not, on the pool, `spawn_pinned`",
        ],
    )
}
