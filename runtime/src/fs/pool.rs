//! What may wait, done where it may: on the blocking pool of whoever polls, or on a short-lived thread.
use std::future::poll_fn;
use std::io;

use reactor_hook::budget;

use super::inline::{self, Lesson, Tried};
use crate::promise::promise;

/// Runs `job` where it may block. Giving up forgets what it returns; it runs on.
pub(super) async fn run<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (promise, promised) = promise();
    reactor_hook::offload(Box::new(move || promise.keep(job()))).map_err(|refused| refused.error)?;
    match poll_fn(|cx| promised.poll_settled(cx)).await {
        Some(Ok(result)) => result,
        Some(Err(_)) | None => Err(lost()),
    }
}

/// Tries `here`, unless the runtime wants the pool alone; then what `job` makes, on the pool.
pub(super) async fn try_first<T: Send + 'static, J: FnOnce() -> io::Result<T> + Send + 'static>(
    here: impl FnOnce() -> Tried<T>,
    job: impl FnOnce() -> J,
) -> io::Result<T> {
    let lesson = if inline::is_on() {
        // What is done at once would never give way.
        let charge = poll_fn(|cx| budget::poll_proceed(cx)).await;
        match here() {
            Tried::Done(result) => {
                charge.made_progress();
                return result;
            }
            Tried::Elsewhere(lesson) => lesson,
        }
    } else {
        Lesson::default()
    };
    let job = job();
    run(move || {
        lesson.learn();
        job()
    })
    .await
}

/// The operation was dropped by a pool that went, or panicked.
pub(super) fn lost() -> io::Error {
    io::Error::other("the blocking pool dropped the operation before it was done")
}
