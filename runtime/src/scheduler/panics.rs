//! A panic is reported where it happens, inside of the poll, and in a debug build the backtrace takes 100 ms and more: such a
//! poll is not told on as a stall, least of all in the middle of that report.
//!
//! What a panicking thread is doing cannot be asked from another. So the panic hook is put inside of one that notes the
//! poll first; once in a process, by the first runtime that is to print stalls or to call somebody, and not for `tracing` alone: that
//! nobody has asked for. Whoever sets a hook after that takes it away.
use std::panic::{set_hook, take_hook};
use std::sync::Once;
use std::thread;

use super::{Context, Shared};
use crate::supervisor::heartbeat::Poll;

impl Shared {
    /// Has panics noted, if somebody has asked to be told of stalls.
    pub(super) fn watch_panics(&self) {
        static ONCE: Once = Once::new();
        // A thread that panics may set no hook.
        if self.config.workers > 0 && self.config.stall_reports.is_asked_for() && !thread::panicking() {
            ONCE.call_once(|| {
                let hook = take_hook();
                set_hook(Box::new(move |panic| {
                    note_panic();
                    hook(panic);
                }));
            });
        }
    }
}

/// For whatever runtimes the thread polls a task of: their contexts may lie inside of others.
#[cold]
fn note_panic() {
    reactor_hook::with_owners(|context: &Context| {
        if let Some(slot) = context.slot_if_held()
            && let Some(Poll { beat, .. }) = slot.heartbeat.poll()
        {
            slot.set_panicked(beat);
        }
    });
}
