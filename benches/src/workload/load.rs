//! Work that keeps a processor busy, the same for every host.
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::host::Host;

/// Computes for about `micros` microseconds. It reads no clock and is compiled once, so that it is the same work whoever
/// runs it.
#[inline(never)]
pub(super) fn compute(micros: u32) {
    let mut state = black_box(0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..micros * 500 {
        // Marsaglia's xorshift: each step waits for the one before.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    black_box(state);
}

/// Tasks that compute and yield, in turn, until they are told to end.
pub(super) struct Load<H: Host> {
    end: Arc<AtomicBool>,
    tasks: Vec<H::Join<()>>,
}

impl<H: Host> Load<H> {
    /// Starts so many tasks, each of which computes for `micros` microseconds a poll.
    pub(super) fn start(host: &'static H, tasks: u32, micros: u32) -> Load<H> {
        let end = Arc::new(AtomicBool::new(false));
        let task = |_| {
            let end = end.clone();
            host.spawn_outside(async move {
                loop {
                    compute(micros);
                    H::yield_now().await;
                    // Ordering: Relaxed: the flag publishes nothing.
                    if end.load(Ordering::Relaxed) {
                        return;
                    }
                }
            })
        };
        let tasks = (0..tasks).map(task).collect();
        Load { end, tasks }
    }

    /// Ready when all have ended.
    pub(super) async fn stop(self) {
        // Ordering: Relaxed: the flag publishes nothing.
        self.end.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await;
        }
    }
}
