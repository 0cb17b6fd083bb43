//! Spawning into the runtime whose context the calling thread is in.
use crate::handle;
use crate::large::unless_large;
use crate::scheduler;
use crate::task::{JoinHandle, Label};

/// Spawns a task onto the runtime that this thread is in. The task runs at once or later, whether or not the handle is
/// awaited; dropping the handle detaches it.
///
/// A future of more than 16 KiB is put into a box before it is moved on, and so it is wherever futures are spawned, and in
/// `block_on`; in a build with debug assertions, where calls copy what they are given, one of more than 2 KiB.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// let handle = runtime::spawn(async { 1 + 1 });
/// assert_eq!(handle.await.unwrap(), 2);
/// # });
/// ```
///
/// # Panics
///
/// Outside of a runtime's context; [`Handle::spawn`](crate::Handle::spawn) works anywhere.
#[track_caller]
#[inline]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    // In a context that is borrowed: a clone of the handle would write to a line that all workers share.
    let label = Label::caller();
    unless_large!(future: F => scheduler::spawn_here(future, label))
}

/// Spawns a task whose future need not be `Send`, onto the pool that this thread is in: `create` is sent to a worker
/// thread and makes the future there; it is polled, and dropped, on that thread alone.
///
/// The worker with the fewest such tasks is chosen, one that is not held up if there is one. While it is inside a long poll,
/// or blocks in place, its pinned tasks wait, for nobody can take them over: so a task that blocks in place until a pinned task of
/// its own worker has ended waits for ever, and with one worker that is each of them. Await it instead, or block in
/// [`spawn_blocking`]. In a current-thread runtime they run on the thread in `block_on`, and those that are not
/// complete are dropped when that returns.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// let task = runtime::task::spawn_pinned(|| async {
///     let not_send = std::rc::Rc::new(20);
///     let other = runtime::task::spawn_local({
///         let not_send = not_send.clone();
///         async move { *not_send + 1 }
///     });
///     *not_send + other.await.unwrap()
/// });
/// assert_eq!(task.await.unwrap(), 41);
/// # });
/// ```
///
/// # Panics
///
/// Outside of a runtime's context; [`Handle::spawn_pinned`](crate::Handle::spawn_pinned) works anywhere.
#[track_caller]
pub fn spawn_pinned<C, F>(create: C) -> JoinHandle<F::Output>
where
    C: FnOnce() -> F + Send + 'static,
    F: Future + 'static,
    F::Output: Send + 'static,
{
    let label = Label::caller();
    handle::current("runtime::task::spawn_pinned", "Handle::spawn_pinned").shared.spawn_pinned(create, label)
}

/// Runs a closure that may block, or compute for long, on a thread of the blocking pool.
///
/// A closure that has not started is cancelled by [`abort`](JoinHandle::abort) and by the runtime's shutdown; one that
/// runs is not interrupted. But dropping the runtime, and so the end of `#[runtime::main]`, waits for it at most
/// [`shutdown_timeout`](crate::Builder::shutdown_timeout), a second by default: the end of the process then cuts it off. Await
/// the handle of what must be done.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// let sum = runtime::spawn_blocking(|| (1..=1_000u64).sum::<u64>()).await.unwrap();
/// assert_eq!(sum, 500_500);
/// # });
/// ```
///
/// # Panics
///
/// Outside of a runtime's context.
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let label = Label::caller();
    handle::current("runtime::spawn_blocking", "Handle::spawn_blocking").shared.blocking.spawn(f, label)
}

/// Runs a closure that may block on this very thread. On a worker, another thread stands in for it meanwhile, so that
/// the tasks queued here go on; elsewhere the closure is simply called.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// let text = runtime::task::block_in_place(|| std::fs::read_to_string("/proc/self/stat"));
/// # drop(text);
/// # });
/// ```
///
/// # Panics
///
/// In a current-thread runtime, where no other thread could go on meanwhile.
#[track_caller]
pub fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    crate::scheduler::block_in_place(f)
}
