use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::wait_roughly;

extern "C" fn nothing(_signal: libc::c_int) {}

#[test]
fn who_is_interrupted_finds_no_event_of_before() {
    let handler: extern "C" fn(libc::c_int) = nothing;
    // SAFETY: a handler that does nothing, for a signal that nobody else in this process uses.
    let before = unsafe { libc::signal(libc::SIGURG, handler as libc::sighandler_t) };
    assert_ne!(before, libc::SIG_ERR);
    let selector = mio::Poll::new().unwrap();
    // SAFETY: it has no conditions.
    let waiting = unsafe { libc::pthread_self() };
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let interrupts = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                // SAFETY: the thread waits for this scope.
                unsafe { libc::pthread_kill(waiting, libc::SIGURG) };
                thread::sleep(Duration::from_micros(200));
            }
        });
        let mut interrupted = 0;
        while interrupted < 3 {
            let mut events = vec![libc::epoll_event { events: libc::EPOLLIN as u32, u64: 7 }];
            let waited = wait_roughly(selector.as_raw_fd(), &mut events, Duration::from_millis(5));
            interrupted +=
                u32::from(waited.is_err_and(|error| error.kind() == std::io::ErrorKind::Interrupted));
            assert!(events.is_empty(), "{} of before", events.len());
        }
        is_over.store(true, Ordering::Relaxed);
        interrupts.join().unwrap();
    });
}
