//! Spawning into the runtime whose context the calling thread is in.
use crate::handle;
use crate::scheduler::with_context;
use crate::task::JoinHandle;

/// Spawns a task onto the runtime that this thread is in. The task runs at once or later, whether or not the handle is
/// awaited; dropping the handle detaches it.
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
    let location = std::panic::Location::caller();
    // In a context that is borrowed: a clone of the handle would write to a line that all workers share.
    let mut future = Some(future);
    let spawned = with_context(|context| {
        let context = context?;
        future.take().map(|future| context.spawn(future, location))
    });
    match spawned {
        Some(handle) => handle,
        None => handle::not_entered("runtime::spawn"),
    }
}

/// Runs a closure that may block, or compute for long, on a thread of the blocking pool.
///
/// A closure that has not started is cancelled by [`abort`](JoinHandle::abort) and by the runtime's shutdown; one that
/// runs is not interrupted.
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
    handle::current("runtime::spawn_blocking").shared.blocking.spawn(f, std::panic::Location::caller())
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
