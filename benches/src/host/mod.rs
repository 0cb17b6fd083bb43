//! The runtimes under measurement, behind one trait.
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::stopwatch::Sample;
use crate::workload::Workload;

mod channel;
mod ours;
mod smol;
mod tokio;

pub use channel::{Channel, OfFutures, OfSmol, OfTokio};
pub use ours::Ours;
pub use smol::Smol;
pub use tokio::Tokio;

/// A runtime at its stable defaults, but for the number of workers. It lives as long as the process.
pub trait Host: Debug + Send + Sync + Sized + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Waits for a task. A task that panicked makes it panic.
    type Join<T: Send + 'static>: Future<Output = T> + Send + Unpin;
    /// Its own bounded channel.
    type Channel: Channel;
    /// What a timeout says when it is over.
    type Late: Debug + Send;
    /// A listening TCP socket.
    type Listener: Send + Sync + 'static;
    /// A connected TCP socket.
    type Stream: Send + 'static;

    /// Starts it.
    fn start(workers: usize) -> Self;

    /// Runs `root` on the calling thread, which is none of its workers.
    fn block_on<F: Future>(&self, root: F) -> F::Output;

    /// Spawns from within a task of this host.
    fn spawn<F: Future<Output: Send> + Send + 'static>(&'static self, future: F) -> Self::Join<F::Output>;

    /// Spawns from a thread that the host knows nothing of.
    fn spawn_outside<F: Future<Output: Send> + Send + 'static>(
        &'static self,
        future: F,
    ) -> Self::Join<F::Output>;

    /// Lets the task run on by itself.
    fn detach<T: Send + 'static>(join: Self::Join<T>);

    /// Has the task's future dropped soon, and does not wait for that.
    fn abort<T: Send + 'static>(join: Self::Join<T>);

    /// Runs a closure on the blocking pool, from within a task of this host.
    fn spawn_blocking<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Self::Join<T>;

    /// Lets the other tasks run.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// Ready after `duration`.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;

    /// Ready after so many ticks of an interval, the first of them a `period` from now.
    fn ticks(period: Duration, times: u32) -> impl Future<Output = ()> + Send;

    /// The future's output, if it is ready in time. As the host gives it: a future around it would be measured as well.
    fn timeout<F: Future<Output: Send> + Send>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Self::Late>> + Send;

    /// Listens on a free port of the loopback interface.
    fn listen() -> impl Future<Output = io::Result<(Self::Listener, SocketAddr)>> + Send;

    /// The next connection.
    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Connects.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Reads what is there, at least a byte; zero at the end.
    fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;

    /// Writes all of it.
    fn write_all(stream: &mut Self::Stream, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

/// A started host with its type put away.
pub trait Contender: Debug {
    /// The host's name.
    fn name(&self) -> &'static str;

    /// Runs `workload` once.
    fn run(&self, workload: Workload) -> Sample;
}

impl<H: Host> Contender for &'static H {
    fn name(&self) -> &'static str {
        H::NAME
    }

    fn run(&self, workload: Workload) -> Sample {
        workload.run(*self)
    }
}

/// All hosts, started; ours first.
pub fn contenders(workers: usize) -> Vec<Box<dyn Contender>> {
    fn started<H: Host>(workers: usize) -> Box<dyn Contender> {
        let host: &'static H = Box::leak(Box::new(H::start(workers)));
        Box::new(host)
    }
    vec![started::<Ours>(workers), started::<Tokio>(workers), started::<Smol>(workers)]
}
