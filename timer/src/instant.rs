//! A point in time by the executor's clock.
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// A point in time, as [`std::time::Instant`], whose [`now`](Instant::now) asks the clock of the executor it is called in:
/// with paused time it stands still.
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(std::time::Instant);

impl Instant {
    /// The present, by the clock of the executor that polls here, or by the system's monotonic clock.
    #[inline]
    pub fn now() -> Instant {
        Instant(reactor_hook::now())
    }

    /// From the standard library's.
    pub fn from_std(std: std::time::Instant) -> Instant {
        Instant(std)
    }

    /// To the standard library's.
    pub fn into_std(self) -> std::time::Instant {
        self.0
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// Time from `earlier` to `self`, or `None` if `earlier` is later.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_duration_since(earlier.0)
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// Time from `self` to now; zero if `self` is yet to come.
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(*self)
    }

    /// `None` if the platform cannot say when that would be.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }

    /// `None` if the platform cannot say when that was.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(duration).map(Instant)
    }

    /// `duration` after `self`; where that cannot be said, an instant that nobody will live to see.
    #[inline]
    pub(crate) fn after(self, duration: Duration) -> Instant {
        self.checked_add(duration).unwrap_or_else(|| self.far_future())
    }

    /// The furthest that the platform can say, to a factor of two: instants end in some centuries on one and in
    /// 10¹¹ years on another.
    #[cold]
    fn far_future(self) -> Instant {
        (1..u64::BITS)
            .find_map(|shift| self.checked_add(Duration::from_secs(u64::MAX >> shift)))
            .unwrap_or(self)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    ///
    /// If the platform cannot say when that would be.
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0 + duration)
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

    /// # Panics
    ///
    /// If the platform cannot say when that was.
    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0 - duration)
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl From<std::time::Instant> for Instant {
    fn from(std: std::time::Instant) -> Instant {
        Instant(std)
    }
}

impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> std::time::Instant {
        instant.0
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
