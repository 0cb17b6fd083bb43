//! An HTTP server on hyper; HTTP/1 and HTTP/2 (with prior knowledge) on one port.
//!
//! `cargo run --release --example http [PORT]`, then open <http://localhost:8080> in a browser, or
//! `curl localhost:8080`, or `wrk -t1 -c64 -d5s http://localhost:8080/`, or `h2load -n100000 -c8 -m16
//! http://localhost:8080/`.
//!
//! `serve.rs` beside it does not know where it runs: `programs/foreign_executor.rs` runs it on somebody else's executor.
use std::future::Future;
use std::io;

use runtime::net::TcpListener;

mod serve;

#[runtime::main]
async fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve::serve(listener, OnRuntime).await
}

#[derive(Clone)]
struct OnRuntime;

impl serve::Spawn for OnRuntime {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(runtime::spawn(task));
    }
}
