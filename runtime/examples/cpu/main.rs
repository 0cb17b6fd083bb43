//! The ways to treat work that computes, side by side: how long a lot of it takes, and how late a ticker and an echo
//! are meanwhile.
//!
//! ```sh
//! cargo run --release -p runtime --example cpu
//! ```
mod cruncher;
mod ways;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use comfy_table::{Table, presets};
use runtime::Runtime;

/// Jobs, and how long each computes.
const JOBS: usize = 200;
const JOB: Duration = Duration::from_millis(5);

const ROUNDS: usize = 3;

fn main() {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["way", "all jobs, ms", "ticker p50, ms", "p99", "echo p50, ms", "p99", "more threads"]);
    let mut seen: Vec<Vec<Round>> = ways::ALL.iter().map(|_| Vec::new()).collect();
    for round in 0..ROUNDS {
        for (way, rounds) in ways::ALL.iter().zip(&mut seen) {
            eprintln!("round {}: {}", round + 1, way.name);
            rounds.push(run(way));
        }
    }
    for (way, rounds) in ways::ALL.iter().zip(&seen) {
        let median = |figure: fn(&Round) -> f64| {
            let mut figures: Vec<_> = rounds.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            format!("{:.1}", figures[figures.len() / 2])
        };
        let threads = rounds.iter().map(|round| round.threads).max().unwrap_or_default();
        table.add_row([
            way.name.to_owned(),
            median(|round| round.all),
            median(|round| round.ticker.0),
            median(|round| round.ticker.1),
            median(|round| round.echo.0),
            median(|round| round.echo.1),
            threads.to_string(),
        ]);
    }
    println!("{table}");
    println!(
        "{JOBS} jobs of {} ms each, two workers; medians of {ROUNDS} interleaved rounds.",
        JOB.as_millis()
    );
}

/// What one round showed, in milliseconds; of latencies the median and the 99th percentile.
struct Round {
    all: f64,
    ticker: (f64, f64),
    echo: (f64, f64),
    threads: usize,
}

fn run(way: &ways::Way) -> Round {
    let runtime = Runtime::builder().worker_threads(2).build().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let ticker = {
        let stop = Arc::clone(&stop);
        runtime.spawn(async move {
            let mut late = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let due = Instant::now() + Duration::from_millis(1);
                runtime::time::sleep_until(due.into()).await;
                late.push(due.elapsed());
            }
            late
        })
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    server.set_nonblocking(true).unwrap();
    stream.set_nodelay(true).unwrap();
    drop(runtime.spawn(async move {
        let mut server = runtime::net::TcpStream::from_std(server).unwrap();
        let mut byte = [0];
        while matches!(server.read(&mut byte).await, Ok(1)) && server.write_all(&byte).await.is_ok() {}
    }));
    let echo = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            let mut late = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let asked = Instant::now();
                stream.write_all(&[1]).unwrap();
                stream.read_exact(&mut [0]).unwrap();
                late.push(asked.elapsed());
                std::thread::sleep(Duration::from_millis(1));
            }
            late
        })
    };
    let count_threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let without = count_threads();
    let began = Instant::now();
    let jobs: Vec<_> = (0..JOBS).map(|_| (way.start)(&runtime)).collect();
    let mut threads = count_threads();
    for job in jobs {
        runtime.block_on(job);
        threads = threads.max(count_threads());
    }
    let all = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    let ticker = summary(runtime.block_on(ticker).unwrap());
    let echo = summary(echo.join().unwrap());
    Round { all: millis(all), ticker, echo, threads: threads - without }
}

fn summary(mut latencies: Vec<Duration>) -> (f64, f64) {
    latencies.sort_unstable();
    let at = |share: f64| millis(latencies[((latencies.len() - 1) as f64 * share) as usize]);
    (at(0.5), at(0.99))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// What a job does: as much as takes this long on an idle core. Every way does the same work.
fn compute() -> u64 {
    let rounds = *CALIBRATED;
    (0..rounds)
        .fold(1, |state: u64, n| std::hint::black_box(state.wrapping_mul(6_364_136_223_846_793_005) ^ n))
}

static CALIBRATED: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| {
    let mut rounds = 10_000;
    loop {
        let began = Instant::now();
        let state = (0..rounds)
            .fold(1, |state: u64, n| std::hint::black_box(state.wrapping_mul(6_364_136_223_846_793_005) ^ n));
        std::hint::black_box(state);
        let took = began.elapsed();
        if took >= JOB {
            break rounds * u64::try_from(JOB.as_nanos()).unwrap() / u64::try_from(took.as_nanos()).unwrap();
        }
        rounds *= 2;
    }
});
