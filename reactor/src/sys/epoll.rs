//! Waiting in the selector, as exactly as the kernel can. By the system calls themselves, as [`socket`](super::socket).
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::counted;

/// Whether the kernel counts in nanoseconds, as far as is known. (Where a word has 32 bits, libc's times may have as few.)
static IS_EXACT: AtomicBool = AtomicBool::new(cfg!(target_pointer_width = "64"));

/// Fills `events`, as far as it has capacity, with what comes within `timeout`; or returns with none some time before,
/// where the kernel cannot wait that exactly.
pub(crate) fn wait(
    selector: RawFd,
    events: &mut Vec<libc::epoll_event>,
    timeout: Option<Duration>,
) -> io::Result<()> {
    match timeout {
        None => epoll_pwait(selector, events, -1),
        Some(Duration::ZERO) => take(selector, events, usize::MAX),
        Some(timeout) if IS_EXACT.load(Ordering::Relaxed) => {
            match epoll_pwait2(selector, events, timeout) {
                // Before Linux 5.11, or where a filter of system calls does not know it.
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                    // Relaxed: a hint, found out again by each thread that misses it.
                    IS_EXACT.store(false, Ordering::Relaxed);
                    wait_roughly(selector, events, timeout)
                }
                outcome => outcome,
            }
        }
        Some(timeout) => wait_roughly(selector, events, timeout),
    }
}

/// Fills `events` with what there is, but no more than `most`, and as far as it has capacity.
pub(crate) fn take(selector: RawFd, events: &mut Vec<libc::epoll_event>, most: usize) -> io::Result<()> {
    epoll_pwait_for(selector, events, 0, most)
}

/// Milliseconds are rounded down, and what is left, or was little to begin with, is waited for in nanoseconds, by a
/// `ppoll` of the selector itself: a system call more, for deadlines that are near only.
fn wait_roughly(selector: RawFd, events: &mut Vec<libc::epoll_event>, timeout: Duration) -> io::Result<()> {
    // Whatever comes of the first call: who is interrupted finds no event of before.
    events.clear();
    /// Ten times what rounding could cost.
    const NEAR: Duration = Duration::from_millis(10);

    if timeout >= NEAR {
        let millis = libc::c_int::try_from(timeout.as_millis()).unwrap_or(libc::c_int::MAX);
        return epoll_pwait(selector, events, millis);
    }
    let mut polled = libc::pollfd { fd: selector, events: libc::POLLIN, revents: 0 };
    let timeout = timespec(timeout);
    // SAFETY: one entry, which lives through the call, as does the time; no signal mask is given.
    if unsafe { libc::ppoll(&raw mut polled, 1, &raw const timeout, ptr::null()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    epoll_pwait(selector, events, 0)
}

fn epoll_pwait(selector: RawFd, events: &mut Vec<libc::epoll_event>, millis: libc::c_int) -> io::Result<()> {
    epoll_pwait_for(selector, events, millis, usize::MAX)
}

fn epoll_pwait_for(
    selector: RawFd,
    events: &mut Vec<libc::epoll_event>,
    millis: libc::c_int,
    most: usize,
) -> io::Result<()> {
    events.clear();
    let (list, room) = (events.as_mut_ptr(), events.capacity().min(most));
    let mask = ptr::null::<libc::sigset_t>();
    // SAFETY: the list has room for as many events as the kernel is told; no signal mask is given.
    let n = unsafe {
        libc::syscall(libc::SYS_epoll_pwait, selector, list, room as libc::c_int, millis, mask, 0usize)
    };
    // SAFETY: as many were written as the call says.
    counted(n as isize).map(|n| unsafe { events.set_len(n) })
}

fn epoll_pwait2(selector: RawFd, events: &mut Vec<libc::epoll_event>, timeout: Duration) -> io::Result<()> {
    events.clear();
    let (list, room) = (events.as_mut_ptr(), events.capacity());
    let timeout = timespec(timeout);
    let mask = ptr::null::<libc::sigset_t>();
    // SAFETY: the list has room for as many events as the kernel is told; the time lives through the call; no signal mask is
    // given.
    let n = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            selector,
            list,
            room as libc::c_int,
            &raw const timeout,
            mask,
            0usize,
        )
    };
    // SAFETY: as many were written as the call says.
    counted(n as isize).map(|n| unsafe { events.set_len(n) })
}

/// Has `selector` report `token` whenever, and as long as, the selector `other` has something to report.
pub(crate) fn nest(selector: RawFd, other: RawFd, token: usize) -> io::Result<()> {
    let mut asked = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token as u64 };
    // SAFETY: the event lives through the call; a descriptor that is none of a selector's is an error.
    let outcome = unsafe { libc::epoll_ctl(selector, libc::EPOLL_CTL_ADD, other, &raw mut asked) };
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn timespec(duration: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests;
