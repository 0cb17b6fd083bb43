//! A hand-made executor with a clock that is turned by hand, and a watchdog.
use parking_lot::Mutex;
use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use reactor_hook::{Clock, DeadlineSource, Entered, Frame};
use timer::Timers;

/// Aborts, naming the test, unless it ends in time.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

pub(crate) fn watchdog() -> Watchdog {
    let (alive, gone): (_, Receiver<()>) = channel();
    let name = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let limit = if soak() { 600 } else { 30 };
    std::thread::spawn(move || {
        if gone.recv_timeout(Duration::from_secs(limit)) == Err(RecvTimeoutError::Timeout) {
            // Not `eprintln!`: what the harness captures is lost by an abort.
            let _ = writeln!(std::io::stderr(), "watchdog: {name} hangs");
            std::process::abort();
        }
    });
    Watchdog { _alive: alive }
}

pub(crate) fn soak() -> bool {
    std::env::var_os("RUNTIME_SOAK").is_some()
}

/// The full count, or a hundredth.
pub(crate) fn count(full: usize) -> usize {
    if soak() { full } else { full / 100 }
}

/// A generator with a seed that is printed (xorshift64*, Vigna 2016).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        let seed = match std::env::var("RUNTIME_SEED").map(|seed| seed.parse()) {
            Ok(Ok(seed)) => seed,
            _ => u64::from(std::process::id()) << 20 | 1,
        };
        eprintln!("RUNTIME_SEED={seed}");
        Random(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % limit
    }

    /// Of any magnitude below 2^`bits`.
    pub(crate) fn skewed(&mut self, bits: u64) -> u64 {
        let bits = self.below(bits);
        self.below(1 << bits)
    }
}

#[derive(Default)]
pub(crate) struct CountWakes(AtomicUsize);

impl CountWakes {
    pub(crate) fn new() -> (Arc<CountWakes>, Waker) {
        let count = Arc::new(CountWakes::default());
        (Arc::clone(&count), count.into())
    }

    /// How many since the last call.
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Calls a closure, once.
pub(crate) struct OnWake(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl OnWake {
    pub(crate) fn waker(f: impl FnOnce() + Send + 'static) -> Waker {
        Arc::new(OnWake(Mutex::new(Some(Box::new(f))))).into()
    }
}

impl Wake for OnWake {
    fn wake(self: Arc<Self>) {
        let f = self.0.lock().take();
        if let Some(f) = f {
            f();
        }
    }
}

#[derive(Debug)]
pub(crate) struct ManualClock(Mutex<Instant>);

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        *self.0.lock()
    }
}

/// A frame whose owner keeps the time of `timers` by hand.
pub(crate) struct Manual {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) frame: Rc<Frame>,
}

impl Manual {
    pub(crate) fn new() -> Self {
        Manual::with_lanes(1)
    }

    pub(crate) fn with_lanes(lanes: usize) -> Self {
        let start = Instant::now();
        let timers = Timers::with_origin(lanes, start);
        Manual::of(timers, Arc::new(ManualClock(Mutex::new(start))), 0)
    }

    pub(crate) fn of(timers: Arc<Timers>, clock: Arc<ManualClock>, lane: u32) -> Self {
        let _ = timers.attendance().try_attend();
        let frame = Frame::builder().source(timers.clone()).clock(clock.clone()).lane(lane).build();
        Manual { clock, timers, frame }
    }

    pub(crate) fn enter(&self) -> Entered {
        self.frame.enter()
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn fire(&self) {
        self.timers.fire(self.now());
    }

    /// Sets the clock on and lets the wheel know.
    pub(crate) fn advance(&self, by: Duration) {
        *self.clock.0.lock() += by;
        self.fire();
    }

    /// Sets the clock to the next deadline and lets the wheel know. False if there is none.
    pub(crate) fn advance_to_next(&self) -> bool {
        let Some(next) = self.timers.next_deadline() else { return false };
        {
            let mut now = self.clock.0.lock();
            *now = next.max(*now);
        }
        self.fire();
        true
    }

    /// Polls until ready, with the clock set to each next deadline in between.
    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.enter();
        let woken = Arc::new(Flag::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut future = std::pin::pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            while !woken.0.swap(false, Ordering::SeqCst) {
                assert!(self.advance_to_next(), "pending for ever");
            }
        }
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
