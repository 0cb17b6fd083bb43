//! Closures that compute: a pool of as many threads as there are cores, apart from the one for closures that block.
//!
//! The blocking pool may have hundreds of threads, for most of them sleep in the kernel. So many closures that compute would
//! only take one another's time; here they wait in a queue instead. `docs/blocking.md` compares the ways to treat work that is
//! long.
use crate::handle;
use crate::task::JoinHandle;

/// Runs a closure that computes for long on a thread of the compute pool of the runtime that this thread is in.
///
/// The pool has [`Builder::compute_threads`](crate::Builder::compute_threads) threads, started on demand. A closure that has
/// not started is cancelled by [`abort`](JoinHandle::abort) and by the runtime's shutdown; one that runs is not interrupted.
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// let sum = runtime::compute::spawn(|| (1..=1_000u64).sum::<u64>()).await.unwrap();
/// assert_eq!(sum, 500_500);
/// # });
/// ```
///
/// # Panics
///
/// Outside of a runtime's context; [`Handle::spawn_compute`](crate::Handle::spawn_compute) works anywhere.
#[track_caller]
pub fn spawn<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let label = crate::task::Label::caller();
    handle::current("runtime::compute::spawn", "Handle::spawn_compute").shared.compute.spawn(f, label)
}

/// Runs a closure inside of rayon's global pool, where parallel iterators and `rayon::join` use all of its threads.
///
/// No runtime is needed: the handle can be awaited anywhere. A closure that has not started is cancelled by
/// [`abort`](JoinHandle::abort); a panic is the handle's error.
///
/// ```
/// # runtime::block_on(async {
/// use rayon::prelude::*;
/// let squares = runtime::compute::rayon(|| (1..=1_000u64).into_par_iter().map(|n| n * n).sum::<u64>());
/// assert_eq!(squares.await.unwrap(), 333_833_500);
/// # });
/// ```
#[cfg(feature = "rayon")]
#[track_caller]
pub fn rayon<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    rayon_tasks().spawn(f, crate::task::Label::caller())
}

#[cfg(feature = "rayon")]
fn rayon_tasks() -> &'static std::sync::Arc<crate::spawn_blocking::BlockingTasks<Rayon>> {
    use crate::spawn_blocking::BlockingTasks;
    static TASKS: std::sync::OnceLock<std::sync::Arc<BlockingTasks<Rayon>>> = std::sync::OnceLock::new();
    TASKS.get_or_init(|| BlockingTasks::on(Rayon))
}

/// Rayon's global pool.
#[cfg(feature = "rayon")]
struct Rayon;

#[cfg(feature = "rayon")]
impl crate::spawn_blocking::Threads for Rayon {
    fn submit(&self, job: crate::blocking::Job) {
        rayon::spawn(move || job.run());
    }
}
