//! An HTTP server on hyper; HTTP/1 and HTTP/2 (with prior knowledge) on one port.
//!
//! `cargo run --release --example http [PORT]`, then open <http://localhost:8080> in a browser, or
//! `curl localhost:8080`, or `wrk -t1 -c64 -d5s http://localhost:8080/`, or `h2load -n100000 -c8 -m16
//! http://localhost:8080/`.
use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::server::conn::auto;
use runtime::net::TcpListener;

#[runtime::main]
async fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);

    let mut server = auto::Builder::new(runtime::hyper::Executor);
    server.http1().timer(runtime::hyper::Timer);
    server.http2().timer(runtime::hyper::Timer);
    loop {
        let (stream, peer) = listener.accept().await?;
        let server = server.clone();
        runtime::spawn(async move {
            if let Err(error) = server.serve_connection(stream, service_fn(hello)).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"Hello from the runtime.\n"))))
}
