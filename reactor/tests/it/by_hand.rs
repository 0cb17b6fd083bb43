//! A reactor that the test turns itself, and wakers that count.
use std::future::Future;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use reactor::{AsyncFd, Reactor};
use reactor_hook::{Driver, Entered, Frame};

/// What is polled while this lives registers with `reactor`, and nothing happens to it but in `turn`.
pub(crate) struct ByHand {
    _entered: Entered,
    _frame: Rc<Frame>,
    pub(crate) reactor: Arc<Reactor>,
}

impl ByHand {
    pub(crate) fn new() -> ByHand {
        let reactor = Reactor::new().expect("descriptors are left");
        assert!(reactor.attendance().try_attend());
        let frame = Frame::builder().driver(Arc::clone(&reactor) as Arc<dyn Driver>).build();
        ByHand { _entered: frame.enter(), _frame: frame, reactor }
    }

    /// Looks for events, without waiting for any.
    pub(crate) fn turn(&self) {
        self.reactor.block(Some(Duration::ZERO));
    }
}

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn new() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs a closure when woken.
pub(crate) struct Call<F>(pub(crate) F);

impl<F: Fn() + Send + Sync + 'static> Wake for Call<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

pub(crate) fn poll_with<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// A connected pair, the second of which is a source.
pub(crate) fn pair() -> (UnixStream, AsyncFd<UnixStream>) {
    let (here, there) = UnixStream::pair().expect("descriptors are left");
    here.set_nonblocking(true).unwrap();
    there.set_nonblocking(true).unwrap();
    (here, AsyncFd::new(there).unwrap())
}

/// Whether it is ready to read; registers it otherwise.
pub(crate) fn is_readable<T: std::os::fd::AsRawFd>(fd: &AsyncFd<T>) -> bool {
    poll_with(pin!(fd.readable()), Waker::noop()).is_ready()
}

/// Reads all there is, and says how much.
pub(crate) fn drain(mut stream: &UnixStream) -> usize {
    let mut total = 0;
    let mut bytes = [0; 4096];
    while let Ok(n) = stream.read(&mut bytes) {
        if n == 0 {
            break;
        }
        total += n;
    }
    total
}

/// Writes until nothing goes in.
pub(crate) fn fill(mut stream: &UnixStream) {
    while stream.write(&[0; 4096]).is_ok() {}
}
