//! What counting cannot tell of a scheduler's steps, by the clock: which part of a spawn and its poll is whose, and what
//! comes from outside.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use benches::Host;

use super::machine::{least, median, nanos};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Of a spawn and its poll, what the one who spawns takes.
    pub(crate) share: f64,
    /// Awaiting a task that is complete.
    pub(crate) join: f64,
    pub(crate) spawn_outside: f64,
    pub(crate) run_injected: f64,
}

impl Clock {
    /// Of the order that a virtual machine of two x86-64 cores has shown, of ours and of tokio.
    pub(crate) const TYPICAL: Clock =
        Clock { share: 0.65, join: 6.0, spawn_outside: 45.0, run_injected: 15.0 };
    pub(crate) const TYPICAL_OF_TOKIO: Clock =
        Clock { share: 0.5, join: 55.0, spawn_outside: 95.0, run_injected: 50.0 };

    /// On a host with one worker: the least median of a few tries, for what disturbs makes it only slower.
    pub(crate) fn measured<H: Host>(alone: &'static H) -> Clock {
        let detached = least(|| burst(alone, true));
        let kept = least(|| burst(alone, false));
        let outside = least(|| outside(alone));
        Clock {
            share: detached[0] / (detached[0] + detached[1]),
            join: kept[2],
            spawn_outside: outside[0],
            run_injected: outside[1],
        }
    }
}

const BURST: u32 = 128;

static LEFT: AtomicU32 = AtomicU32::new(0);

fn one_less() {
    // Ordering: Release pairs with the Acquire of who waits in `outside`. No RMW: one worker runs all of them.
    LEFT.store(LEFT.load(Ordering::Relaxed) - 1, Ordering::Release);
}

/// Spawn, poll and join of a task, one of a burst, on one worker.
fn burst<H: Host>(host: &'static H, detached: bool) -> [f64; 3] {
    let bursts = async move {
        let mut figures: [Vec<f64>; 3] = Default::default();
        let mut handles = Vec::with_capacity(BURST as usize);
        for _ in 0..200 {
            LEFT.store(BURST, Ordering::Relaxed);
            let began = Instant::now();
            for _ in 0..BURST {
                let handle = host.spawn(async { one_less() });
                if detached {
                    H::detach(handle);
                } else {
                    handles.push(handle);
                }
            }
            figures[0].push(nanos(began));
            let began = Instant::now();
            while LEFT.load(Ordering::Relaxed) > 0 {
                H::yield_now().await;
            }
            figures[1].push(nanos(began));
            let began = Instant::now();
            for handle in handles.drain(..) {
                handle.await;
            }
            figures[2].push(nanos(began));
        }
        figures.map(|figures| median(figures) / f64::from(BURST))
    };
    host.block_on(host.spawn_outside(bursts))
}

/// Spawns from a plain thread while a task keeps the worker, and then the polls.
fn outside<H: Host>(host: &'static H) -> [f64; 3] {
    let (mut spawn, mut run) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let (held, hold) = mpsc::channel();
        let (let_go, wait) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        H::detach(host.spawn_outside(async move {
            held.send(()).expect("the thread waits");
            wait.recv().expect("the thread lets go");
            tell.send(Instant::now()).expect("the thread waits");
        }));
        hold.recv().expect("the task runs");
        LEFT.store(BURST, Ordering::Relaxed);
        let (tell_end, told_end) = mpsc::channel();
        let began = Instant::now();
        for _ in 0..BURST {
            H::detach(host.spawn_outside(async { one_less() }));
        }
        spawn.push(nanos(began) / f64::from(BURST));
        H::detach(
            host.spawn_outside(async move { tell_end.send(Instant::now()).expect("the thread waits") }),
        );
        let_go.send(()).expect("the task waits");
        let (began, ended) =
            (told.recv().expect("the task tells"), told_end.recv().expect("the last one tells"));
        run.push((ended - began).as_secs_f64() * 1e9 / f64::from(BURST));
        // Ordering: Acquire pairs with the Release of `one_less`.
        while LEFT.load(Ordering::Acquire) > 0 {
            thread::yield_now();
        }
    }
    [median(spawn), median(run), 0.0]
}
