//! axum's `Router` with JSON, tower's and axum's middleware and WebSockets, on our sockets and with no tokio runtime.
//!
//! `cargo run --release -p programs --example axum [PORT]`, then `curl localhost:8081/hello/you`, or in a browser's
//! console `new WebSocket("ws://localhost:8081/socket")`.
//!
//! `cargo run --release -p programs --example axum -- --check` is its own client and fails unless all is as it should be.
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use async_tungstenite::client_async;
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use runtime::net::{TcpListener, TcpStream};
use runtime::task::JoinSet;
use runtime::time::timeout;

use crate::site::{Counts, Greeting};

mod site;
mod socket;
mod threads;

type Failure = Box<dyn Error + Send + Sync>;

/// What is asked for with `--check`.
const CLIENTS: usize = 64;
const REQUESTS: usize = 50;
const SOCKETS: usize = 32;
/// By then the check is done many times over.
const LIMIT: Duration = Duration::from_secs(60);

#[runtime::main]
async fn main() -> Result<(), Failure> {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("--check") {
        return timeout(LIMIT, check()).await?;
    }
    let port = argument.unwrap_or_else(|| "8081".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(site::serve(listener, Arc::default()).await?)
}

async fn check() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let counts = Arc::new(Counts::default());
    let server = runtime::spawn(site::serve(listener, Arc::clone(&counts)));

    every_route(address).await?;
    println!("ok: routes, path parameters, JSON, middleware, our timers");

    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(ask(address, client));
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    assert_eq!(counts.connections.load(Relaxed), 1 + CLIENTS, "one connection a client");
    println!("ok: {} requests of {CLIENTS} clients at once, a connection each", CLIENTS * REQUESTS);

    let mut sockets = JoinSet::new();
    for client in 0..SOCKETS {
        sockets.spawn(talk(address, client));
    }
    while let Some(socket) = sockets.join_next().await {
        socket??;
    }
    println!("ok: {SOCKETS} WebSockets at once: texts, a ping, a mebibyte and the closing handshake each");

    assert!(tokio::runtime::Handle::try_current().is_err(), "a tokio runtime in `block_on`");
    let in_task = runtime::spawn(async { tokio::runtime::Handle::try_current().is_err() }).await?;
    assert!(in_task, "a tokio runtime in a task");
    let threads = threads::names()?;
    assert!(threads.iter().all(|name| !name.starts_with("tokio")), "a tokio runtime's thread: {threads:?}");
    println!("ok: no tokio runtime in handlers, tasks and `block_on`; all threads: {}", threads.join(", "));

    server.abort();
    assert!(server.await.is_err_and(|error| error.is_cancelled()));
    Ok(())
}

/// A client's one connection.
struct Client {
    sender: http1::SendRequest<Full<Bytes>>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Result<Client, Failure> {
        let (sender, connection) = http1::handshake(TcpStream::connect(address).await?).await?;
        // Ends when the sender is dropped.
        drop(runtime::spawn(connection));
        Ok(Client { sender })
    }

    async fn get(&mut self, path: &str) -> Result<(StatusCode, Bytes), Failure> {
        self.send(Request::get(path).header("host", "localhost").body(Full::default())?).await
    }

    async fn post(&mut self, path: &str, json: &'static str) -> Result<(StatusCode, Bytes), Failure> {
        let request =
            Request::post(path).header("host", "localhost").header("content-type", "application/json");
        self.send(request.body(Full::new(Bytes::from_static(json.as_bytes())))?).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

async fn every_route(address: SocketAddr) -> Result<(), Failure> {
    let mut client = Client::connect(address).await?;
    assert_eq!(client.get("/").await?, (StatusCode::OK, "axum on the runtime\n".into()));
    let (status, body) = client.get("/hello/J%C3%BCrgen").await?;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(serde_json::from_slice::<Greeting>(&body)?, Greeting { hello: "Jürgen".into() });
    assert_eq!(client.post("/sum", "[1, 2, 39]").await?, (StatusCode::OK, "42".into()));
    assert_eq!(client.post("/sum", "[1, 2,").await?.0, StatusCode::BAD_REQUEST);
    assert_eq!(client.get("/sum").await?.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(client.get("/nowhere").await?.0, StatusCode::NOT_FOUND);
    assert_eq!(client.get("/sleep/1").await?, (StatusCode::OK, "awake".into()));
    assert_eq!(client.get("/sleep/3600000").await?.0, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(client.get("/socket").await?.0, StatusCode::UPGRADE_REQUIRED);
    assert_eq!(client.get("/tokio").await?, (StatusCode::OK, "no tokio runtime".into()));
    assert_eq!(client.get("/connection").await?, (StatusCode::OK, "0".into()));
    Ok(())
}

/// Each answer is its own request's, and all come by one connection.
async fn ask(address: SocketAddr, client: usize) -> Result<(), Failure> {
    let mut sender = Client::connect(address).await?;
    let connection = sender.get("/connection").await?;
    for request in 0..REQUESTS - 2 {
        let name = format!("{client}-{request}");
        let (status, body) = sender.get(&format!("/hello/{name}")).await?;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(serde_json::from_slice::<Greeting>(&body)?.hello, name);
    }
    assert_eq!(sender.get("/connection").await?, connection);
    Ok(())
}

async fn talk(address: SocketAddr, client: usize) -> Result<(), Failure> {
    let stream = TcpStream::connect(address).await?;
    let (mut socket, response) = client_async("ws://localhost/socket", stream).await?;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);

    for number in 0..20 {
        let text = Message::text(format!("{client}: {number}"));
        socket.send(text.clone()).await?;
        assert_eq!(socket.next().await.ok_or("no echo")??, text);
    }
    // Several under way at once come back in their order.
    for number in 0..20 {
        socket.feed(Message::text(format!("{number}"))).await?;
    }
    socket.flush().await?;
    for number in 0..20 {
        assert_eq!(socket.next().await.ok_or("no echo")??, Message::text(format!("{number}")));
    }
    socket.send(Message::Ping("are you there".into())).await?;
    assert_eq!(socket.next().await.ok_or("no pong")??, Message::Pong("are you there".into()));

    let mebibyte: Vec<u8> = (0..1 << 20).map(|at: usize| (at.wrapping_mul(31) + client) as u8).collect();
    let mebibyte = Message::binary(mebibyte);
    socket.send(mebibyte.clone()).await?;
    // Not `assert_eq`, which would print both.
    assert!(socket.next().await.ok_or("no echo")?? == mebibyte, "a mebibyte came back changed");

    let goodbye = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    socket.close(Some(goodbye.clone())).await?;
    assert_eq!(socket.next().await.ok_or("no close")??, Message::Close(Some(goodbye)));
    assert!(socket.next().await.is_none(), "a message after the close");
    Ok(())
}
