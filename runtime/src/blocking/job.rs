//! A closure that runs once or is dropped, without an allocation when it is small.
#![allow(unsafe_code)]

use std::fmt;
use std::mem::{self, ManuallyDrop, MaybeUninit};
use std::num::NonZeroU64;

/// Room for a thin pointer or for a boxed closure. Pointers, so that copying it keeps their provenance.
type Words = MaybeUninit<[*mut (); 2]>;

/// Something to run on a thread that may block.
///
/// A closure of at most two words (a task's pointer, a `Box<dyn FnOnce()>`) is kept inline, a larger one is boxed. A job
/// that is dropped drops its closure: that is how a closure learns that it will not run.
pub(crate) struct Job {
    /// Holds the closure that `calls` was made for, until `run` or `drop`.
    words: Words,
    calls: &'static Calls,
    id: Option<NonZeroU64>,
}

struct Calls {
    /// Moves the closure out of the words, and calls it.
    run: unsafe fn(*const Words),
    /// Drops the closure in its place.
    drop: unsafe fn(*mut Words),
}

// SAFETY: `new` asks `Send` of the closure, which is all a job holds.
unsafe impl Send for Job {}

impl Job {
    /// A job for the closure, which must not let a panic out if anybody is to learn of it: the pool swallows it.
    pub(crate) fn new<F: FnOnce() + Send + 'static>(f: F) -> Job {
        if fits::<F>() {
            Job::inline(f)
        } else {
            let boxed: Box<dyn FnOnce() + Send> = Box::new(f);
            Job::inline(boxed)
        }
    }

    /// Names the job in reports of closures that still run.
    #[must_use]
    pub(crate) fn with_id(mut self, id: NonZeroU64) -> Job {
        self.id = Some(id);
        self
    }

    pub(crate) fn id(&self) -> Option<NonZeroU64> {
        self.id
    }

    /// Calls the closure.
    pub(crate) fn run(self) {
        let job = ManuallyDrop::new(self);
        // SAFETY: the words hold the closure that `calls` was made for; `job` is not dropped, so it is moved out once.
        unsafe { (job.calls.run)(&raw const job.words) }
    }

    fn inline<F: FnOnce() + Send + 'static>(f: F) -> Job {
        assert!(fits::<F>());
        let mut words = Words::uninit();
        // SAFETY: the words are as large and as aligned as `F` needs, just asserted, and hold nothing yet.
        unsafe { words.as_mut_ptr().cast::<F>().write(f) };
        Job { words, calls: const { &Calls { run: run::<F>, drop: drop_in_place::<F> } }, id: None }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // SAFETY: the words still hold the closure that `calls` was made for: `run` forgets the job.
        unsafe { (self.calls.drop)(&raw mut self.words) }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("id", &self.id).finish_non_exhaustive()
    }
}

const fn fits<F>() -> bool {
    mem::size_of::<F>() <= mem::size_of::<Words>() && mem::align_of::<F>() <= mem::align_of::<Words>()
}

/// # Safety
///
/// The words hold an `F`, which is not used again.
unsafe fn run<F: FnOnce()>(words: *const Words) {
    // SAFETY: the caller's promise.
    let f = unsafe { words.cast::<F>().read() };
    f();
}

/// # Safety
///
/// The words hold an `F`, which is not used again.
unsafe fn drop_in_place<F>(words: *mut Words) {
    // SAFETY: the caller's promise.
    unsafe { words.cast::<F>().drop_in_place() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn counted(count: &Arc<AtomicUsize>) -> impl FnOnce() + Send + 'static {
        let count = Arc::clone(count);
        move || {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_job_runs_once_and_frees_what_it_captured() {
        let count = Arc::new(AtomicUsize::new(0));
        Job::new(counted(&count)).run();
        assert_eq!((count.load(Ordering::Relaxed), Arc::strong_count(&count)), (1, 1));
    }

    #[test]
    fn a_dropped_job_does_not_run_and_frees_what_it_captured() {
        let count = Arc::new(AtomicUsize::new(0));
        drop(Job::new(counted(&count)));
        assert_eq!((count.load(Ordering::Relaxed), Arc::strong_count(&count)), (0, 1));
    }

    #[test]
    fn large_overaligned_boxed_and_empty_closures_run_and_drop() {
        #[repr(align(64))]
        struct Aligned(u8);
        let count = Arc::new(AtomicUsize::new(0));
        let jobs = || {
            let (a, b, c) = (Arc::clone(&count), Arc::clone(&count), Arc::clone(&count));
            let (large, aligned) = ([1usize; 100], Aligned(1));
            [
                Job::new(move || {
                    a.fetch_add(large.iter().sum(), Ordering::Relaxed);
                }),
                Job::new(move || {
                    let aligned = aligned;
                    assert_eq!((&raw const aligned).addr() % 64, 0);
                    b.fetch_add(usize::from(aligned.0), Ordering::Relaxed);
                }),
                Job::new(Box::new(counted(&c)) as Box<dyn FnOnce() + Send>),
                Job::new(|| {}),
            ]
        };
        jobs().into_iter().for_each(Job::run);
        assert_eq!(count.load(Ordering::Relaxed), 102);
        drop(jobs());
        assert_eq!((count.load(Ordering::Relaxed), Arc::strong_count(&count)), (102, 1));
    }

    #[test]
    fn a_panic_in_the_closure_leaves_nothing_behind() {
        let count = Arc::new(AtomicUsize::new(0));
        let held = Arc::clone(&count);
        let job = Job::new(move || {
            let _held = held;
            std::panic::panic_any(1u8);
        });
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.run())).is_err());
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn two_pointers_need_no_box() {
        assert!(fits::<Box<dyn FnOnce() + Send>>());
        assert_eq!(mem::size_of::<Job>(), 4 * mem::size_of::<usize>());
    }
}
