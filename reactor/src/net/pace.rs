//! Pacing of operations that must be tried again although the kernel will not say when.
//!
//! Two cases: `accept` when the process or the system is out of descriptors, and a Unix datagram or connect refused
//! because the *other* socket's queue is full. Epoll reports neither as an event. All of them in the process share one
//! tick of [`TICK`], slept by a thread that is there only while somebody waits. README: *Where the kernel reports nothing*.
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use reactor_hook::process::PerProcess;

use crate::cell::call;

/// Fifty tries a second cost well under one per cent of a core, and nobody notices 20 ms after an overload.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// Ticks that have ended; starts at one, so that zero can mean "none". A forked child counts on: what it has inherited may
/// wait beyond any number of its parent's. Written under the lock only.
static ENDED: AtomicU64 = AtomicU64::new(1);

fn ended() -> u64 {
    // Relaxed: what decides about waiting is read under the lock; otherwise an old number is waited for no longer.
    ENDED.load(Ordering::Relaxed)
}

#[derive(Default)]
struct Pacer {
    /// Whether there is a thread that will end the present tick.
    ticking: bool,
    waiters: Vec<Waker>,
}

impl Pacer {
    /// Those who waited for it. The thread goes if there are none.
    fn end_tick(&mut self) -> Vec<Waker> {
        // Relaxed: as in `ended`; under the lock nobody else writes.
        ENDED.store(ended() + 1, Ordering::Relaxed);
        let waiters = std::mem::take(&mut self.waiters);
        self.ticking = !waiters.is_empty();
        waiters
    }

    /// As `end_tick`, and there is no thread for the next.
    fn cease(&mut self) -> Vec<Waker> {
        let waiters = self.end_tick();
        self.ticking = false;
        waiters
    }
}

fn pacer() -> &'static Mutex<Pacer> {
    static PACER: PerProcess<Mutex<Pacer>> = PerProcess::new();
    PACER.get(Mutex::default)
}

fn wake(waiters: Vec<Waker>) {
    for waker in waiters {
        call(|| waker.wake());
    }
}

/// Ticks until nobody has waited for one.
fn tick() {
    loop {
        thread::sleep(TICK);
        let waiters = pacer().lock().end_tick();
        if waiters.is_empty() {
            return;
        }
        wake(waiters);
    }
}

/// Waits for the end of the tick that was running, or that began, when it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// The number of ended ticks to wait beyond.
    since: u64,
}

impl Pause {
    pub(super) fn new() -> Pause {
        Pause { since: ended() }
    }

    /// Ready when the tick has ended. Where no thread can be had to sleep, that is at once.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_with(cx, || thread::Builder::new().name("reactor/pace".into()).spawn(tick).map(drop))
    }

    fn poll_with(&self, cx: &mut Context<'_>, start_ticking: impl FnOnce() -> io::Result<()>) -> Poll<()> {
        // Cloning and dropping a waker is user code: not under the lock.
        let waker = cx.waker().clone();
        let mut pacer = pacer().lock();
        if ended() > self.since {
            drop(pacer);
            return Poll::Ready(());
        }
        let spare = if pacer.waiters.iter().any(|known| known.will_wake(&waker)) {
            Some(waker)
        } else {
            pacer.waiters.push(waker);
            None
        };
        let start = !std::mem::replace(&mut pacer.ticking, true);
        drop(pacer);
        drop(spare);
        if start && start_ticking().is_err() {
            let waiters = self::pacer().lock().cease();
            wake(waiters);
        }
        Poll::Pending
    }
}

/// Sleeps for the rest of a tick.
pub(super) async fn pause() {
    let pause = Pause::new();
    std::future::poll_fn(|cx| pause.poll(cx)).await;
}

/// A listener's memory of having run out of descriptors.
#[derive(Debug, Default)]
pub(super) struct Exhaustion {
    /// `Pause::since` of the last refusal; zero when there was none.
    since: AtomicU64,
}

impl Exhaustion {
    /// Ready unless descriptors ran out during the present tick.
    pub(super) fn poll_over(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Relaxed: a hint only; whoever misses it makes one try too many.
        let since = self.since.load(Ordering::Relaxed);
        if since == 0 {
            return Poll::Ready(());
        }
        let over = Pause { since }.poll(cx);
        if over.is_ready() {
            // Relaxed: as above. Lost against a concurrent `note`, it costs one unpaced try.
            self.since.store(0, Ordering::Relaxed);
        }
        over
    }

    /// Takes note of the outcome of an `accept`.
    pub(super) fn note<T>(&self, outcome: &std::io::Result<T>) {
        let Err(error) = outcome else { return };
        if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)) {
            // Relaxed: a hint only.
            self.since.store(Pause::new().since, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
