//! reqwest, which needs tokio's own reactor, timers and `tokio::spawn`, in plain tasks of ours, against the site of the
//! example `axum`. One option of the builder does it. It checks what it gets and fails unless all is as it should be.
//!
//! `cargo run --release -p programs --example reqwest`
use std::collections::HashSet;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use runtime::Runtime;
use runtime::net::TcpListener;
use runtime::task::JoinSet;
use runtime::time::{sleep, timeout};

use crate::site::{Counts, Greeting};

mod site;
mod socket;
mod threads;

type Failure = Box<dyn Error + Send + Sync>;

const TASKS: usize = 16;
const REQUESTS: usize = 32;
/// By then the check is done many times over.
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> Result<(), Failure> {
    let runtime = Runtime::builder().tokio_compat(true).build()?;
    runtime.block_on(async { timeout(LIMIT, runtime::spawn(check())).await?? })
}

async fn check() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let counts = Arc::new(Counts::default());
    let server = runtime::spawn(site::serve(listener, Arc::clone(&counts)));
    // Whatever proxy the environment names, this stays on the machine.
    let client = Client::builder().no_proxy().build()?;

    every_kind(&client, address).await?;
    println!("ok: text, JSON, statuses, a name to resolve, a port that nobody has");

    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(ask(client.clone(), address, task));
    }
    let mut connections = HashSet::new();
    while let Some(task) = tasks.join_next().await {
        connections.extend(task??);
    }
    // Not exactly one a task: reqwest opens another when the last is not back in its pool yet.
    assert!(
        connections.len() * 4 <= TASKS * REQUESTS,
        "{} connections are not used again",
        connections.len()
    );
    println!("ok: {} requests of {TASKS} tasks by {} connections", TASKS * REQUESTS, connections.len());

    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let request = client.get(format!("http://{address}/never")).timeout(Duration::from_millis(50));
        tasks.spawn(async move { request.send().await });
    }
    while let Some(answer) = tasks.join_next().await {
        let error = answer?.expect_err("there is no answer");
        assert!(error.is_timeout(), "not a timeout: {error:?}");
    }
    until(|| counts.waiting.load(Relaxed) == 0).await;
    println!("ok: {TASKS} requests timed out, and the server has dropped what it did for them");

    let request = client.get(format!("http://{address}/never"));
    let task = runtime::spawn(async move { request.send().await });
    until(|| counts.waiting.load(Relaxed) == 1).await;
    task.abort();
    assert!(task.await.is_err_and(|error| error.is_cancelled()));
    until(|| counts.waiting.load(Relaxed) == 0).await;
    println!("ok: an aborted task's request is gone on both ends");

    every_kind(&client, address).await?;
    // Tokio's are the one that drives its reactor and the one that resolved a name; none executes tasks.
    let threads = threads::names()?;
    assert!(threads.iter().all(|name| !name.starts_with("tokio")), "a tokio runtime's worker: {threads:?}");
    println!("ok: the client works as before; all threads: {}", threads.join(", "));

    server.abort();
    assert!(server.await.is_err_and(|error| error.is_cancelled()));
    Ok(())
}

async fn every_kind(client: &Client, address: SocketAddr) -> Result<(), Failure> {
    let site = format!("http://{address}");
    let answer = client.get(&site).send().await?;
    assert_eq!((answer.status(), answer.text().await?.as_str()), (StatusCode::OK, "axum on the runtime\n"));
    let greeting: Greeting = client.get(format!("{site}/hello/Jürgen")).send().await?.json().await?;
    assert_eq!(greeting, Greeting { hello: "Jürgen".into() });
    let sum: i64 = client.post(format!("{site}/sum")).json(&[1, 2, 39]).send().await?.json().await?;
    assert_eq!(sum, 42);
    assert_eq!(client.get(format!("{site}/nowhere")).send().await?.status(), StatusCode::NOT_FOUND);
    // Resolved on tokio's blocking pool.
    let named = client.get(format!("http://localhost:{}/sleep/1", address.port())).send().await?;
    assert_eq!(named.text().await?, "awake");
    // Port 0 is nobody's.
    let error = client.get("http://127.0.0.1:0/").send().await.expect_err("nobody is there");
    assert!(error.is_connect(), "not a failed connection: {error:?}");
    Ok(())
}

/// Each answer is its own request's. Returns the connections that were used.
async fn ask(client: Client, address: SocketAddr, task: usize) -> Result<HashSet<usize>, Failure> {
    let mut connections = HashSet::new();
    for request in 0..REQUESTS / 2 {
        let name = format!("{task}-{request}");
        let greeting: Greeting =
            client.get(format!("http://{address}/hello/{name}")).send().await?.json().await?;
        assert_eq!(greeting.hello, name);
        connections
            .insert(client.get(format!("http://{address}/connection")).send().await?.text().await?.parse()?);
    }
    Ok(connections)
}

/// Waits until it is so; bounded by [`LIMIT`].
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        sleep(Duration::from_millis(1)).await;
    }
}
