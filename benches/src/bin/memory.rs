//! Counts the heap bytes of what waits, and what a burst leaves: `cargo run --release -p benches --bin memory`
//!
//! Each figure is what the process then holds more than before, divided by how many there are: queues, half-filled pages
//! and bookkeeping included. Bytes are those that were asked for; what is resident is the kernel's word, and includes what the
//! system's allocator keeps for later.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use benches::{Host, Ours, Smol, Tokio, WORKERS};
use comfy_table::{CellAlignment, Table, presets};

const TASKS: u32 = 1_000_000;
const TIMERS: u32 = 100_000;
/// With both ends of each open, under the usual limit of 1024 descriptors.
const CONNECTIONS: u32 = 400;

struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is passed on to `System`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static POLLED: AtomicU32 = AtomicU32::new(0);

/// Pending for ever; no bytes.
struct Parked;

impl Future for Parked {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        POLLED.fetch_add(1, Ordering::Relaxed);
        Poll::Pending
    }
}

const HOSTS: [&str; 3] = ["runtime", "tokio", "smol"];

/// What a process tells of its host, in this order.
const EACH: [&str; 4] = [
    "a parked empty task",
    "a timer, in a box",
    "an idle connection: both ends, and a task that reads from one",
    "a worker, without its stack",
];
const BURST_MB: [&str; 3] = ["while they wait", "when they have ended", "a minute later"];

/// Each host has a process of its own, so that what one leaves behind is not counted with another; all at once, because most
/// of the time is the minute.
fn main() {
    let wait = Duration::from_secs(60);
    match std::env::args().nth(1).as_deref() {
        Some("runtime") => report::<Ours>(wait),
        Some("tokio") => report::<Tokio>(wait),
        Some("smol") => report::<Smol>(wait),
        Some(other) => panic!("no such host: {other}"),
        None => println!("{}", tables(&HOSTS.map(start).map(figures))),
    }
}

fn start(host: &str) -> Child {
    let this = std::env::current_exe().expect("this program has a path");
    Command::new(this).arg(host).stdout(Stdio::piped()).spawn().expect("this program runs")
}

fn figures(child: Child) -> Vec<f64> {
    let output = child.wait_with_output().expect("it is ours");
    assert!(output.status.success(), "{}", output.status);
    let told = String::from_utf8(output.stdout).expect("it is text");
    told.split_ascii_whitespace().map(|figure| figure.parse().expect("a figure")).collect()
}

/// Bytes of one of each, and MB of a burst of tasks: asked of the allocator, and resident.
fn tables(figures: &[Vec<f64>; 3]) -> String {
    let empty = |name: String| {
        let mut table = Table::new();
        let header = [name.as_str(), "ours", "tokio", "smol"];
        table.load_preset(presets::ASCII_MARKDOWN).set_header(header);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    };
    let row = |name: &str, of: &dyn Fn(&[f64]) -> String| {
        let figures = figures.iter().map(|figures| of(figures));
        [name.to_owned()].into_iter().chain(figures).collect::<Vec<_>>()
    };
    let mut each = empty("heap bytes".into());
    for (at, name) in EACH.into_iter().enumerate() {
        each.add_row(row(name, &|figures| format!("{:.1}", figures[at])));
    }
    let mut burst = empty(format!("{TASKS} tasks, MB: held / resident"));
    for (at, name) in BURST_MB.into_iter().enumerate() {
        let at = EACH.len() + 2 * at;
        burst.add_row(row(name, &|figures| format!("{:.1} / {:.1}", figures[at], figures[at + 1])));
    }
    format!("{each}\n\n{burst}")
}

fn live() -> isize {
    LIVE.load(Ordering::Relaxed)
}

/// Bytes of this process that are in memory.
fn resident() -> isize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<isize>().ok());
    // What the kernel does not tell counts as nothing. Its pages are of 4 KiB here.
    pages.unwrap_or(0) * 4096
}

#[allow(clippy::cast_precision_loss)]
fn each(bytes: isize, count: u32) -> f64 {
    bytes as f64 / f64::from(count)
}

fn report<H: Host>(wait: Duration) {
    let host: &'static H = Box::leak(Box::new(H::start(WORKERS)));
    let task = host.block_on(host.spawn_outside(parked_task(host)));
    let timer = host.block_on(host.spawn_outside(timer::<H>()));
    let connection = host.block_on(host.spawn_outside(connection(host)));
    let worker = worker::<H>();
    println!("{task} {timer} {connection} {worker}");
    // The tasks above wait for ever: no page of theirs is given back.
    let before = (live(), resident());
    let tell = || {
        println!("{} {}", each(live() - before.0, 1_000_000), each(resident() - before.1, 1_000_000));
    };
    host.block_on(host.spawn_outside(begin_burst(host)));
    tell();
    host.block_on(host.spawn_outside(end_burst::<H>()));
    tell();
    std::thread::sleep(wait);
    tell();
}

async fn parked_task<H: Host>(host: &'static H) -> f64 {
    let before = live();
    POLLED.store(0, Ordering::Relaxed);
    for _ in 0..TASKS {
        H::detach(host.spawn(Parked));
    }
    while POLLED.load(Ordering::Relaxed) < TASKS {
        H::yield_now().await;
    }
    each(live() - before, TASKS)
}

async fn timer<H: Host>() -> f64 {
    let mut timers = Vec::with_capacity(TIMERS as usize);
    let before = live();
    timers.extend((0..TIMERS).map(|_| Box::pin(H::sleep(Duration::from_secs(3600)))));
    std::future::poll_fn(|cx| {
        assert!(timers.iter_mut().all(|timer| timer.as_mut().poll(cx).is_pending()));
        Poll::Ready(())
    })
    .await;
    each(live() - before, TIMERS)
}

async fn connection<H: Host>(host: &'static H) -> f64 {
    let (listener, address) = H::listen().await.expect("a listener");
    let mut far = Vec::with_capacity(CONNECTIONS as usize);
    let before = live();
    for _ in 0..CONNECTIONS {
        far.push(H::connect(address).await.expect("a connection"));
        let mut near = H::accept(&listener).await.expect("a connection");
        H::detach(host.spawn(async move {
            POLLED.fetch_add(1, Ordering::Relaxed);
            drop(H::read(&mut near, &mut [0; 1]).await);
        }));
    }
    while POLLED.load(Ordering::Relaxed) < TASKS + CONNECTIONS {
        H::yield_now().await;
    }
    let bytes = live() - before;
    // They wait on: the far ends stay open.
    std::mem::forget(far);
    each(bytes, CONNECTIONS)
}

/// Of a runtime that has run one task.
fn worker<H: Host>() -> f64 {
    const MORE: usize = 16;
    let bytes = |workers| {
        let before = live();
        let host: &'static H = Box::leak(Box::new(H::start(workers)));
        host.block_on(host.spawn_outside(async {}));
        // The last of its threads has started by then.
        std::thread::sleep(Duration::from_millis(200));
        live() - before
    };
    let few = bytes(1);
    each(bytes(1 + MORE) - few, MORE as u32)
}

/// Wakers of those who wait in the burst; `None` when they are to end.
static BURST: Mutex<Option<Vec<Waker>>> = Mutex::new(None);
static ENDED: AtomicU32 = AtomicU32::new(0);

fn wait_in_burst(cx: &mut Context<'_>) -> Poll<()> {
    match &mut *BURST.lock().expect("nobody panics") {
        Some(waiting) => {
            waiting.push(cx.waker().clone());
            Poll::Pending
        }
        None => Poll::Ready(()),
    }
}

async fn begin_burst<H: Host>(host: &'static H) {
    *BURST.lock().expect("nobody panics") = Some(Vec::with_capacity(TASKS as usize));
    for _ in 0..TASKS {
        H::detach(host.spawn(async {
            std::future::poll_fn(wait_in_burst).await;
            ENDED.fetch_add(1, Ordering::Relaxed);
        }));
    }
    let waiting = || BURST.lock().expect("nobody panics").as_ref().map_or(0, Vec::len);
    while waiting() < TASKS as usize {
        H::yield_now().await;
    }
}

async fn end_burst<H: Host>() {
    let waiting = BURST.lock().expect("nobody panics").take();
    waiting.into_iter().flatten().for_each(Waker::wake);
    while ENDED.load(Ordering::Relaxed) < TASKS {
        H::yield_now().await;
    }
}
