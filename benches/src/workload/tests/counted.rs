//! A host that counts what is asked of it.
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::host::{Channel, Host};

/// What a workload has had done. One that began is counted, or one that ended: whichever is before the workload's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) tasks_begun: u32,
    pub(super) tasks_aborted: u32,
    pub(super) yields: u32,
    pub(super) sleeps_begun: u32,
    pub(super) sleeps_ended: u32,
    pub(super) timeouts: u32,
    pub(super) ticks: u32,
    pub(super) jobs: u32,
    pub(super) messages: u32,
    pub(super) accepted: u32,
    pub(super) bytes_read: u32,
}

struct Counter(AtomicU32);

impl Counter {
    const fn new() -> Counter {
        Counter(AtomicU32::new(0))
    }

    fn add(&self, more: u32) {
        // Ordering: Relaxed: what ends the workload publishes it.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn take(&self) -> u32 {
        // Ordering: Relaxed: the workload has ended.
        self.0.swap(0, Ordering::Relaxed)
    }
}

static TASKS_BEGUN: Counter = Counter::new();
static TASKS_ABORTED: Counter = Counter::new();
static YIELDS: Counter = Counter::new();
static SLEEPS_BEGUN: Counter = Counter::new();
static SLEEPS_ENDED: Counter = Counter::new();
static TIMEOUTS: Counter = Counter::new();
static TICKS: Counter = Counter::new();
static JOBS: Counter = Counter::new();
static MESSAGES: Counter = Counter::new();
static ACCEPTED: Counter = Counter::new();
static BYTES_READ: Counter = Counter::new();

impl Tally {
    /// What was done since the last time.
    pub(super) fn take() -> Tally {
        Tally {
            tasks_begun: TASKS_BEGUN.take(),
            tasks_aborted: TASKS_ABORTED.take(),
            yields: YIELDS.take(),
            sleeps_begun: SLEEPS_BEGUN.take(),
            sleeps_ended: SLEEPS_ENDED.take(),
            timeouts: TIMEOUTS.take(),
            ticks: TICKS.take(),
            jobs: JOBS.take(),
            messages: MESSAGES.take(),
            accepted: ACCEPTED.take(),
            bytes_read: BYTES_READ.take(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Counted<T>(T);

impl<H: Host> Host for Counted<H> {
    const NAME: &'static str = H::NAME;
    type Join<T: Send + 'static> = H::Join<T>;
    type Channel = Counted<H::Channel>;
    type Late = H::Late;
    type Listener = H::Listener;
    type Stream = H::Stream;

    fn start(workers: usize) -> Self {
        Counted(H::start(workers))
    }

    fn block_on<F: Future>(&self, root: F) -> F::Output {
        self.0.block_on(root)
    }

    fn spawn<F: Future<Output: Send> + Send + 'static>(&'static self, future: F) -> H::Join<F::Output> {
        self.0.spawn(counted(future))
    }

    fn spawn_outside<F: Future<Output: Send> + Send + 'static>(
        &'static self,
        future: F,
    ) -> H::Join<F::Output> {
        self.0.spawn_outside(counted(future))
    }

    fn detach<T: Send + 'static>(join: H::Join<T>) {
        H::detach(join);
    }

    fn abort<T: Send + 'static>(join: H::Join<T>) {
        TASKS_ABORTED.add(1);
        H::abort(join);
    }

    fn spawn_blocking<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> H::Join<T> {
        self.0.spawn_blocking(|| {
            JOBS.add(1);
            job()
        })
    }

    async fn yield_now() {
        H::yield_now().await;
        YIELDS.add(1);
    }

    async fn sleep(duration: Duration) {
        SLEEPS_BEGUN.add(1);
        H::sleep(duration).await;
        SLEEPS_ENDED.add(1);
    }

    async fn ticks(period: Duration, times: u32) {
        H::ticks(period, times).await;
        TICKS.add(times);
    }

    async fn timeout<F: Future<Output: Send> + Send>(
        duration: Duration,
        future: F,
    ) -> Result<F::Output, H::Late> {
        let output = H::timeout(duration, future).await;
        TIMEOUTS.add(1);
        output
    }

    fn listen() -> impl Future<Output = io::Result<(H::Listener, SocketAddr)>> + Send {
        H::listen()
    }

    async fn accept(listener: &H::Listener) -> io::Result<H::Stream> {
        let stream = H::accept(listener).await?;
        ACCEPTED.add(1);
        Ok(stream)
    }

    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<H::Stream>> + Send {
        H::connect(address)
    }

    async fn read(stream: &mut H::Stream, buffer: &mut [u8]) -> io::Result<usize> {
        let length = H::read(stream, buffer).await?;
        BYTES_READ.add(length.try_into().expect("buffers are small"));
        Ok(length)
    }

    fn write_all(stream: &mut H::Stream, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send {
        H::write_all(stream, bytes)
    }
}

async fn counted<F: Future>(future: F) -> F::Output {
    TASKS_BEGUN.add(1);
    future.await
}

impl<C: Channel> Channel for Counted<C> {
    type Sender = C::Sender;
    type Receiver = C::Receiver;

    fn bounded(capacity: usize) -> (C::Sender, C::Receiver) {
        C::bounded(capacity)
    }

    fn send(sender: &mut C::Sender, message: u32) -> impl Future<Output = ()> + Send {
        C::send(sender, message)
    }

    async fn receive(receiver: &mut C::Receiver) -> Option<u32> {
        let message = C::receive(receiver).await?;
        MESSAGES.add(1);
        Some(message)
    }
}
