//! A site on axum's `Router`, served by hyper over our sockets. No tokio runtime is asked for anything: the one place
//! where axum would spawn on it, its own WebSocket extractor, is replaced by `socket.rs`.
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use runtime::net::TcpListener;
use runtime::time::{sleep, timeout};
use serde::{Deserialize, Serialize};
use tower::Service;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::socket;

/// The most requests that are answered at once.
const AT_ONCE: usize = 1024;

/// The longest that `/sleep/{milliseconds}` may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the site counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Connections accepted so far.
    pub(crate) connections: AtomicUsize,
    /// Requests for `/never` that are waiting.
    pub(crate) waiting: AtomicUsize,
}

/// Which connection a request came by, counted from zero.
#[derive(Clone, Copy)]
struct Connection(usize);

#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Greeting {
    pub(crate) hello: String,
}

/// Serves the site until accepting fails.
pub(crate) async fn serve(listener: TcpListener, counts: Arc<Counts>) -> io::Result<()> {
    let router = router(Arc::clone(&counts));
    loop {
        let (stream, peer) = listener.accept().await?;
        let number = counts.connections.fetch_add(1, Relaxed);
        let router = router.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Connection(number));
            // A router is ready at any time.
            router.clone().call(request)
        });
        drop(runtime::spawn(async move {
            let connection = http1::Builder::new()
                .timer(runtime::hyper::Timer)
                .serve_connection(stream, service)
                .with_upgrades();
            match connection.await {
                Err(error) if !error.is_incomplete_message() => eprintln!("{peer}: {error}"),
                // A client may leave when it likes.
                _ => {}
            }
        }));
    }
}

fn router(counts: Arc<Counts>) -> Router {
    Router::new()
        .route("/sleep/{milliseconds}", get(pause))
        .layer(middleware::from_fn(patience))
        .route("/", get("axum on the runtime\n"))
        .route("/hello/{name}", get(hello))
        .route("/sum", post(sum))
        .route("/connection", get(connection))
        .route("/never", get(never))
        .route("/tokio", get(tokio))
        .route("/socket", get(socket::upgrade))
        .layer(GlobalConcurrencyLimitLayer::new(AT_ONCE))
        .with_state(counts)
}

/// Gives up on what takes too long, by our own timer.
async fn patience(request: Request, next: Next) -> Response {
    match timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}

async fn pause(Path(milliseconds): Path<u64>) -> &'static str {
    sleep(Duration::from_millis(milliseconds)).await;
    "awake"
}

async fn hello(Path(name): Path<String>) -> Json<Greeting> {
    Json(Greeting { hello: name })
}

async fn sum(Json(numbers): Json<Vec<i64>>) -> Json<i64> {
    Json(numbers.iter().sum())
}

async fn connection(Extension(Connection(number)): Extension<Connection>) -> String {
    number.to_string()
}

/// Is never answered; what goes is counted when hyper drops it.
async fn never(State(counts): State<Arc<Counts>>) {
    struct Waiting(Arc<Counts>);
    impl Drop for Waiting {
        fn drop(&mut self) {
            self.0.waiting.fetch_sub(1, Relaxed);
        }
    }
    counts.waiting.fetch_add(1, Relaxed);
    let _waiting = Waiting(counts);
    std::future::pending().await
}

/// Whether a handler has a tokio runtime to spawn on.
async fn tokio() -> &'static str {
    if tokio::runtime::Handle::try_current().is_ok() { "a tokio runtime" } else { "no tokio runtime" }
}
