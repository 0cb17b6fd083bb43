//! Connections that live for a byte each way.
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::descriptors;
use crate::host::Host;
use crate::latencies::Latencies;
use crate::stopwatch::{Sample, Stopwatch};

/// One task accepts, each connection has a task that answers, and so many clients connect, ask, are answered and close,
/// over and over.
pub(super) async fn accept<H: Host>(host: &'static H, clients: u32, connections: u32) -> Sample {
    descriptors::raise_limit();
    let (listener, address) = H::listen().await.expect("a free port");
    let each = connections / clients;
    let server = host.spawn(async move {
        for _ in 0..each * clients {
            let stream = H::accept(&listener).await?;
            H::detach(host.spawn(async move { answer::<H>(stream).await.expect("the client asks") }));
        }
        io::Result::Ok(())
    });
    let mut asking = Vec::with_capacity(clients as usize);
    let mut times = Vec::with_capacity(connections as usize);
    let watch = Stopwatch::start();
    for _ in 0..clients {
        asking.push(host.spawn(ask::<H>(address, each)));
    }
    for client in asking {
        times.extend(client.await.expect("the server answers"));
    }
    let sample = watch.stop();
    server.await.expect("it accepts all");
    sample.with(Latencies::of(times))
}

async fn answer<H: Host>(mut stream: H::Stream) -> io::Result<()> {
    let mut byte = [0];
    if H::read(&mut stream, &mut byte).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    H::write_all(&mut stream, &[!byte[0]]).await
}

async fn ask<H: Host>(address: SocketAddr, connections: u32) -> io::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(connections as usize);
    let mut begun = Instant::now();
    for number in 0..connections {
        let mut stream = H::connect(address).await?;
        let question = number as u8;
        H::write_all(&mut stream, &[question]).await?;
        let mut byte = [0];
        if H::read(&mut stream, &mut byte).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        assert_eq!(byte[0], !question, "the answer is to this question");
        drop(stream);
        let now = Instant::now();
        times.push(now - begun);
        begun = now;
    }
    Ok(times)
}
