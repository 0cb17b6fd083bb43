//! Values that a future carries with it: a linked list of scopes, innermost first.
//!
//! `task_local!` needs a place to put a value for as long as a future is being polled, and so does whoever wants to be
//! found by what he polls. The list is kept here because the workspace has one thread-local; it works under any executor.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use crate::frame;

#[cfg(test)]
mod tests;

/// One scope: a key, and the address of a value of the type that belongs to the key.
#[derive(Debug)]
pub struct Scope {
    key: usize,
    value: *const (),
    outer: Cell<*const Scope>,
}

impl Scope {
    /// Takes the scope off this thread's list: from the front, unless one that was entered later is still there.
    fn leave(&self) {
        let mut inner = frame::tls(|tls| tls.locals.get()).cast::<Scope>();
        if std::ptr::eq(inner, self) {
            frame::tls(|tls| tls.locals.set(self.outer.get().cast()));
            return;
        }
        // SAFETY: what is on the list is there, see `find`.
        while let Some(scope) = unsafe { inner.as_ref() } {
            if std::ptr::eq(scope.outer.get(), self) {
                scope.outer.set(self.outer.get());
                return;
            }
            inner = scope.outer.get();
        }
    }
}

fn innermost() -> Cell<*const Scope> {
    Cell::new(frame::tls(|tls| tls.locals.get()).cast())
}

/// Runs `f` while `key` means `value` on this thread.
///
/// # Safety
///
/// Whoever looks `key` up may use `value` as what the owner of `key` says it points to, for as long as `f` runs.
pub unsafe fn with_scope<R>(key: usize, value: *const (), f: impl FnOnce() -> R) -> R {
    struct Leave<'a>(&'a Scope);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            self.0.leave();
        }
    }
    let scope = Scope { key, value, outer: innermost() };
    frame::tls(|tls| tls.locals.set((&raw const scope).cast()));
    let _leave = Leave(&scope);
    f()
}

/// Leaves its scope when dropped, whatever was entered meanwhile; made by [`enter`].
#[must_use = "the scope is left when the guard is dropped"]
pub struct Entered {
    /// From `Box::into_raw`.
    scope: *mut Scope,
    _not_send: PhantomData<*const ()>,
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}

/// Makes `key` mean `value` on this thread until the guard is dropped.
///
/// # Safety
///
/// Whoever looks `key` up may use `value` as what the owner of `key` says it points to, for as long as the guard lives;
/// for ever if it is leaked.
pub unsafe fn enter(key: usize, value: *const ()) -> Entered {
    let scope = Box::into_raw(Box::new(Scope { key, value, outer: innermost() }));
    frame::tls(|tls| tls.locals.set(scope.cast_const().cast()));
    Entered { scope, _not_send: PhantomData }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // SAFETY: made by `enter`, and freed here only.
        let scope = unsafe { Box::from_raw(self.scope) };
        scope.leave();
    }
}

/// The value that the innermost scope of `key` was entered with. The pointer is good while that scope is.
pub fn find(key: usize) -> Option<*const ()> {
    // SAFETY: `Some` does nothing else.
    unsafe { find_map(key, Some) }
}

/// The first answer of `f` to the values that the scopes of `key` were entered with, the innermost first.
///
/// # Safety
///
/// `f` neither enters nor leaves a scope.
pub unsafe fn find_map<R>(key: usize, mut f: impl FnMut(*const ()) -> Option<R>) -> Option<R> {
    let mut scope: *const Scope = frame::tls(|tls| tls.locals.get()).cast();
    // SAFETY: a scope is on the list only while `with_scope` holds it on this thread's stack, or an `Entered` of this
    // thread in its box; before either goes, by unwinding too, it is taken off, and `f` lets none go. So is what `outer`
    // points to.
    while let Some(here) = unsafe { scope.as_ref() } {
        if here.key == key
            && let Some(found) = f(here.value)
        {
            return Some(found);
        }
        scope = here.outer.get();
    }
    None
}
