//! What the supervisor waits in: a time that any thread may set while it waits.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use reactor_hook::process::Origin;

use super::alarm::Timer;

/// A timer of the system's, or where it has none to give, a lock and a condition.
#[derive(Debug)]
pub(crate) struct SystemTimer {
    /// When the times begin to be counted.
    began: Instant,
    /// A child that is forked has what is the parent's.
    origin: Origin,
    way: Way,
}

#[derive(Debug)]
enum Way {
    #[cfg(target_os = "linux")]
    Kernel(kernel::TimerFd),
    Condition(Condition),
}

impl SystemTimer {
    /// Set to no time. It costs nobody a wake-up to set it to another.
    pub(crate) fn new() -> SystemTimer {
        #[cfg(target_os = "linux")]
        {
            let began = Instant::now();
            if let Ok(timer) = kernel::TimerFd::new(began) {
                return SystemTimer { began, origin: Origin::here(), way: Way::Kernel(timer) };
            }
        }
        SystemTimer::plain()
    }

    /// As `new`, with nothing of the system's.
    pub(crate) fn plain() -> SystemTimer {
        SystemTimer {
            began: Instant::now(),
            origin: Origin::here(),
            way: Way::Condition(Condition::default()),
        }
    }

    /// Whether it can be set to a time later than at once without a wake-up of who waits.
    pub(crate) fn is_quiet(&self) -> bool {
        !matches!(self.way, Way::Condition(_))
    }

    /// Nanoseconds from its beginning, for `set`.
    #[inline]
    pub(crate) fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }

    /// The reverse of `nanos`.
    pub(crate) fn instant(&self, nanos: u64) -> Instant {
        self.began + Duration::from_nanos(nanos)
    }
}

impl Timer for SystemTimer {
    fn set(&self, at: u64) {
        if !self.origin.is_here() {
            return;
        }
        match &self.way {
            #[cfg(target_os = "linux")]
            Way::Kernel(timer) => timer.set(at),
            Way::Condition(condition) => condition.set(at),
        }
    }

    fn wait(&self) {
        match &self.way {
            #[cfg(target_os = "linux")]
            Way::Kernel(timer) => timer.wait(),
            Way::Condition(condition) => {
                condition.wait(|at| self.began.checked_add(Duration::from_nanos(at)))
            }
        }
    }
}

/// The time that was set.
#[derive(Debug, Default)]
struct Condition {
    at: Mutex<Option<u64>>,
    sooner: Condvar,
}

impl Condition {
    fn set(&self, at: u64) {
        let sooner = self.at.lock().replace(at).is_none_or(|former| at < former);
        // Whoever waits for a sooner one comes back by himself, and finds this.
        if sooner {
            self.sooner.notify_one();
        }
    }

    fn wait(&self, instant: impl Fn(u64) -> Option<Instant>) {
        let mut at = self.at.lock();
        loop {
            match at.map(&instant) {
                Some(Some(until)) if until <= Instant::now() => break,
                Some(Some(until)) => drop(self.sooner.wait_until(&mut at, until)),
                // Beyond what the clock can say.
                Some(None) | None => self.sooner.wait(&mut at),
            }
        }
        *at = None;
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
    use std::time::{Duration, Instant};

    const NANOS: u64 = 1_000_000_000;

    /// See timerfd_create(2). Its clock is that of `Instant`.
    #[derive(Debug)]
    pub(super) struct TimerFd {
        fd: OwnedFd,
        /// What the clock said when the times began to be counted, in nanoseconds.
        base: u64,
    }

    impl TimerFd {
        pub(super) fn new(began: Instant) -> io::Result<TimerFd> {
            // SAFETY: it takes two numbers.
            let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: it was opened just now, and nobody else has it.
            let fd = unsafe { OwnedFd::from_raw_fd(fd) };
            let timer = TimerFd { fd, base: base(began)? };
            // A filter of system calls may know one and not the other. Zero: none is set.
            timer.settime(0)?;
            Ok(timer)
        }

        pub(super) fn set(&self, at: u64) {
            let set = self.settime(self.base.saturating_add(at).max(1));
            debug_assert!(set.is_ok(), "{set:?}");
        }

        fn settime(&self, at: u64) -> io::Result<()> {
            let time = libc::timespec {
                tv_sec: libc::time_t::try_from(at / NANOS).unwrap_or(libc::time_t::MAX),
                tv_nsec: libc::c_long::try_from(at % NANOS).expect("less than a second"),
            };
            let once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let time = libc::itimerspec { it_interval: once, it_value: time };
            let former = std::ptr::null_mut();
            // SAFETY: the descriptor is a timer's, and open; the time lives through the call; the former one is not asked for.
            let failed = unsafe {
                libc::timerfd_settime(self.fd.as_raw_fd(), libc::TFD_TIMER_ABSTIME, &raw const time, former)
            };
            if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
        }

        pub(super) fn wait(&self) {
            let mut times = 0u64;
            // SAFETY: there is room for what a timer gives, eight bytes.
            let read = unsafe { libc::read(self.fd.as_raw_fd(), (&raw mut times).cast(), size_of::<u64>()) };
            // By a signal it is interrupted for no reason; whatever else there may be, it is not to be asked again at once.
            if read < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// What the system's clock said at `began`, or by as much later as is between two looks at a clock.
    fn base(began: Instant) -> io::Result<u64> {
        let mut best = (Duration::MAX, 0);
        for _ in 0..8 {
            let before = Instant::now();
            let now = monotonic()?;
            let took = before.elapsed();
            if took < best.0 {
                let passed = u64::try_from(before.saturating_duration_since(began).as_nanos());
                best = (took, now.saturating_sub(passed.unwrap_or(u64::MAX)));
            }
        }
        Ok(best.1)
    }

    fn monotonic() -> io::Result<u64> {
        let mut now = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: the place has the size that is written.
        if unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded and wrote it.
        let now = unsafe { now.assume_init() };
        let seconds = u64::try_from(now.tv_sec).map_err(io::Error::other)?;
        let nanos = u64::try_from(now.tv_nsec).map_err(io::Error::other)?;
        Ok(seconds.saturating_mul(NANOS).saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests;
