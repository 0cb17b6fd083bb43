//! `task::Builder`: a task with a name.
use std::borrow::Cow;
use std::io;
use std::panic::Location;

use crate::handle::{self, Handle};
use crate::large::unless_large;
use crate::local_set::{self, LocalSet};
use crate::task::{JoinHandle, Label};

/// Spawns a task with a name, for [dumps](crate::Handle::dump) and [stall reports](crate::Builder::on_stall).
///
/// ```
/// # runtime::Runtime::new().block_on(async {
/// let task = runtime::task::Builder::new().name("adder").spawn(async { 1 + 1 })?;
/// assert_eq!(task.await.unwrap(), 2);
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
///
/// A name is meant for a *kind* of task, such as `"connection"`: names are kept for as long as the process runs, once for each
/// place and name, the first 4096 of these, and of each name the first 128 bytes. Tasks beyond that go without a name. A task with
/// a name is no larger than one without.
///
/// The results are those of tokio's builder, whose shape this is; none of ours is ever an `Err`.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `spawn`"]
pub struct Builder<'a> {
    name: Option<Cow<'a, str>>,
}

impl<'a> Builder<'a> {
    /// A task without a name, yet.
    pub fn new() -> Builder<'a> {
        Builder::default()
    }

    /// Names the task.
    pub fn name(self, name: impl Into<Cow<'a, str>>) -> Builder<'a> {
        Builder { name: Some(name.into()) }
    }

    /// As [`runtime::spawn`](crate::spawn).
    ///
    /// # Errors
    ///
    /// None.
    ///
    /// # Panics
    ///
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let label = self.label(Location::caller());
        let handle = handle::current("runtime::task::Builder::spawn", "task::Builder::spawn_on");
        Ok(unless_large!(future: F => handle.shared.spawn(future, label)))
    }

    /// As [`Handle::spawn`].
    ///
    /// ```
    /// let runtime = runtime::Runtime::new();
    /// let task = runtime::task::Builder::new().name("adder").spawn_on(async { 1 + 1 }, runtime.handle())?;
    /// assert_eq!(runtime.block_on(task).unwrap(), 2);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// None.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let label = self.label(Location::caller());
        Ok(unless_large!(future: F => handle.shared.spawn(future, label)))
    }

    /// As [`spawn_local`](crate::task::spawn_local).
    ///
    /// # Errors
    ///
    /// None.
    ///
    /// # Panics
    ///
    /// Where no set of local tasks runs.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let label = self.label(Location::caller());
        Ok(unless_large!(future: F => local_set::spawn_labelled(future, label)))
    }

    /// As [`LocalSet::spawn_local`].
    ///
    /// # Errors
    ///
    /// None.
    #[track_caller]
    pub fn spawn_local_on<F>(self, future: F, set: &LocalSet) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let label = self.label(Location::caller());
        Ok(unless_large!(future: F => set.spawn_labelled(future, label)))
    }

    /// As [`spawn_pinned`](crate::task::spawn_pinned).
    ///
    /// # Errors
    ///
    /// None.
    ///
    /// # Panics
    ///
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn_pinned<C, F>(self, create: C) -> io::Result<JoinHandle<F::Output>>
    where
        C: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        let label = self.label(Location::caller());
        let handle = handle::current("runtime::task::Builder::spawn_pinned", "Handle::spawn_pinned");
        Ok(handle.shared.spawn_pinned(create, label))
    }

    /// As [`spawn_blocking`](crate::task::spawn_blocking).
    ///
    /// # Errors
    ///
    /// None.
    ///
    /// # Panics
    ///
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, f: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let label = self.label(Location::caller());
        let instead = "task::Builder::spawn_blocking_on";
        Ok(handle::current("runtime::task::Builder::spawn_blocking", instead).shared.blocking.spawn(f, label))
    }

    /// As [`Handle::spawn_blocking`].
    ///
    /// # Errors
    ///
    /// None.
    #[track_caller]
    pub fn spawn_blocking_on<F, R>(self, f: F, handle: &Handle) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Ok(handle.shared.blocking.spawn(f, self.label(Location::caller())))
    }

    fn label(&self, location: &'static Location<'static>) -> Label {
        match &self.name {
            Some(name) => Label::named(location, name),
            None => Label::at(location),
        }
    }
}
