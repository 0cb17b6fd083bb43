//! A point in time by the executor's clock, in a word.
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

use reactor_hook::process::PerProcess;

/// A point in time, as [`std::time::Instant`], whose [`now`](Instant::now) asks the clock of the executor it is called in:
/// with paused time it stands still.
///
/// Whole nanoseconds, and 292 years of them: calculations end where an instant is so far away.
///
/// # Examples
///
/// ```
/// use timer::{Duration, Instant};
///
/// let start = Instant::now();
/// assert!(start.elapsed() < Duration::from_secs(60));
/// assert!(start + Duration::from_secs(1) > start);
/// ```
// Nanoseconds of the system's monotonic clock: one multiplication to read it and none to calculate. The standard library's
// instant takes a hundred instructions for what a timer needs of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// An instant as the standard library knows it, and the same one in nanoseconds.
#[derive(Clone, Copy)]
struct Anchor {
    std: std::time::Instant,
    nanos: i64,
}

impl Anchor {
    /// The one of this process: what goes there and back comes back as it was.
    fn get() -> Anchor {
        // A forked child drops one of its own: the nanoseconds are the system's, so that instants mean the same there.
        static ANCHOR: PerProcess<Anchor> = PerProcess::new();
        *ANCHOR.get(Anchor::drop_here)
    }

    /// Two clock readings are never at the same time. The nanoseconds are read first: so a tick that was calculated from
    /// them is late, and not early, by what lies in between, a clock reading at best.
    fn drop_here() -> Anchor {
        let tries = (0..16).map(|_| {
            let nanos = system_nanos();
            let std = std::time::Instant::now();
            (system_nanos() - nanos, Anchor { std, nanos })
        });
        tries.min_by_key(|(apart, _)| *apart).expect("there are some").1
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
#[inline]
fn system_nanos() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes the time to where it is told.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    debug_assert_eq!(failed, 0, "every Linux has this clock");
    time.tv_sec * NANOS_A_SECOND + time.tv_nsec
}

#[cfg(not(target_os = "linux"))]
fn system_nanos() -> i64 {
    static START: PerProcess<std::time::Instant> = PerProcess::new();
    let now = std::time::Instant::now();
    nanos_of(now.saturating_duration_since(*START.get(|| now)))
}

const NANOS_A_SECOND: i64 = 1_000_000_000;

/// At most as many as there are.
#[inline]
fn nanos_of(duration: Duration) -> i64 {
    let whole = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX).saturating_mul(NANOS_A_SECOND);
    whole.saturating_add(duration.subsec_nanos().into())
}

impl Instant {
    /// The present, by the clock of the executor that polls here, or by the system's monotonic clock.
    #[inline]
    pub fn now() -> Instant {
        if reactor_hook::has_clock() { Instant::asked() } else { Instant(system_nanos()) }
    }

    #[cold]
    fn asked() -> Instant {
        Instant::from_std(reactor_hook::now())
    }

    /// From the standard library's.
    pub fn from_std(std: std::time::Instant) -> Instant {
        let anchor = Anchor::get();
        let (after, before) =
            (std.saturating_duration_since(anchor.std), anchor.std.saturating_duration_since(std));
        Instant(anchor.nanos.saturating_add(nanos_of(after)).saturating_sub(nanos_of(before)))
    }

    /// To the standard library's.
    pub fn into_std(self) -> std::time::Instant {
        let anchor = Anchor::get();
        let (after, before) =
            (self.duration_since(Instant(anchor.nanos)), Instant(anchor.nanos).duration_since(self));
        // Where the platform's instants end earlier.
        anchor.std.checked_add(after).unwrap_or(anchor.std).checked_sub(before).unwrap_or(anchor.std)
    }

    /// Nanoseconds from `earlier` to `self`; zero if `earlier` is later.
    #[inline]
    pub(crate) fn nanos_since(self, earlier: Instant) -> u64 {
        if self.0 > earlier.0 { self.0.abs_diff(earlier.0) } else { 0 }
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// Time from `earlier` to `self`, or `None` if `earlier` is later.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        (*self >= earlier).then(|| self.duration_since(earlier))
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }

    /// Time from `self` to now; zero if `self` is yet to come.
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(*self)
    }

    /// `None` if that is more than 292 years away.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(i64::try_from(duration.as_nanos()).ok()?).map(Instant)
    }

    /// `None` if that is more than 292 years ago.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(i64::try_from(duration.as_nanos()).ok()?).map(Instant)
    }

    /// `duration` after `self`; where that cannot be said, an instant that nobody will live to see.
    #[inline]
    pub(crate) fn after(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(nanos_of(duration)))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// The last instant there is, if that would be later.
    fn add(self, duration: Duration) -> Instant {
        self.after(duration)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// The first instant there is, if that was earlier.
    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_sub(nanos_of(duration)))
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl From<std::time::Instant> for Instant {
    fn from(std: std::time::Instant) -> Instant {
        Instant::from_std(std)
    }
}

impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> std::time::Instant {
        instant.into_std()
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.into_std().fmt(f)
    }
}
