//! A child that was just forked is told from its parent.
#![allow(unsafe_code)]

use std::sync::Once;

use super::context::Context;

/// Has each child told from its parent, from the first call on: by the thread that forked it, whichever runtimes it is in.
pub(super) fn watch_forks() {
    static WATCHES: Once = Once::new();
    // SAFETY: it writes atomics and cells, and counts each frame's `Rc` up and down again.
    WATCHES.call_once(|| unsafe { reactor_hook::process::after_fork(forked) });
}

extern "C" fn forked() {
    reactor_hook::with_owners(Context::inherited);
}
