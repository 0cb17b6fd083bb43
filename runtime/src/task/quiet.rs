//! User code whose panic nobody can be told of.
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f` and swallows its panic. The panic hook has reported it by then.
pub(crate) fn quietly(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        // The payload is the user's too, and its drop may panic as well; that one is leaked, for there is no end to it.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(payload);
        }
    }
}
