//! What hyper asks of a runtime: an executor and a timer. The streams of [`net`](crate::net) implement hyper's I/O
//! traits themselves.
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

/// Spawns hyper's tasks onto the runtime whose context it is used in.
///
/// # Panics
///
/// Executing panics outside of any runtime's context, as [`spawn`](crate::spawn).
///
/// # Examples
///
/// ```
/// use hyper_util::server::conn::auto;
///
/// // Serves HTTP/1 and HTTP/2, whichever the client speaks.
/// let mut builder = auto::Builder::new(runtime::hyper::Executor);
/// builder.http1().timer(runtime::hyper::Timer);
/// builder.http2().timer(runtime::hyper::Timer);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Executor;

impl Executor {
    /// The executor, as hyper-util's is made.
    pub fn new() -> Executor {
        Executor
    }
}

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    #[track_caller]
    fn execute(&self, future: F) {
        drop(crate::spawn(future));
    }
}

/// Gives hyper our timers; they work on any executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer;

impl Timer {
    /// The timer, as hyper-util's is made.
    pub fn new() -> Timer {
        Timer
    }
}

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep { sleep: timer::sleep(duration) })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep { sleep: timer::sleep_until(deadline.into()) })
    }

    fn now(&self) -> Instant {
        reactor_hook::now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(sleep) => sleep.project().sleep.reset(deadline.into()),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

pin_project! {
    struct Sleep {
        #[pin]
        sleep: timer::Sleep,
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}

impl hyper::rt::Sleep for Sleep {}
