//! Files beside std and tokio, and a ticker beside FIFOs that nobody writes to: `cargo run --release -p benches --bin fs`
//!
//! Each round has each contender in turn do the same thing some hundred times; printed are the medians over the rounds
//! and of the ratios within a round. The file is in the directory for temporary files: on tmpfs, which cannot promise not
//! to wait, the pool does all.
#![forbid(unsafe_code)]

use std::future::Future;
use std::io::SeekFrom;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use benches::WORKERS;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

const ROUNDS: usize = 101;
const OPERATIONS: u32 = 500;
const SIZE: usize = 4096;

/// Tasks that open and read a FIFO, and for how long the ticker is watched meanwhile.
const OPENS: usize = 64;
const TICKS: usize = 2000;

struct Contenders {
    ours: runtime::Runtime,
    tokio: tokio::runtime::Runtime,
}

fn main() {
    let ours = runtime::Runtime::builder().worker_threads(WORKERS).build().expect("the runtime starts");
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let contenders = Contenders { ours, tokio: tokio.expect("tokio starts") };
    let scratch = std::env::temp_dir().join(format!("runtime-bench-fs-{}", std::process::id()));
    std::fs::create_dir(&scratch).expect("a directory of our own");
    let file = scratch.join("file");
    std::fs::write(&file, vec![1; SIZE]).expect("a file");

    println!("{WORKERS} workers each; nanoseconds an operation, medians of {ROUNDS} rounds.\n");
    println!("| {SIZE} cached bytes | std | runtime | tokio | runtime / std | tokio / runtime |");
    println!("|---|---:|---:|---:|---:|---:|");
    let open = || std::fs::File::open(&file).expect("the file is there");
    contenders.measure(
        "fs::read",
        || drop(std::fs::read(&file).expect("std reads")),
        || ours_read(file.clone()),
        || tokio_read(file.clone()),
    );
    let std = open();
    let mut buffer = [0; SIZE];
    contenders.measure(
        "positioned read",
        || assert_eq!(std.read_at(&mut buffer, 0).expect("std reads"), SIZE),
        || ours_read_at(file.clone()),
        || tokio_read_at(file.clone()),
    );
    println!();

    fifos(&scratch);
    std::fs::remove_dir_all(&scratch).expect("the directory goes");
}

impl Contenders {
    /// One row: a call of `std` is one operation, a future of the others `OPERATIONS`, with its own time.
    fn measure<F, G>(&self, name: &str, mut std: impl FnMut(), ours: impl Fn() -> F, tokio: impl Fn() -> G)
    where
        F: Future<Output = Duration> + Send + 'static,
        G: Future<Output = Duration> + Send + 'static,
    {
        let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
        // The first round warms up, and has our runtime learn of the mount.
        for round in 0..=ROUNDS {
            let begun = Instant::now();
            (0..OPERATIONS).for_each(|_| std());
            let std = begun.elapsed();
            let ours = self.ours.block_on(self.ours.spawn(ours())).expect("no panic");
            let tokio = self.tokio.block_on(self.tokio.spawn(tokio())).expect("no panic");
            if round > 0 {
                for (times, time) in rounds.iter_mut().zip([std, ours, tokio]) {
                    times.push(time.as_secs_f64() * 1e9 / f64::from(OPERATIONS));
                }
            }
        }
        let [std, ours, tokio] = &rounds;
        let ratio =
            |of: &[f64], to: &[f64]| median(of.iter().zip(to).map(|(of, to)| of / to).collect::<Vec<_>>());
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} | {:.2} | {:.1} |",
            median(std.clone()),
            median(ours.clone()),
            median(tokio.clone()),
            ratio(ours, std),
            ratio(tokio, ours),
        );
    }
}

async fn ours_read(path: PathBuf) -> Duration {
    let begun = Instant::now();
    for _ in 0..OPERATIONS {
        drop(runtime::fs::read(&path).await.expect("it reads"));
    }
    begun.elapsed()
}

async fn tokio_read(path: PathBuf) -> Duration {
    let begun = Instant::now();
    for _ in 0..OPERATIONS {
        drop(tokio::fs::read(&path).await.expect("tokio reads"));
    }
    begun.elapsed()
}

async fn ours_read_at(path: PathBuf) -> Duration {
    let file = runtime::fs::File::open(&path).await.expect("it opens");
    let mut buffer = [0; SIZE];
    let begun = Instant::now();
    for _ in 0..OPERATIONS {
        assert_eq!(file.read_at(&mut buffer, 0).await.expect("it reads"), SIZE);
    }
    begun.elapsed()
}

/// Tokio's way to read at a place.
async fn tokio_read_at(path: PathBuf) -> Duration {
    let mut file = tokio::fs::File::open(&path).await.expect("tokio opens");
    let mut buffer = [0; SIZE];
    let begun = Instant::now();
    for _ in 0..OPERATIONS {
        file.seek(SeekFrom::Start(0)).await.expect("tokio seeks");
        file.read_exact(&mut buffer).await.expect("tokio reads");
    }
    begun.elapsed()
}

/// How late a ticker of a millisecond is while tasks wait for FIFOs, how late a timeout, and how long the shutdown takes.
fn fifos(scratch: &Path) {
    let path = scratch.join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).expect("a FIFO");
    let bound = Duration::from_millis(500);
    let runtime = runtime::Runtime::builder().worker_threads(WORKERS).shutdown_timeout(bound).build();
    let runtime = runtime.expect("the runtime starts");
    for _ in 0..OPENS {
        let path = path.clone();
        drop(runtime.spawn(async move { runtime::fs::read(path).await }));
    }
    let ticker = runtime.spawn(async {
        let mut late = Vec::with_capacity(TICKS);
        for _ in 0..TICKS {
            let begun = Instant::now();
            runtime::time::sleep(Duration::from_millis(1)).await;
            late.push((begun.elapsed().as_secs_f64() - 1e-3) * 1e3);
        }
        late
    });
    let limit = Duration::from_millis(100);
    let (late, timeout) = runtime.block_on(async {
        let begun = Instant::now();
        let opened = runtime::time::timeout(limit, runtime::fs::File::open(&path)).await;
        assert!(opened.is_err(), "nobody writes to the FIFO");
        let timeout = begun.elapsed();
        (ticker.await.expect("no panic"), timeout)
    });
    let threads = runtime.metrics().blocking_threads;
    let begun = Instant::now();
    drop(runtime);
    let shutdown = begun.elapsed();
    let mut late = late;
    late.sort_by(f64::total_cmp);
    let of = |share: f64| late[(late.len() as f64 * share) as usize];
    println!("{OPENS} tasks open and read a FIFO without a writer ({threads} threads of the pool):");
    println!(
        "- a ticker of 1 ms is late by {:.2} ms (p50), {:.2} ms (p99), {:.2} ms (max)",
        of(0.5),
        of(0.99),
        late[late.len() - 1]
    );
    println!("- a timeout of {limit:?} around such an open fires after {timeout:.1?}");
    println!("- with `shutdown_timeout({bound:?})` the runtime is gone after {shutdown:.1?}");
    // Has the threads return.
    drop(std::fs::File::options().read(true).write(true).open(&path));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
