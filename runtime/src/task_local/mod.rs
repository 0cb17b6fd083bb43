//! `task_local!`: values that a future carries along, wherever it is polled.
//!
//! A value lives in the future that [`LocalKey::scope`] makes. While that future is polled, its key means that value on
//! the polling thread: `reactor_hook::locals` keeps the list of such scopes, which are nested as the polls are. So
//! nothing moves when a task does, and any executor will do.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::AtomicU8;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use reactor_hook::locals;

/// Declares task-locals: statics of type [`LocalKey`](crate::task::LocalKey).
///
/// ```
/// runtime::task_local! {
///     /// Who asked.
///     pub static USER: String;
///     static DEPTH: u32;
/// }
/// # fn main() { runtime::block_on(async {
/// let greeting = USER.scope("ada".into(), async { USER.with(|user| format!("hello {user}")) });
/// assert_eq!(greeting.await, "hello ada");
/// assert!(DEPTH.try_get().is_err());
/// # }); }
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $value:ty; $($rest:tt)*) => {
        $crate::task_local!($(#[$attribute])* $visibility static $name: $value);
        $crate::task_local!($($rest)*);
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $value:ty) => {
        $(#[$attribute])*
        $visibility static $name: $crate::task::LocalKey<$value> = $crate::task::LocalKey::__new();
    };
}

/// A value that belongs to a task and not to a thread; declared with [`task_local!`](crate::task_local).
///
/// It has a value inside of [`scope`](Self::scope) and [`sync_scope`](Self::sync_scope). A task that is spawned in there
/// is another task, and has none of its own until it is given one.
///
/// ```
/// runtime::task_local! { static NUMBER: u32; }
/// # fn main() { runtime::block_on(async {
/// NUMBER
///     .scope(1, async {
///         assert_eq!(NUMBER.get(), 1);
///         NUMBER.scope(2, async { assert_eq!(NUMBER.get(), 2) }).await;
///         assert_eq!(NUMBER.get(), 1);
///     })
///     .await;
/// # }); }
/// ```
pub struct LocalKey<T: 'static> {
    /// The address of this byte is the key. Being mutable, it shares its address with nothing.
    address: AtomicU8,
    /// Invariant: a key of a subtype of `T` would be the same key.
    value: PhantomData<fn(T) -> T>,
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn __new() -> Self {
        LocalKey { address: AtomicU8::new(0), value: PhantomData }
    }

    /// A future that runs `future` with `value` as this key's value: while it is polled, and while it is dropped.
    ///
    /// ```
    /// runtime::task_local! { static NUMBER: u32; }
    /// # fn main() {
    /// let doubled = NUMBER.scope(21, async { NUMBER.get() * 2 });
    /// assert_eq!(runtime::block_on(doubled), 42);
    /// # }
    /// ```
    ///
    /// The value lives in the future, so one that stays on its thread keeps the future there:
    ///
    /// ```compile_fail,E0277
    /// runtime::task_local! { static HERE: std::rc::Rc<u32>; }
    /// # fn main() {
    /// runtime::spawn(HERE.scope(std::rc::Rc::new(1), async {}));
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as `future` is.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> TaskLocalFuture<T, F> {
        TaskLocalFuture { key: self, value: Some(value), future: Some(future) }
    }

    /// Calls `f` with `value` as this key's value, and drops the value.
    ///
    /// ```
    /// runtime::task_local! { static NUMBER: u32; }
    /// # fn main() {
    /// assert_eq!(NUMBER.sync_scope(3, || NUMBER.get()), 3);
    /// # }
    /// ```
    #[track_caller]
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        self.enter(Some(&value), f)
    }

    /// Calls `f` with the value.
    ///
    /// # Panics
    ///
    /// Outside of a scope of this key.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(result) => result,
            Err(AccessError { .. }) => not_set("LocalKey::with"),
        }
    }

    /// Calls `f` with the value.
    ///
    /// ```
    /// runtime::task_local! { static NUMBER: u32; }
    /// # fn main() {
    /// assert!(NUMBER.try_with(|number| *number).is_err());
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Outside of a scope of this key; `f` is then not called.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let value = locals::find(self.key()).ok_or(AccessError { _private: () })?;
        // SAFETY: `enter` alone uses this key's address, and passes a `T` by reference or null; that borrow lasts as long as
        // the scope is on the list. The scope is on this thread's stack, below this call, so it outlasts `f`.
        let value = unsafe { value.cast::<T>().as_ref() };
        value.map(f).ok_or(AccessError { _private: () })
    }

    /// A clone of the value.
    ///
    /// # Panics
    ///
    /// Outside of a scope of this key.
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        match self.try_get() {
            Ok(value) => value,
            Err(AccessError { .. }) => not_set("LocalKey::get"),
        }
    }

    /// A clone of the value.
    ///
    /// # Errors
    ///
    /// Outside of a scope of this key.
    pub fn try_get(&'static self) -> Result<T, AccessError>
    where
        T: Clone,
    {
        self.try_with(T::clone)
    }

    fn key(&'static self) -> usize {
        (&raw const self.address).addr()
    }

    /// Calls `f` in a scope of this key. Without a value the key has none in there, whatever it has around it.
    fn enter<R>(&'static self, value: Option<&T>, f: impl FnOnce() -> R) -> R {
        let value = value.map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: whoever looks up this key's address is the key itself, which takes the value for a `T` or for none; the
        // borrow of `value` lasts through `f`.
        unsafe { locals::with_scope(self.key(), value.cast(), f) }
    }
}

#[track_caller]
#[cold]
fn not_set(operation: &str) -> ! {
    crate::misuse::panic(
        operation,
        "this task-local has no value here",
        [
            "wrap the future in `KEY.scope(value, future)`; a task spawned inside of a scope needs its own",
            "where it may be absent use `LocalKey::try_with` or `LocalKey::try_get`",
        ],
    )
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// The task-local has no value here: returned by [`LocalKey::try_with`] and [`LocalKey::try_get`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccessError {
    _private: (),
}

impl fmt::Debug for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessError").finish()
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("task-local value not set")
    }
}

impl Error for AccessError {}

pin_project! {
    /// A future with a task-local value; made by [`LocalKey::scope`].
    pub struct TaskLocalFuture<T: 'static, F> {
        key: &'static LocalKey<T>,
        value: Option<T>,
        #[pin]
        future: Option<F>,
    }

    impl<T: 'static, F> PinnedDrop for TaskLocalFuture<T, F> {
        fn drop(this: Pin<&mut Self>) {
            this.end();
        }
    }
}

impl<T: 'static, F> TaskLocalFuture<T, F> {
    /// Takes the value out. The future goes on without one.
    ///
    /// ```
    /// runtime::task_local! { static NAME: String; }
    /// # fn main() { runtime::block_on(async {
    /// let mut future = Box::pin(NAME.scope("ada".into(), async { NAME.with(String::len) }));
    /// assert_eq!(future.as_mut().await, 3);
    /// assert_eq!(future.as_mut().take_value(), Some("ada".into()));
    /// # }); }
    /// ```
    pub fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.project().value.take()
    }

    /// Drops the future, in the scope of its value.
    fn end(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.future.is_some() {
            this.key.enter(this.value.as_ref(), || this.future.set(None));
        }
    }
}

impl<T: 'static, F: Future> Future for TaskLocalFuture<T, F> {
    type Output = F::Output;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.as_mut().project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            crate::misuse::panic(
                "TaskLocalFuture::poll",
                "the future has completed before",
                [
                    "poll a future until it is ready, and no more",
                    "in a `select!` loop, guard the branch or fuse it",
                ],
            )
        };
        let polled = this.key.enter(this.value.as_ref(), || future.poll(cx));
        if polled.is_ready() {
            self.end();
        }
        polled
    }
}

impl<T: fmt::Debug + 'static, F> fmt::Debug for TaskLocalFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocalFuture").field("value", &self.value).finish_non_exhaustive()
    }
}

/// What holds of a key whatever its type is.
const _: () = {
    const fn is_shared<T: Send + Sync + std::panic::RefUnwindSafe>() {}
    is_shared::<LocalKey<Cell<*const ()>>>();
};

#[cfg(test)]
mod tests;
