//! User code whose panic nobody can be told of: it must not keep the others from being told.

/// Runs `f` and swallows its panic. The panic hook has reported it by then.
#[cfg(not(runtime_loom))]
pub(crate) fn quietly(f: impl FnOnce()) {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        // Its drop may panic as well; what that one leaves is leaked, for there is no end to it.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(payload);
        }
    }
}

/// What fails in a model panics.
#[cfg(runtime_loom)]
pub(crate) fn quietly(f: impl FnOnce()) {
    f();
}
