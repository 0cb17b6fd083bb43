//! An HTTP server and its clients, each with a connection of its own.
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, client, server};
use runtime::net::{TcpListener, TcpStream};
use runtime::time::Instant;

use crate::tally::Tally;

/// Serves, and lets `clients` ask one request after the other until `end`.
pub(crate) async fn serve_and_ask(clients: usize, tally: Arc<Tally>, end: Instant) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let server = runtime::spawn(serve(listener));

    let mut asking = Vec::with_capacity(clients);
    for _ in 0..clients {
        let tally = Arc::clone(&tally);
        asking.push(runtime::spawn(async move {
            if let Err(error) = ask(address, &tally, end).await {
                eprintln!("client: {error}");
            }
        }));
    }
    for client in asking {
        client.await.expect("no client panics");
    }
    server.abort();
}

async fn serve(listener: TcpListener) {
    loop {
        let (stream, peer) = listener.accept().await.expect("there are file descriptors for all clients");
        drop(runtime::spawn(async move {
            let connection = server::conn::http1::Builder::new()
                .timer(runtime::hyper::Timer)
                .serve_connection(stream, service_fn(answer));
            if let Err(error) = connection.await {
                eprintln!("{peer}: {error}");
            }
        }));
    }
}

/// The path, so that the client can tell its own answer from another's.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::copy_from_slice(request.uri().path().as_bytes()))))
}

async fn ask(address: SocketAddr, tally: &Tally, end: Instant) -> Result<(), Box<dyn Error + Send + Sync>> {
    // Counted before anything can go wrong: a client that cannot connect has lost a request.
    tally.requests.begin();
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = client::conn::http1::handshake(stream).await?;
    let connection = runtime::spawn(connection);
    for number in 0_u64.. {
        let path = format!("/{number}");
        let request = Request::get(&path).header("host", "localhost").body(Empty::<Bytes>::new())?;
        // The connection's task may not have got round to being ready for another one.
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        let ok = response.status().is_success();
        let body = response.into_body().collect().await?.to_bytes();
        if ok && body == path.as_bytes() {
            tally.requests.finish();
        }
        if Instant::now() >= end {
            break;
        }
        tally.requests.begin();
    }
    drop(sender);
    connection.await??;
    Ok(())
}
