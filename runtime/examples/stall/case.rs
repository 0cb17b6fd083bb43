//! One case: a ticker, an echo server and a plain thread that ticks; then the blockers.
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::hosts::Host;
use crate::latency::{Schedule, Summary, TICK};

/// How long a blocker blocks.
const BLOCK: Duration = Duration::from_secs(2);

/// The time before the blockers come.
const QUIET: Duration = Duration::from_secs(1);

/// How a task blocks its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In `std::thread::sleep`.
    Sleep,
    /// In a loop.
    Spin,
    /// In a blocking `read`.
    Read,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Sleep => "sleep",
            Kind::Spin => "spin",
            Kind::Read => "read",
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        [Kind::Sleep, Kind::Spin, Kind::Read]
            .into_iter()
            .find(|kind| kind.to_string() == text)
            .ok_or_else(|| format!("no such kind: {text}"))
    }
}

impl Kind {
    fn block(self) {
        match self {
            Kind::Sleep => thread::sleep(BLOCK),
            Kind::Spin => {
                let end = Instant::now() + BLOCK;
                while Instant::now() < end {
                    std::hint::spin_loop();
                }
            }
            Kind::Read => {
                let (mut reader, writer) = UnixStream::pair().unwrap();
                // Nobody writes: the read ends by its timeout.
                reader.set_read_timeout(Some(BLOCK)).unwrap();
                reader.read(&mut [0]).unwrap_err();
                drop(writer);
            }
        }
    }
}

/// So many tasks that block, one so long after the other.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) blockers: usize,
    pub(crate) apart: Duration,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.blockers, self.kind)?;
        if !self.apart.is_zero() {
            write!(f, ", each {} ms", self.apart.as_millis())?;
        }
        Ok(())
    }
}

impl Case {
    pub(crate) fn all() -> Vec<Case> {
        let mut cases = Vec::new();
        for kind in [Kind::Sleep, Kind::Spin, Kind::Read] {
            for blockers in [1, 2, 8] {
                cases.push(Case { kind, blockers, apart: Duration::ZERO });
            }
            // Each comes when the one before has long been replaced.
            cases.push(Case { kind, blockers: 8, apart: Duration::from_millis(100) });
        }
        cases
    }

    /// Runs it in this process, which does nothing else.
    pub(crate) fn run<H: Host>(&self, host: H) -> Outcome {
        let stop = Arc::new(AtomicBool::new(false));
        let ticker = Arc::new(Mutex::new(Schedule::new()));
        host.spawn({
            let (stop, ticker) = (Arc::clone(&stop), Arc::clone(&ticker));
            async move {
                while !stop.load(Ordering::Relaxed) {
                    let due = ticker.lock().unwrap().due();
                    H::sleep_until(due).await;
                    ticker.lock().unwrap().came();
                }
            }
        });
        let address = host.echo();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        // What the runtime has by itself; from here on two threads more are ours, besides this one.
        let threads_before = threads() - 1;
        let echo = thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                tick(&stop, || {
                    stream.write_all(&[1]).unwrap();
                    stream.read_exact(&mut [0]).unwrap();
                })
            }
        });
        let plain = thread::spawn({
            let stop = Arc::clone(&stop);
            move || tick(&stop, || ())
        });

        let begin = Instant::now();
        thread::sleep(QUIET);
        let blocked = Instant::now();
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..self.blockers {
            let (kind, done) = (self.kind, Arc::clone(&done));
            host.spawn(async move {
                kind.block();
                done.fetch_add(1, Ordering::Relaxed);
            });
            thread::sleep(self.apart);
        }
        let now = || threads() - 3;
        let mut threads_most = now();
        while done.load(Ordering::Relaxed) < self.blockers {
            thread::sleep(Duration::from_millis(5));
            threads_most = threads_most.max(now());
        }
        let returned = Instant::now();
        let mut back_after = None;
        while back_after.is_none() && returned.elapsed() < Duration::from_secs(3) {
            thread::sleep(Duration::from_millis(5));
            if now() <= threads_before {
                back_after = Some(returned.elapsed());
            }
        }
        // Whatever was due before the blockers returned has come.
        while !ticker.lock().unwrap().is_past(returned) {
            thread::sleep(TICK);
        }
        stop.store(true, Ordering::Relaxed);
        let (echo, plain) = (echo.join().unwrap(), plain.join().unwrap());
        let ticker = ticker.lock().unwrap();
        let summary = |schedule: &Schedule| {
            let usual = Summary::of(schedule.between(begin, blocked));
            Summary::of(schedule.between(blocked, returned)).above(usual.p50)
        };
        Outcome {
            ticker: summary(&ticker),
            echo: summary(&echo),
            plain: summary(&plain),
            threads_before,
            threads_most,
            back_after,
        }
    }
}

/// A plain thread that does something each millisecond.
fn tick(stop: &AtomicBool, mut each: impl FnMut()) -> Schedule {
    let mut schedule = Schedule::new();
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(schedule.due().saturating_duration_since(Instant::now()));
        each();
        schedule.came();
    }
    schedule
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ticker: Summary,
    pub(crate) echo: Summary,
    pub(crate) plain: Summary,
    pub(crate) threads_before: usize,
    pub(crate) threads_most: usize,
    /// From the return of the last blocker until the threads were as many as before.
    pub(crate) back_after: Option<Duration>,
}

impl Outcome {
    /// For the process that collects them: a line of numbers.
    pub(crate) fn to_line(&self) -> String {
        let summaries = [self.ticker, self.echo, self.plain];
        let micros = summaries.iter().flat_map(|summary| [summary.p50, summary.p99, summary.max]);
        let micros = micros.map(|duration| duration.as_micros());
        let back = self.back_after.map_or(u128::MAX, |back| back.as_micros());
        let counts = [self.threads_before as u128, self.threads_most as u128, back];
        micros.chain(counts).map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn from_line(line: &str) -> Outcome {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u128>().unwrap());
        let mut next = || numbers.next().unwrap();
        let micros = |number: u128| Duration::from_micros(number as u64);
        let mut summary = || Summary { p50: micros(next()), p99: micros(next()), max: micros(next()) };
        let (ticker, echo, plain) = (summary(), summary(), summary());
        let (threads_before, threads_most) = (next() as usize, next() as usize);
        let back = next();
        let back_after = (back != u128::MAX).then(|| micros(back));
        Outcome { ticker, echo, plain, threads_before, threads_most, back_after }
    }
}
