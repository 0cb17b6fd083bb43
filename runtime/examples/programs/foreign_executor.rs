//! The HTTP server of `examples/http` on async-executor, which knows nothing of us: four threads run its tasks, and our
//! sockets and timers see to themselves. Nothing here starts our runtime.
//!
//! `cargo run --release -p programs --example foreign_executor [PORT]`, then `wrk -t1 -c64 -d5s http://localhost:8082/`.
//!
//! `cargo run --release -p programs --example foreign_executor -- --check` is its own client and fails unless all is as
//! it should be.
use std::error::Error;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use async_executor::Executor;
use bytes::Bytes;
use futures_lite::future::block_on;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, StatusCode};
use runtime::net::{TcpListener, TcpStream};
use runtime::time::timeout;

#[path = "../http/serve.rs"]
mod serve;
mod threads;

type Failure = Box<dyn Error + Send + Sync>;

static EXECUTOR: Executor<'static> = Executor::new();
const THREADS: usize = 4;

/// What is asked for with `--check`.
const CLIENTS: usize = 64;
const REQUESTS: usize = 50;
/// By then the check is done many times over.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct OnExecutor;

impl serve::Spawn for OnExecutor {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        EXECUTOR.spawn(task).detach();
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for OnExecutor {
    fn execute(&self, task: F) {
        EXECUTOR.spawn(task).detach();
    }
}

fn main() -> Result<(), Failure> {
    for _ in 0..THREADS {
        thread::Builder::new().name("foreign".into()).spawn(|| block_on(EXECUTOR.run(pending::<()>())))?;
    }
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("--check") {
        return block_on(EXECUTOR.spawn(timeout(LIMIT, check())))?;
    }
    let port = argument.unwrap_or_else(|| "8082".into());
    block_on(async {
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        println!("listening on http://{}", listener.local_addr()?);
        Ok(EXECUTOR.spawn(serve::serve(listener, OnExecutor)).await?)
    })
}

async fn check() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = EXECUTOR.spawn(serve::serve(listener, OnExecutor));

    let clients: Vec<_> = (0..CLIENTS).map(|_| EXECUTOR.spawn(ask(address))).collect();
    for client in clients {
        client.await?;
    }
    println!("ok: {} requests of {CLIENTS} clients at once in HTTP/1", CLIENTS * REQUESTS);
    ask_at_once(address).await?;
    println!("ok: {REQUESTS} requests at once by one connection in HTTP/2");

    assert!(runtime::Handle::try_current().is_err(), "our runtime is there");
    let threads = threads::names()?;
    let ours: Vec<&str> = threads
        .iter()
        .map(String::as_str)
        .filter(|name| !["foreign", "foreign_executo"].contains(name))
        .collect();
    assert!(ours.len() <= 2, "more threads than one for sockets and one for timers: {threads:?}");
    println!("ok: our threads beside the executor's: {}", ours.join(", "));
    server.cancel().await;
    Ok(())
}

/// Asks one request after the other.
async fn ask(address: SocketAddr) -> Result<(), Failure> {
    let (mut sender, connection) = http1::handshake(TcpStream::connect(address).await?).await?;
    let connection = EXECUTOR.spawn(connection);
    for _ in 0..REQUESTS {
        sender.ready().await?;
        expect_greeting(sender.send_request(request("/")?).await?).await?;
    }
    drop(sender);
    Ok(connection.await?)
}

/// Asks all requests at once.
async fn ask_at_once(address: SocketAddr) -> Result<(), Failure> {
    let (sender, connection) = http2::handshake(OnExecutor, TcpStream::connect(address).await?).await?;
    let connection = EXECUTOR.spawn(connection);
    let requests: Vec<_> = (0..REQUESTS)
        .map(|_| {
            let mut sender = sender.clone();
            EXECUTOR.spawn(async move {
                expect_greeting(sender.send_request(request("http://localhost/")?).await?).await
            })
        })
        .collect();
    for request in requests {
        request.await?;
    }
    drop(sender);
    Ok(connection.await?)
}

fn request(uri: &str) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    Request::get(uri).header("host", "localhost").body(Empty::new())
}

async fn expect_greeting(response: Response<hyper::body::Incoming>) -> Result<(), Failure> {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.into_body().collect().await?.to_bytes(), "Hello from the runtime.\n");
    Ok(())
}
