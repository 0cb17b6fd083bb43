use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;

use super::*;

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// What is reported of `source`, by mio and by ours.
fn reported(source: &impl AsRawFd) -> (Ready, Ready) {
    let register = || {
        let poll = mio::Poll::new().unwrap();
        let all = mio::Interest::READABLE | mio::Interest::WRITABLE | mio::Interest::PRIORITY;
        poll.registry().register(&mut SourceFd(&source.as_raw_fd()), mio::Token(7), all).unwrap();
        poll
    };
    let mut theirs = mio::Events::with_capacity(8);
    register().poll(&mut theirs, Some(Duration::from_secs(10))).unwrap();
    let mut ours = Events::with_capacity(8);
    ours.wait(&mut register(), Some(Duration::from_secs(10))).unwrap();
    let (token, ours) = ours.iter().next().unwrap();
    assert_eq!(token, Token::from_selector(7));
    (Ready::from_event(theirs.iter().next().unwrap()), ours)
}

fn assert_reported(source: &impl AsRawFd, some_of: Ready) {
    let (theirs, ours) = reported(source);
    assert_eq!(theirs, ours);
    assert_eq!(ours & some_of, some_of);
}

#[test]
fn flags_mean_what_mio_makes_of_them() {
    let (mut client, server) = pair();
    assert_reported(&server, Ready::WRITABLE);
    client.write_all(b"x").unwrap();
    assert_reported(&server, Ready::READABLE | Ready::WRITABLE);
    socket2::SockRef::from(&client).send_out_of_band(b"!").unwrap();
    assert_reported(&server, Ready::READABLE | Ready::PRIORITY_BIT);
    client.shutdown(Shutdown::Write).unwrap();
    assert_reported(&server, Ready::READABLE | Ready::READ_CLOSED);
    server.shutdown(Shutdown::Write).unwrap();
    assert_reported(&server, Ready::READ_CLOSED | Ready::WRITE_CLOSED);

    // Refused: an error by itself and with everything else.
    let (client, server) = pair();
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    assert_reported(&server, Ready::ERROR | Ready::READ_CLOSED | Ready::WRITE_CLOSED);

    // The writing end of a pipe that nobody reads reports nothing but an error.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_reported(&writer, Ready::ERROR | Ready::WRITE_CLOSED);
    let (mut reader, writer) = std::io::pipe().unwrap();
    drop(writer);
    assert_reported(&reader, Ready::READ_CLOSED);
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_wait_is_over_when_its_time_is_and_not_before() {
    let mut poll = mio::Poll::new().unwrap();
    let mut events = Events::with_capacity(8);
    for micros in [0, 1, 300, 1_700, 12_300] {
        let timeout = Duration::from_micros(micros);
        let start = std::time::Instant::now();
        // A kernel that counts in milliseconds is asked again for the rest.
        while let Some(rest) = timeout.checked_sub(start.elapsed()) {
            events.wait(&mut poll, Some(rest)).unwrap();
            assert!(events.is_empty());
        }
        events.wait(&mut poll, Some(Duration::ZERO)).unwrap();
        assert!(start.elapsed() >= timeout);
    }
}
