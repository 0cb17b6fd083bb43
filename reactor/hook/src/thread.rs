//! Which thread this is, for one comparison.
use std::sync::atomic::{AtomicU64, Ordering};

use crate::frame;

/// A number that no other thread of this process has, or will have: for whoever must know, often, whether he is on his
/// own thread. Never zero. After the first call on a thread it costs a load; it works in a thread-local's destructor.
///
/// ```
/// let here = reactor_hook::thread_number();
/// assert_eq!(here, reactor_hook::thread_number());
/// assert_ne!(here, std::thread::spawn(reactor_hook::thread_number).join().unwrap());
/// ```
#[inline]
pub fn thread_number() -> u64 {
    match frame::tls(|tls| tls.thread.get()) {
        0 => take_number(),
        number => number,
    }
}

#[cold]
fn take_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    // Relaxed: only uniqueness is asked for; 2^64 threads are not started.
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    frame::tls(|tls| tls.thread.set(number));
    number
}
