//! The smol family: async-executor on threads that block in async-io, and the blocking crate's pool.
use std::future::{self, Future};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::stream::StreamExt as _;
use smol::{Async, Executor, Task, Timer};

use super::{Host, OfSmol};

/// The smol family, its threads started as `smol::spawn` starts them.
#[derive(Debug)]
pub struct Smol(&'static Executor<'static>);

impl Host for Smol {
    const NAME: &'static str = "smol";
    type Join<T: Send + 'static> = Task<T>;
    type Channel = OfSmol;
    type Late = ();
    type Listener = Async<TcpListener>;
    type Stream = Async<TcpStream>;

    fn start(workers: usize) -> Self {
        let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
        for worker in 0..workers {
            thread::Builder::new()
                .name(format!("smol-{worker}"))
                .spawn(|| smol::block_on(executor.run(future::pending::<()>())))
                .expect("a thread starts");
        }
        Smol(executor)
    }

    fn block_on<F: Future>(&self, root: F) -> F::Output {
        smol::block_on(root)
    }

    fn spawn<F: Future<Output: Send> + Send + 'static>(&'static self, future: F) -> Task<F::Output> {
        self.0.spawn(future)
    }

    fn spawn_outside<F: Future<Output: Send> + Send + 'static>(&'static self, future: F) -> Task<F::Output> {
        self.0.spawn(future)
    }

    fn detach<T: Send + 'static>(join: Task<T>) {
        join.detach();
    }

    fn abort<T: Send + 'static>(join: Task<T>) {
        drop(join);
    }

    fn spawn_blocking<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        smol::unblock(job)
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        smol::future::yield_now()
    }

    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    async fn ticks(period: Duration, times: u32) {
        let mut interval = Timer::interval(period);
        for _ in 0..times {
            interval.next().await;
        }
    }

    fn timeout<F: Future<Output: Send> + Send>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Self::Late>> + Send {
        smol::future::or(async { Ok(future.await) }, async move {
            Timer::after(duration).await;
            Err(())
        })
    }

    async fn listen() -> io::Result<(Async<TcpListener>, SocketAddr)> {
        let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.get_ref().local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &Async<TcpListener>) -> io::Result<Async<TcpStream>> {
        listener.accept().await.map(|(stream, _)| stream)
    }

    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Async<TcpStream>>> + Send {
        Async::<TcpStream>::connect(address)
    }

    async fn read(stream: &mut Async<TcpStream>, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer).await
    }

    async fn write_all(stream: &mut Async<TcpStream>, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await
    }
}
