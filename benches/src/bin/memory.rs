//! Counts the heap bytes of a parked empty task: `cargo run --release -p benches --bin memory`
//!
//! A million detached tasks, each polled once and pending for ever. What the process then holds more than before,
//! divided by a million: queues, half-filled pages and bookkeeping included. Bytes are those that were asked for.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering};
use std::task::{Context, Poll};

use benches::{Host, Ours, Smol, Tokio, WORKERS};

const TASKS: u32 = 1_000_000;

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

fn main() {
    println!("{TASKS} parked empty tasks, heap bytes a task:");
    report::<Ours>();
    report::<Tokio>();
    report::<Smol>();
}

fn report<H: Host>() {
    let host: &'static H = Box::leak(Box::new(H::start(WORKERS)));
    let bytes = host.block_on(host.spawn_outside(async {
        let before = LIVE.load(Ordering::Relaxed);
        POLLED.store(0, Ordering::Relaxed);
        for _ in 0..TASKS {
            H::detach(host.spawn(Parked));
        }
        while POLLED.load(Ordering::Relaxed) < TASKS {
            H::yield_now().await;
        }
        LIVE.load(Ordering::Relaxed) - before
    }));
    #[allow(clippy::cast_precision_loss)]
    let each = bytes as f64 / f64::from(TASKS);
    println!("{:>10} {each:8.1}", H::NAME);
}
