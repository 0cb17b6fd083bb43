//! TCP over the loopback interface: what a client sends comes back to it.
use std::io;
use std::time::{Duration, Instant};

use super::descriptors;
use crate::host::Host;
use crate::latencies::Latencies;
use crate::stopwatch::{Sample, Stopwatch};

mod raw;

pub use raw::Floor;
pub(super) use raw::echo as raw;

/// One small message.
pub(super) const SINGLE: Shape = Shape { connections: 1, bytes: 64, round_trips: 0 };
/// As many as a busy server has.
pub(super) const MANY: Shape = Shape { connections: 64, ..SINGLE };
/// More than fit into a batch of events.
pub(super) const CROWD: Shape = Shape { connections: 1_000, ..SINGLE };
/// Messages whose copying counts.
pub(super) const LARGE: Shape = Shape { connections: 16, bytes: 16_384, round_trips: 0 };

/// How much goes back and forth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Connections at the same time, each with one message under way.
    pub(super) connections: u32,
    /// Bytes of a message.
    pub(super) bytes: usize,
    /// Messages that come back, over all connections together.
    pub(super) round_trips: u32,
}

impl Shape {
    /// The same with so many messages; each connection has the same share.
    pub(super) fn times(self, round_trips: u32) -> Shape {
        Shape { round_trips, ..self }
    }

    fn round_trips_each(self) -> u32 {
        self.round_trips / self.connections
    }

    /// What a message is read into: with room to spare, as programs have it. A read that does not fill it has emptied
    /// the socket, and a runtime that knows this need not ask the kernel again.
    fn buffer(self) -> Vec<u8> {
        vec![0; 2 * self.bytes]
    }

    /// What is sent over a connection: other bytes than over its neighbours.
    fn message(self, connection: u32) -> Vec<u8> {
        (0..self.bytes).map(|place| (place as u8).wrapping_mul(31) ^ connection as u8).collect()
    }
}

/// A task for each end of each connection.
pub(super) async fn echo<H: Host>(host: &'static H, shape: Shape) -> Sample {
    descriptors::raise_limit();
    let (listener, address) = H::listen().await.expect("a free port");
    let (mut streams, mut servers) = (Vec::new(), Vec::new());
    for number in 0..shape.connections {
        streams.push((
            H::connect(address).await.expect("the backlog takes it"),
            shape.message(number),
            shape.buffer(),
        ));
        let stream = H::accept(&listener).await.expect("it has connected");
        servers.push(host.spawn(serve::<H>(stream, shape.buffer())));
    }
    let mut clients = Vec::with_capacity(streams.len());
    let mut answers = Vec::with_capacity(streams.len());
    let watch = Stopwatch::start();
    for (stream, message, buffer) in streams {
        clients.push(host.spawn(ask::<H>(stream, message, buffer, shape.round_trips_each())));
    }
    for client in clients {
        answers.push(client.await.expect("the server answers"));
    }
    let sample = watch.stop();
    // The streams are closed only now, and nobody is left behind for the next one who is measured.
    let times = answers.into_iter().flat_map(|(_, times)| times).collect();
    for server in servers {
        server.await.expect("the client closes in order");
    }
    sample.with(Latencies::of(times))
}

async fn serve<H: Host>(mut stream: H::Stream, mut buffer: Vec<u8>) -> io::Result<()> {
    loop {
        match H::read(&mut stream, &mut buffer).await? {
            0 => return Ok(()),
            length => H::write_all(&mut stream, &buffer[..length]).await?,
        }
    }
}

/// What each message took, and the stream, still open.
async fn ask<H: Host>(
    mut stream: H::Stream,
    message: Vec<u8>,
    mut buffer: Vec<u8>,
    round_trips: u32,
) -> io::Result<(H::Stream, Vec<Duration>)> {
    let mut times = Vec::with_capacity(round_trips as usize);
    let mut begun = Instant::now();
    for _ in 0..round_trips {
        H::write_all(&mut stream, &message).await?;
        let mut filled = 0;
        while filled < message.len() {
            match H::read(&mut stream, &mut buffer[filled..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => filled += length,
            }
        }
        assert!(buffer[..filled] == message, "the bytes that were sent come back");
        let now = Instant::now();
        times.push(now - begun);
        begun = now;
    }
    Ok((stream, times))
}

#[cfg(test)]
mod tests;
