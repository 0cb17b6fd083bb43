//! The floors of echo: threads that make nothing but the system calls, with edge-triggered epolls. Where each has one of its own
//! with both ends of an equal share of the connections, no runtime can have fewer: nobody wakes anybody. The others say what
//! it costs to wait otherwise.
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use super::Shape;
use crate::latencies::Latencies;
use crate::stopwatch::{Sample, Stopwatch};
use crate::workload::descriptors;

/// As many events as the runtimes take at once.
const EVENTS: usize = 1024;

/// The token of what says that all is over: no end has this number.
const OVER: u64 = u64::MAX;

/// Who waits for which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// Each thread has an epoll of its own, with both ends of its connections.
    Own,
    /// All threads wait in one.
    Shared,
    /// Each has its own, and the two ends of a connection are different threads'.
    Crossed,
}

impl Floor {
    /// All of them, the lowest first.
    pub const ALL: [Floor; 3] = [Floor::Own, Floor::Shared, Floor::Crossed];

    /// As the tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Floor::Own => "raw epoll",
            Floor::Shared => "one raw epoll for all",
            Floor::Crossed => "raw epolls, ends crossed",
        }
    }
}

/// Runs it on so many threads.
pub(in crate::workload) fn echo(threads: usize, shape: Shape, floor: Floor) -> Sample {
    descriptors::raise_limit();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let epolls = if floor == Floor::Shared { 1 } else { threads };
    let mut selectors: Vec<_> = (0..epolls).map(|_| Selector::new()).collect();
    for number in 0..shape.connections {
        let client = TcpStream::connect(address).expect("the backlog takes it");
        let (server, _) = listener.accept().expect("it has connected");
        let at = number as usize % epolls;
        selectors[at].add(client, Some(Client::new(shape, number)));
        let at = if floor == Floor::Crossed { (at + 1) % epolls } else { at };
        selectors[at].add(server, None);
    }
    let waiting = Arc::new(Waiting::new(shape.connections, &selectors));
    let sharers = threads / epolls;
    let shares: Vec<_> =
        selectors.into_iter().flat_map(|selector| selector.into_shares(sharers, &waiting, shape)).collect();
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

/// Clients that still wait for an answer, of all threads, and what wakes these when there are none.
struct Waiting {
    clients: AtomicU32,
    over: OwnedFd,
}

impl Waiting {
    fn new(clients: u32, selectors: &[Selector]) -> Waiting {
        let over = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("an eventfd");
        for selector in selectors {
            // Nobody reads it: it stays, for all who wait there.
            epoll::add(&selector.epoll, &over, EventData::new_u64(OVER), EventFlags::IN)
                .expect("it can be waited for");
        }
        Waiting { clients: AtomicU32::new(clients), over }
    }

    fn is_over(&self) -> bool {
        // Relaxed: who sees it late is woken.
        self.clients.load(Ordering::Relaxed) == 0
    }

    fn one_less(&self) {
        // Relaxed: what the clients know goes on with their threads' ends.
        if self.clients.fetch_sub(1, Ordering::Relaxed) == 1 {
            rustix::io::write(&self.over, &1u64.to_ne_bytes()).expect("it has room");
        }
    }
}

/// An epoll, with what is waited for there.
struct Selector {
    epoll: OwnedFd,
    ends: Vec<End>,
}

/// What an event is about, by its token.
enum Ends {
    Own(Vec<End>),
    /// A second event of an end may come to another thread while the first is looked after.
    Common(Arc<Vec<Mutex<End>>>),
}

/// What one thread does.
struct Share {
    epoll: Arc<OwnedFd>,
    ends: Ends,
    /// The ends that it begins with.
    begins: Range<usize>,
    waiting: Arc<Waiting>,
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

impl Ends {
    fn with<R>(&mut self, index: usize, act: impl FnOnce(&mut End) -> R) -> R {
        match self {
            Ends::Own(ends) => act(&mut ends[index]),
            Ends::Common(ends) => act(&mut ends[index].lock()),
        }
    }

    /// What is in common comes with the last who has it.
    fn into_all(self) -> Vec<End> {
        match self {
            Ends::Own(ends) => ends,
            Ends::Common(ends) => {
                Arc::into_inner(ends).into_iter().flatten().map(Mutex::into_inner).collect()
            }
        }
    }
}

impl Selector {
    fn new() -> Selector {
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll");
        Selector { epoll, ends: Vec::new() }
    }

    fn add(&mut self, stream: TcpStream, client: Option<Client>) {
        stream.set_nonblocking(true).expect("a socket can be");
        let data = EventData::new_u64(self.ends.len() as u64);
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(&self.epoll, &stream, data, flags).expect("it is a socket");
        self.ends.push(End { stream, unsent: Vec::new(), client });
    }

    /// For one thread, or for all of these.
    fn into_shares(self, threads: usize, waiting: &Arc<Waiting>, shape: Shape) -> Vec<Share> {
        let (epoll, count) = (Arc::new(self.epoll), self.ends.len());
        let ends = match threads {
            1 => vec![Ends::Own(self.ends)],
            _ => {
                let common = Arc::new(self.ends.into_iter().map(Mutex::new).collect::<Vec<_>>());
                (0..threads).map(|_| Ends::Common(common.clone())).collect()
            }
        };
        let share = |(at, ends)| Share {
            epoll: epoll.clone(),
            ends,
            begins: at * count / threads..(at + 1) * count / threads,
            waiting: waiting.clone(),
            buffer: shape.buffer(),
        };
        ends.into_iter().enumerate().map(share).collect()
    }
}

impl Share {
    /// Until all clients have all answers.
    fn run(&mut self) {
        let Share { epoll, ends, begins, waiting, buffer } = self;
        for index in begins.clone() {
            ends.with(index, End::begin);
        }
        let mut events = Vec::with_capacity(EVENTS);
        while !waiting.is_over() {
            events.clear();
            match epoll::wait(&**epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => panic!("{error}"),
            }
            for event in &events {
                let (data, flags) = (event.data, event.flags);
                if data.u64() == OVER {
                    continue;
                }
                let was_last = ends.with(data.u64() as usize, |end| {
                    if flags.contains(EventFlags::OUT) {
                        end.flush();
                    }
                    flags.contains(EventFlags::IN) && end.read(buffer)
                });
                if was_last {
                    waiting.one_less();
                }
            }
        }
    }

    fn into_times(self) -> Vec<Duration> {
        let ends = self.ends.into_all();
        ends.into_iter().filter_map(|end| end.client).flat_map(|client| client.times).collect()
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
