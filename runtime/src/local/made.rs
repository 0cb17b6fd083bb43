//! A future that comes into being where it is polled.
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// First a closure, which may be anywhere; from the first poll on the future that it makes, which stays there.
    #[project = Stage]
    pub(super) enum Made<C, F> {
        Closure { create: Option<C> },
        Future { #[pin] future: F },
    }
}

impl<C, F> Made<C, F> {
    pub(super) fn by(create: C) -> Self {
        Made::Closure { create: Some(create) }
    }
}

impl<C: FnOnce() -> F, F: Future> Future for Made<C, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if let Stage::Closure { create } = self.as_mut().project() {
            let create = create.take().expect("a closure that panicked is not polled again");
            let future = create();
            self.set(Made::Future { future });
        }
        match self.project() {
            Stage::Future { future } => future.poll(cx),
            Stage::Closure { .. } => unreachable!("the future has just been made"),
        }
    }
}
