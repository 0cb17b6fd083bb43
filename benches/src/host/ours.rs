//! The runtime of this workspace.
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use runtime::Runtime;
use runtime::net::{TcpListener, TcpStream};
use runtime::task::JoinHandle;

use super::{Host, OfTokio};

/// The runtime of this workspace.
#[derive(Debug)]
pub struct Ours(Runtime);

/// A join handle whose task is known not to fail.
#[derive(Debug)]
pub struct Joined<T>(JoinHandle<T>);

impl<T> Future for Joined<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|joined| joined.expect("no task of a workload panics"))
    }
}

/// A runtime that was built otherwise than by default.
impl From<Runtime> for Ours {
    fn from(runtime: Runtime) -> Self {
        Ours(runtime)
    }
}

impl Host for Ours {
    const NAME: &'static str = "runtime";
    type Join<T: Send + 'static> = Joined<T>;
    type Channel = OfTokio;
    type Late = runtime::time::error::Elapsed;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn start(workers: usize) -> Self {
        Ours(Runtime::builder().worker_threads(workers).build().expect("the runtime starts"))
    }

    fn block_on<F: Future>(&self, root: F) -> F::Output {
        self.0.block_on(root)
    }

    fn spawn<F: Future<Output: Send> + Send + 'static>(&'static self, future: F) -> Joined<F::Output> {
        Joined(runtime::spawn(future))
    }

    fn spawn_outside<F: Future<Output: Send> + Send + 'static>(
        &'static self,
        future: F,
    ) -> Joined<F::Output> {
        Joined(self.0.spawn(future))
    }

    fn detach<T: Send + 'static>(join: Joined<T>) {
        drop(join);
    }

    fn abort<T: Send + 'static>(join: Joined<T>) {
        join.0.abort();
    }

    fn spawn_blocking<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Joined<T> {
        Joined(runtime::task::spawn_blocking(job))
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        runtime::task::yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        runtime::time::sleep(duration)
    }

    async fn ticks(period: Duration, times: u32) {
        let mut interval = runtime::time::interval_at(runtime::time::Instant::now() + period, period);
        for _ in 0..times {
            interval.tick().await;
        }
    }

    fn timeout<F: Future<Output: Send> + Send>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Self::Late>> + Send {
        runtime::time::timeout(duration, future)
    }

    async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        listener.accept().await.map(|(stream, _)| stream)
    }

    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<TcpStream>> + Send {
        TcpStream::connect(address)
    }

    async fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer).await
    }

    async fn write_all(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await
    }
}
