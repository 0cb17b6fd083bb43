//! Values that a future carries with it: a linked list of scopes on the stack of the polling thread.
//!
//! `task_local!` needs a place to put a value for as long as a future is being polled. The list is kept here because
//! the workspace has one thread-local; it works under any executor.
use crate::frame;

/// One scope: a key, and the address of a value of the type that belongs to the key.
#[derive(Debug)]
pub struct Scope {
    key: usize,
    value: *const (),
    outer: *const Scope,
}

/// Runs `f` while `key` means `value` on this thread.
///
/// # Safety
///
/// Whoever looks `key` up may use `value` as what the owner of `key` says it points to, for as long as `f` runs.
#[allow(unsafe_code)]
pub unsafe fn with_scope<R>(key: usize, value: *const (), f: impl FnOnce() -> R) -> R {
    struct Pop(*const Scope);
    impl Drop for Pop {
        fn drop(&mut self) {
            frame::tls(|tls| tls.locals.set(self.0.cast()));
        }
    }
    let outer: *const Scope = frame::tls(|tls| tls.locals.get()).cast();
    let scope = Scope { key, value, outer };
    frame::tls(|tls| tls.locals.set((&raw const scope).cast()));
    let _pop = Pop(outer);
    f()
}

/// The value that the innermost scope of `key` was entered with. The pointer is good while that scope is.
#[allow(unsafe_code)]
pub fn find(key: usize) -> Option<*const ()> {
    let mut scope: *const Scope = frame::tls(|tls| tls.locals.get()).cast();
    // SAFETY: a scope is on the list only while `with_scope` holds it on this thread's stack; it is taken off before
    // that returns, by unwinding too, and `outer` was on the list before it.
    while let Some(here) = unsafe { scope.as_ref() } {
        if here.key == key {
            return Some(here.value);
        }
        scope = here.outer;
    }
    None
}
