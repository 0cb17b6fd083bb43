//! Pacing of operations that must be tried again although the kernel will not say when.
//!
//! Two cases: `accept` when the process or the system is out of descriptors, and a Unix datagram or connect refused
//! because the *other* socket's queue is full. Epoll reports neither as an event. All of them in the process share one
//! tick of [`TICK`], slept by at most one offloaded closure, and only while somebody waits.
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;

/// Fifty tries a second cost well under one per cent of a core, and nobody notices 20 ms after an overload.
pub(super) const TICK: Duration = Duration::from_millis(20);

struct Pacer {
    /// Ticks that have ended; starts at one, so that zero can mean "none".
    ended: u64,
    ticking: bool,
    waiters: Vec<Waker>,
}

static PACER: Mutex<Pacer> = Mutex::new(Pacer { ended: 1, ticking: false, waiters: Vec::new() });

/// Ends the tick when dropped: after the sleep, or when the closure was refused or dropped unrun.
struct TickEnd;

impl Drop for TickEnd {
    fn drop(&mut self) {
        let waiters = {
            let mut pacer = PACER.lock();
            pacer.ended += 1;
            pacer.ticking = false;
            std::mem::take(&mut pacer.waiters)
        };
        for waker in waiters {
            waker.wake();
        }
    }
}

/// Waits for the end of the tick that was running, or that began, when it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// The value of `ended` to wait beyond.
    since: u64,
}

impl Pause {
    pub(super) fn new() -> Pause {
        Pause { since: PACER.lock().ended }
    }

    /// Ready when the tick has ended. Where no thread can be had to sleep, that is at once.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut pacer = PACER.lock();
        if pacer.ended > self.since {
            drop(pacer);
            return Poll::Ready(());
        }
        if !pacer.waiters.iter().any(|known| known.will_wake(&waker)) {
            pacer.waiters.push(waker);
        }
        let start = !std::mem::replace(&mut pacer.ticking, true);
        drop(pacer);
        if start {
            let end = TickEnd;
            // A refusal drops the closure, and that ends the tick.
            let _ = reactor_hook::offload(Box::new(move || {
                std::thread::sleep(TICK);
                drop(end);
            }));
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
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_and_the_next_one_ends_too() {
        for _ in 0..2 {
            futures::executor::block_on(pause());
        }
    }

    #[test]
    fn only_running_out_of_descriptors_is_paced() {
        let exhaustion = Exhaustion::default();
        exhaustion.note::<()>(&Err(std::io::ErrorKind::ConnectionAborted.into()));
        exhaustion.note(&Ok(()));
        assert_eq!(exhaustion.since.load(Ordering::Relaxed), 0);
        exhaustion.note::<()>(&Err(std::io::Error::from_raw_os_error(libc::EMFILE)));
        assert_ne!(exhaustion.since.load(Ordering::Relaxed), 0);
        futures::executor::block_on(std::future::poll_fn(|cx| exhaustion.poll_over(cx)));
        assert_eq!(exhaustion.since.load(Ordering::Relaxed), 0);
    }
}
