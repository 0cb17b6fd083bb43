//! The floor of echo: threads that make nothing but the system calls, each with an edge-triggered epoll of its own and
//! both ends of an equal share of the connections. No runtime can have fewer: nobody wakes anybody.
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::Shape;
use crate::latencies::Latencies;
use crate::stopwatch::{Sample, Stopwatch};
use crate::workload::descriptors;

/// As many events as the runtimes take at once.
const EVENTS: usize = 1024;

/// Runs it on so many threads.
pub(in crate::workload) fn echo(threads: usize, shape: Shape) -> Sample {
    descriptors::raise_limit();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut shares: Vec<_> = (0..threads).map(|_| Share::new(shape)).collect();
    for number in 0..shape.connections {
        let client = TcpStream::connect(address).expect("the backlog takes it");
        let (server, _) = listener.accept().expect("it has connected");
        let share = &mut shares[number as usize % threads];
        share.add(client, Some(Client::new(shape, number)));
        share.add(server, None);
    }
    let gate = Arc::new(Barrier::new(threads + 1));
    let threads = shares.into_iter().map(|mut share| {
        let gate = gate.clone();
        thread::spawn(move || {
            gate.wait();
            share.run();
            gate.wait();
            share
        })
    });
    let threads: Vec<_> = threads.collect();
    let watch = Stopwatch::start();
    gate.wait();
    gate.wait();
    let sample = watch.stop();
    let shares = threads.into_iter().map(|thread| thread.join().expect("what is sent comes back"));
    sample.with(Latencies::of(shares.flat_map(Share::into_times).collect()))
}

/// The connections of one thread.
struct Share {
    epoll: OwnedFd,
    ends: Vec<End>,
    /// Clients that still wait for an answer.
    waiting: u32,
    buffer: Vec<u8>,
}

/// One end of a connection.
struct End {
    stream: TcpStream,
    /// What the socket's buffer had no room for.
    unsent: Vec<u8>,
    client: Option<Client>,
}

/// What the asking end knows besides.
struct Client {
    message: Vec<u8>,
    answered: usize,
    left: u32,
    begun: Instant,
    times: Vec<Duration>,
}

/// What has come so far.
enum Answer {
    Part,
    Whole,
    Last,
}

impl Share {
    fn new(shape: Shape) -> Share {
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll");
        Share { epoll, ends: Vec::new(), waiting: 0, buffer: shape.buffer() }
    }

    fn add(&mut self, stream: TcpStream, client: Option<Client>) {
        stream.set_nonblocking(true).expect("a socket can be");
        let data = EventData::new_u64(self.ends.len() as u64);
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(&self.epoll, &stream, data, flags).expect("it is a socket");
        self.waiting += u32::from(client.is_some());
        self.ends.push(End { stream, unsent: Vec::new(), client });
    }

    /// Until all clients have all answers.
    fn run(&mut self) {
        self.ends.iter_mut().for_each(End::begin);
        let mut events = Vec::with_capacity(EVENTS);
        while self.waiting > 0 {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => panic!("{error}"),
            }
            for event in &events {
                let (data, flags) = (event.data, event.flags);
                let end = &mut self.ends[data.u64() as usize];
                if flags.contains(EventFlags::OUT) {
                    end.flush();
                }
                if flags.contains(EventFlags::IN) && end.read(&mut self.buffer) {
                    self.waiting -= 1;
                }
            }
        }
    }

    fn into_times(self) -> Vec<Duration> {
        self.ends.into_iter().filter_map(|end| end.client).flat_map(|client| client.times).collect()
    }
}

impl End {
    fn begin(&mut self) {
        if let Some(client) = &mut self.client {
            client.begun = Instant::now();
            let message = std::mem::take(&mut client.message);
            send(&mut self.stream, &mut self.unsent, &message);
            client.message = message;
        }
    }

    fn flush(&mut self) {
        if !self.unsent.is_empty() {
            let bytes = std::mem::take(&mut self.unsent);
            send(&mut self.stream, &mut self.unsent, &bytes);
        }
    }

    /// Takes in what has come, and answers or asks again. True when it was the client's last answer.
    fn read(&mut self, buffer: &mut [u8]) -> bool {
        loop {
            let length = match self.stream.read(buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("{error}"),
            };
            assert!(length > 0, "nobody closes before the end");
            let bytes = &buffer[..length];
            match &mut self.client {
                None => send(&mut self.stream, &mut self.unsent, bytes),
                Some(client) => match client.take(bytes) {
                    Answer::Part => {}
                    Answer::Last => return true,
                    Answer::Whole => send(&mut self.stream, &mut self.unsent, &client.message),
                },
            }
            if length < buffer.len() {
                return false;
            }
        }
    }
}

/// Sends as much as the socket takes, and leaves the rest, behind what waits already.
fn send(stream: &mut TcpStream, unsent: &mut Vec<u8>, mut bytes: &[u8]) {
    while !bytes.is_empty() && unsent.is_empty() {
        match stream.write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    unsent.extend_from_slice(bytes);
}

impl Client {
    fn new(shape: Shape, number: u32) -> Client {
        let left = shape.round_trips_each();
        let times = Vec::with_capacity(left as usize);
        Client { message: shape.message(number), answered: 0, left, begun: Instant::now(), times }
    }

    fn take(&mut self, bytes: &[u8]) -> Answer {
        let end = self.answered + bytes.len();
        assert!(bytes == &self.message[self.answered..end], "the bytes that were sent come back");
        if end < self.message.len() {
            self.answered = end;
            return Answer::Part;
        }
        let now = Instant::now();
        self.times.push(now - self.begun);
        (self.answered, self.begun, self.left) = (0, now, self.left - 1);
        if self.left == 0 { Answer::Last } else { Answer::Whole }
    }
}
