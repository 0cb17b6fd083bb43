//! A frame's deadline sources: any number, and one of a type for those who look for theirs.
#![allow(unsafe_code)]

use std::any::{Any, TypeId};
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::{Frame, entered_frames, place::Offered, tls, with_frame};
use crate::parker::{Parker, Unpark};
use crate::source::{DeadlineSource, SourceHere};

impl Frame {
    /// How long the thread may block, if it keeps the time here.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let earliest =
            self.with_sources(|sources| sources.iter().filter_map(|source| source.next_deadline()).min());
        earliest.filter(|_| self.drives).map(|deadline| deadline.saturating_duration_since(self.now()))
    }

    /// Lets due sources fire, without blocking.
    pub fn fire(&self) {
        let sources = self.with_sources(<[_]>::to_vec);
        if !sources.is_empty() {
            let now = self.now();
            for source in sources {
                source.fire(now);
            }
        }
    }

    /// Sources are never taken out before the frame is dropped.
    pub(super) fn push_source(&self, source: Arc<dyn DeadlineSource>) {
        let key = Arc::as_ptr(&source).cast();
        let kind = (&*source as &dyn Any).type_id();
        self.sources.borrow_mut().push(source);
        // Only now that the list keeps it: a panic above would leave a key that nothing stands behind.
        if self.source_key.get().is_null() {
            self.source_key.set(key);
            self.source_type.set(kind);
        }
    }

    pub(super) fn with_sources<R>(&self, f: impl FnOnce(&[Arc<dyn DeadlineSource>]) -> R) -> R {
        f(&self.sources.borrow())
    }
}

/// The frames around one that waits: the thread waits in none of them meanwhile, and so it keeps their time as well.
pub(super) struct Around(Vec<Rc<Frame>>);

impl Around {
    /// From now on, an earlier deadline in any of them unparks the one that waits.
    pub(super) fn begin(waiting: &Frame, parker: &Arc<Parker>) -> Around {
        let is_around = |frame: &Frame| {
            !ptr::eq(frame, waiting) && frame.may_take() && frame.with_sources(|sources| !sources.is_empty())
        };
        let around = Around(entered_frames(is_around));
        around.unpark(|_| parker);
        around
    }

    pub(super) fn time_left(&self) -> Option<Duration> {
        self.0.iter().filter_map(|frame| frame.time_left()).min()
    }

    /// The one that waited waits no more. What is registered from now on is seen by whoever waits next.
    pub(super) fn end(mut self) -> Vec<Rc<Frame>> {
        self.restore();
        std::mem::take(&mut self.0)
    }

    fn restore(&self) {
        self.unpark(Frame::parker);
    }

    fn unpark<'a>(&'a self, parker: impl Fn(&'a Frame) -> &'a Arc<Parker>) {
        for frame in &self.0 {
            for source in frame.with_sources(<[_]>::to_vec) {
                let unpark: Arc<dyn Unpark> = parker(frame).clone();
                source.set_unpark(Some(unpark));
            }
        }
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        self.restore();
    }
}

#[inline]
pub(crate) fn is_timed_here(source: *const ()) -> bool {
    let frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `with_frame`; nothing can leave the frame during these loads.
    unsafe { frame.as_ref() }.is_some_and(|frame| frame.drives && frame.source_key.get() == source)
}

#[inline]
pub(crate) fn source_here<S: DeadlineSource>() -> Option<SourceHere<S>> {
    let frame = tls(|tls| tls.frame.get());
    // SAFETY: as in `with_frame`; nothing can leave the frame during these loads.
    let frame = unsafe { frame.as_ref() }?;
    if frame.source_type.get() != TypeId::of::<S>() {
        return None;
    }
    let source = NonNull::new(frame.source_key.get().cast_mut().cast())?;
    Some(SourceHere { source, lane: frame.lane, is_timed: frame.drives })
}

pub(crate) fn current_source(kind: TypeId) -> Option<Arc<dyn DeadlineSource>> {
    with_frame(|frame| {
        frame.and_then(|frame| {
            frame.with_sources(|sources| sources.iter().find(|source| (***source).type_id() == kind).cloned())
        })
    })
}

#[inline]
pub(crate) fn with_source<S: DeadlineSource, R>(
    make: impl FnOnce() -> Arc<S>,
    f: impl FnOnce(Option<&S>) -> R,
) -> R {
    fn first<S: DeadlineSource>(sources: &[Arc<dyn DeadlineSource>]) -> Option<Arc<S>> {
        let found = sources.iter().find(|source| (&***source as &dyn Any).is::<S>())?;
        (Arc::clone(found) as Arc<dyn Any + Send + Sync>).downcast().ok()
    }
    with_frame(|frame| {
        let Some(frame) = frame else {
            return f(None);
        };
        if frame.source_type.get() == TypeId::of::<S>() {
            // SAFETY: `source_key` points to an `S`, by `source_type`, in an `Arc` that lives as long as the frame.
            return f(Some(unsafe { &*frame.source_key.get().cast::<S>() }));
        }
        if frame.may_take() && frame.with_sources(|sources| first::<S>(sources).is_none()) {
            // Nobody else knows what `make` made: it is taken.
            offer_source(&make());
        }
        // Not under the borrow: `f` is the caller's.
        let found = frame.with_sources(first::<S>);
        f(found.as_deref())
    })
}

pub(crate) fn offer_source<S: DeadlineSource>(source: &Arc<S>) -> Offered {
    with_frame(|frame| {
        let Some(frame) = frame.filter(|frame| frame.may_take()) else {
            return Offered::NoPlace;
        };
        if !source.attendance().try_attend() {
            return Offered::Attended;
        }
        let unpark: Arc<dyn Unpark> = frame.parker().clone();
        source.set_unpark(Some(unpark));
        frame.push_source(Arc::clone(source) as Arc<dyn DeadlineSource>);
        Offered::Taken
    })
}
