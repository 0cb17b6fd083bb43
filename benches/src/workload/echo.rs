//! TCP over the loopback interface.
use std::io;

use super::countdown::Countdown;
use crate::host::Host;
use crate::stopwatch::{Sample, Stopwatch};

static COUNTDOWN: Countdown = Countdown::new();
const MESSAGE: [u8; 64] = [7; 64];

pub(super) async fn echo<H: Host>(host: &'static H, connections: u32, round_trips: u32) -> Sample {
    let (listener, address) = H::listen().await.expect("a free port");
    let mut clients = Vec::new();
    for _ in 0..connections {
        let client = H::connect(address).await.expect("the listener's backlog takes it");
        let server = H::accept(&listener).await.expect("it has connected");
        H::detach(host.spawn(async move { serve::<H>(server).await.expect("the client closes in order") }));
        clients.push(client);
    }
    let done = COUNTDOWN.start(connections);
    let watch = Stopwatch::start();
    for mut client in clients {
        H::detach(host.spawn(async move {
            for _ in 0..round_trips / connections {
                round_trip::<H>(&mut client).await.expect("the server echoes");
            }
            COUNTDOWN.arrive();
        }));
    }
    done.await.expect("all clients are done");
    watch.stop()
}

async fn serve<H: Host>(mut stream: H::Stream) -> io::Result<()> {
    let mut buffer = [0; MESSAGE.len()];
    loop {
        match H::read(&mut stream, &mut buffer).await? {
            0 => return Ok(()),
            length => H::write_all(&mut stream, &buffer[..length]).await?,
        }
    }
}

async fn round_trip<H: Host>(stream: &mut H::Stream) -> io::Result<()> {
    H::write_all(stream, &MESSAGE).await?;
    let mut buffer = [0; MESSAGE.len()];
    let mut filled = 0;
    while filled < buffer.len() {
        match H::read(stream, &mut buffer[filled..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => filled += length,
        }
    }
    assert_eq!(buffer, MESSAGE);
    Ok(())
}
