//! The server itself, which knows neither executor nor runtime: what it spawns it hands to its caller.
use std::convert::Infallible;
use std::future::Future;
use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::server::conn::auto;
use runtime::net::TcpListener;

/// How to spawn a task that nobody waits for.
pub(crate) trait Spawn: Clone + Send + Sync + 'static {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);
}

/// What hyper knows as an executor.
#[derive(Clone)]
struct Executor<S>(S);

impl<S: Spawn, F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Executor<S> {
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// Greets whoever connects, in HTTP/1 or HTTP/2, until accepting fails.
pub(crate) async fn serve(listener: TcpListener, spawner: impl Spawn) -> io::Result<()> {
    let mut server = auto::Builder::new(Executor(spawner.clone()));
    server.http1().timer(runtime::hyper::Timer);
    server.http2().timer(runtime::hyper::Timer);
    loop {
        let (stream, peer) = listener.accept().await?;
        let server = server.clone();
        spawner.spawn(async move {
            if let Err(error) = server.serve_connection(stream, service_fn(hello)).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"Hello from the runtime.\n"))))
}
