//! The runtimes under test, each with two workers and its usual settings.
use std::future::Future;
use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a case needs of a runtime.
pub(crate) trait Host: Send + Sync + 'static {
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);
    fn sleep_until(deadline: Instant) -> impl Future<Output = ()> + Send;

    /// Echoes on one connection, byte by byte.
    fn echo(&self) -> SocketAddr;
}

const WORKERS: usize = 2;

pub(crate) struct Ours(runtime::Runtime);

impl Ours {
    pub(crate) fn new() -> Ours {
        Ours(runtime::Runtime::builder().worker_threads(WORKERS).build().unwrap())
    }
}

impl Host for Ours {
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.0.spawn(future));
    }

    async fn sleep_until(deadline: Instant) {
        runtime::time::sleep_until(deadline.into()).await;
    }

    fn echo(&self) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        self.spawn(async move {
            let listener = runtime::net::TcpListener::from_std(listener).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            echo(stream).await;
        });
        address
    }
}

pub(crate) struct Tokio(tokio::runtime::Runtime);

impl Tokio {
    pub(crate) fn new() -> Tokio {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Tokio(builder.worker_threads(WORKERS).enable_all().build().unwrap())
    }
}

impl Host for Tokio {
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.0.spawn(future));
    }

    async fn sleep_until(deadline: Instant) {
        tokio::time::sleep_until(deadline.into()).await;
    }

    fn echo(&self) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        self.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            echo(stream).await;
        });
        address
    }
}

async fn echo(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    let mut byte = [0];
    while stream.read_exact(&mut byte).await.is_ok() {
        if stream.write_all(&byte).await.is_err() {
            break;
        }
    }
}
