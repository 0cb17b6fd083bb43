//! CPU time of the whole process, those of its threads that are running included.
//!
//! The kernel adds what a thread has run to its sum when it is put off the core, at a tick (each 4 ms where `CONFIG_HZ` is 250), and
//! when that thread's own clock is read. A sample takes less than a tick, and who takes part and runs on would be left
//! out of it, or come with what it had run before. So the clock of each thread is read first.
#![allow(unsafe_code)]

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The threads that there were when it was made.
#[derive(Debug)]
pub(crate) struct Threads(Vec<libc::clockid_t>);

impl Threads {
    pub(crate) fn here() -> Threads {
        let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let numbers = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok());
        Threads(numbers.map(clock_of).collect())
    }

    /// User and system time of the process so far.
    pub(crate) fn cpu(&self) -> Duration {
        for &clock in &self.0 {
            let _alone = time_of(clock);
        }
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}

/// The clock of a thread by its number in the kernel: as `pthread_getcpuclockid` makes it.
fn clock_of(thread: libc::pid_t) -> libc::clockid_t {
    const OF_THREAD: libc::clockid_t = 4;
    const AS_SCHEDULED: libc::clockid_t = 2;
    (!thread << 3) | OF_THREAD | AS_SCHEDULED
}

/// None of a thread that has ended.
fn time_of(clock: libc::clockid_t) -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is this function's to be written.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    (failed == 0).then(|| Duration::new(time.tv_sec.unsigned_abs(), nanos))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
    use std::thread;
    use std::time::Instant;

    use super::*;

    /// Of this thread, in the kernel.
    fn number() -> libc::pid_t {
        let own = fs::read_link("/proc/thread-self").expect("each thread has one");
        let number = own.file_name().and_then(|name| name.to_str()?.parse().ok());
        number.expect("it ends with the number")
    }

    #[test]
    fn a_thread_that_runs_on_is_counted() {
        let (of_other, ended) = (AtomicI32::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                of_other.store(number(), Ordering::Relaxed);
                while !ended.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            while of_other.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            let other = clock_of(of_other.load(Ordering::Relaxed));
            let other = || time_of(other).expect("it runs on");
            let threads = Threads::here();
            // Until nobody took the core in between the readings.
            let short = Duration::from_micros(50);
            let (counted, ran) = loop {
                let before = (Instant::now(), other(), threads.cpu());
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_micros(500) {
                    std::hint::spin_loop();
                }
                let (end, cpu, ran) = (Instant::now(), threads.cpu(), other() - before.1);
                if begun - before.0 < short && end.elapsed() < short {
                    break (cpu - before.2, ran);
                }
            };
            ended.store(true, Ordering::Relaxed);
            assert!(counted + 2 * short >= ran, "{counted:?} of which another thread {ran:?}");
        });
    }

    #[test]
    fn a_thread_that_has_ended_counts_nothing() {
        let clock = clock_of(thread::spawn(number).join().expect("it only asks"));
        while time_of(clock).is_some() {
            thread::yield_now();
        }
    }
}
