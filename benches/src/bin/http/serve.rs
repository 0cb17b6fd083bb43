//! The servers: the same service of hyper's on two runtimes.
use std::convert::Infallible;
use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::{process, thread};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::rt::{Read, Write as HyperWrite};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

/// Where it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Ours,
    Tokio,
}

impl Kind {
    pub(crate) const ALL: [Kind; 2] = [Kind::Ours, Kind::Tokio];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Ours => "runtime",
            Kind::Tokio => "tokio",
        }
    }
}

/// Serves for ever. Prints where it listens; a line on the standard input asks for the CPU time so far; its end ends
/// the process.
pub(crate) fn serve(kind: Kind, workers: usize) -> io::Result<()> {
    thread::spawn(|| {
        for line in io::stdin().lock().lines() {
            if line.is_err() || say(cpu_nanos()).is_err() {
                break;
            }
        }
        process::exit(0);
    });
    match kind {
        Kind::Ours => {
            let runtime = runtime::Runtime::builder().worker_threads(workers).build()?;
            runtime.block_on(async {
                let listener = listen_ours().await?;
                announce(listener.local_addr()?)?;
                on_ours(listener).await
            })
        }
        Kind::Tokio => {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
            runtime.block_on(async {
                let listener = listen_tokio().await?;
                announce(listener.local_addr()?)?;
                on_tokio(listener).await
            })
        }
    }
}

pub(crate) async fn listen_ours() -> io::Result<runtime::net::TcpListener> {
    runtime::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

pub(crate) async fn on_ours(listener: runtime::net::TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        drop(runtime::spawn(connection(stream)));
    }
}

pub(crate) async fn listen_tokio() -> io::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

pub(crate) async fn on_tokio(listener: tokio::net::TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        drop(tokio::spawn(connection(TokioIo::new(stream))));
    }
}

async fn connection(stream: impl Read + HyperWrite + Unpin) {
    // It fails when wrk closes in the middle of an answer, at the end of its time.
    drop(http1::Builder::new().serve_connection(stream, service_fn(hello)).await);
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"Hello, World!"))))
}

fn announce(address: SocketAddr) -> io::Result<()> {
    say(format_args!("http://{address}/"))
}

/// A line, at once.
fn say(what: impl std::fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{what}")?;
    out.flush()
}

fn cpu_nanos() -> i128 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}
