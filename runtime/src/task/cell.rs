//! The cell: header and stage in one allocation, and the steps that touch the future or its output.
//!
//! Who may touch the stage: whoever has the Notified, until COMPLETE is set; then the handle, if it is still there.
#![allow(unsafe_code)]

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use super::arena::{Cache, Home};
use super::error::JoinError;
use super::header::{Body, Header, RawTask, Vtable};
use super::id::Id;
use super::label::Label;
use super::notified::{Here, Notified, Polled, Step};
use super::quiet::quietly;
use super::schedule::Schedule;
use super::state::{Complete, Park, Snapshot, Start, Wake, WakeByValue};
use super::waker::{self, Lent};
use crate::primitives::UnsafeCell;
use crate::remedy;

#[repr(C)]
pub(super) struct Cell<F: Future, S> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
    owner: PhantomData<fn(S)>,
}

/// What is in the cell besides the header.
enum Stage<F: Future> {
    Running(F),
    Finished(Result<F::Output, JoinError>),
    Consumed,
}

impl<F: Future, S: Schedule> Cell<F, S> {
    /// Where cells of this type come from and go to.
    pub(super) const HOME: Home = Home::of(std::mem::size_of::<Self>(), std::mem::align_of::<Self>());

    pub(super) const VTABLE: &'static Vtable = &Vtable {
        run: run::<F, S>,
        schedule: schedule::<S>,
        wake: wake::<S>,
        take_output: take_output::<F, S>,
        drop_output: drop_output::<F, S>,
        release: release::<F, S>,
        behind: None,
    };

    /// Builds the task in place and publishes it.
    ///
    /// # Safety
    ///
    /// `memory` is a free cell of `HOME`, the caller's alone, its word a free one. `vtable` is `VTABLE`, or stands before
    /// it. `owner` outlives the cell by the arena's rules.
    #[inline]
    pub(super) unsafe fn init(
        memory: NonNull<Header>,
        vtable: &'static Vtable,
        owner: *const S,
        id: Id,
        label: Label,
        future: F,
    ) -> RawTask {
        let cell = memory.as_ptr().cast::<Self>();
        // SAFETY: `memory` is large enough and aligned (HOME).
        let stage = unsafe { &raw mut (*cell).stage };
        // SAFETY: in bounds, ours alone.
        unsafe { stage.write(UnsafeCell::new(Stage::Running(future))) };
        // SAFETY: as for `stage`; the face beside it may be read by anybody and is left alone.
        let body = unsafe { &raw mut (*cell).header.body };
        // SAFETY: in bounds, ours alone.
        unsafe { body.write(Body::new(vtable, owner.cast())) };
        // SAFETY: every field is written but for the face, which is there already; the pointer is the one that the whole
        // cell was got by.
        let task = unsafe { RawTask::new(memory) };
        task.face().name(id, label);
        task.state().publish();
        task
    }
}

/// # Safety
///
/// `task` is a cell of this type, and the caller may touch its stage.
#[inline]
unsafe fn stage<'a, F: Future, S>(task: RawTask) -> &'a UnsafeCell<Stage<F>> {
    let cell = task.as_ptr().cast::<Cell<F, S>>();
    // SAFETY: of this type; the reference covers the interior-mutable stage alone.
    unsafe { &(*cell.as_ptr()).stage }
}

/// # Safety
///
/// `task` is a task of an `S`, and the caller holds a reference or the Notified for as long as the answer is used.
#[inline]
unsafe fn owner<'a, S>(task: RawTask) -> &'a S {
    // SAFETY: the scheduler outlives every cell (README).
    unsafe { &*task.owner().cast::<S>() }
}

unsafe fn schedule<S: Schedule>(task: RawTask) {
    // SAFETY: the caller has the Notified and passes it on.
    let notified = unsafe { Notified::new(task) };
    // SAFETY: the caller holds a reference.
    let owner = unsafe { owner::<S>(task) };
    owner.schedule(notified);
}

unsafe fn wake<S: Schedule>(task: RawTask) {
    // SAFETY: the caller holds a reference, which on a worker alone is given up before the call has ended.
    let owner = unsafe { owner::<S>(task) };
    // SAFETY: passed on; the worker keeps the scheduler.
    let on_worker = owner.schedule_here(|| unsafe { wake_here::<S>(task) });
    if !on_worker {
        if task.state().wake_by_ref() == Wake::Submit {
            // SAFETY: the transition gave us the Notified, and the reference is still held.
            unsafe { schedule::<S>(task) };
        }
        task.unref();
    }
}

/// Wakes and gives the waker's reference up. What comes out is to be queued.
///
/// # Safety
///
/// `task` is a task of an `S`. The caller gives a reference up, and keeps the scheduler.
#[inline]
unsafe fn wake_here<S: Schedule>(task: RawTask) -> Option<Notified<S>> {
    match task.state().wake_by_value() {
        // SAFETY: the transition gave us the Notified.
        WakeByValue::Submit => Some(unsafe { Notified::new(task) }),
        WakeByValue::Nothing => None,
        WakeByValue::Release => {
            // SAFETY: the reference was the last.
            unsafe { (task.vtable().release)(task) };
            None
        }
    }
}

/// Leaves `Consumed` when dropped.
struct Consume<F: Future>(*mut Stage<F>);

impl<F: Future> Drop for Consume<F> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: made by `consume` and `consume_future`: the contents have been dropped, wholly or by unwinding.
        unsafe { self.0.write(Stage::Consumed) };
    }
}

/// As `consume`, where there is a future: it need not be told from an output.
///
/// # Safety
///
/// As for `consume`; `future` is the stage's.
#[inline]
unsafe fn consume_future<F: Future>(stage: *mut Stage<F>, future: *mut F) {
    let _consumed = Consume(stage);
    // SAFETY: the future is initialized and the caller's.
    unsafe { future.drop_in_place() };
}

/// Drops the future or output in place, and leaves `Consumed` even if that panics.
///
/// # Safety
///
/// The stage is the caller's, and pinned contents are dropped where they are.
unsafe fn consume<F: Future>(stage: *mut Stage<F>) {
    let _consumed = Consume(stage);
    // SAFETY: the stage is initialized and the caller's.
    unsafe { stage.drop_in_place() };
}

unsafe fn run<F: Future, S: Schedule>(task: RawTask, polled: &Polled, here: Here<'_>) -> Step {
    // SAFETY: of the task's scheduler (contract of the vtable).
    let here = unsafe { here.get::<S::Here>() };
    match task.state().start() {
        Start::Poll => {}
        Start::Cancel => {
            // SAFETY: we have the Notified.
            unsafe { cancel::<F, S>(task, here) };
            return Step::Done;
        }
    }
    let mut output = None;
    match poll::<F, S>(task, &mut output) {
        Ok(Poll::Pending) => {
            if polled.has_yielded() {
                // The right to the task is simply kept. An abort or a wake is seen by the next `start`.
                return Step::Again;
            }
            match task.state().park() {
                Park::Idle => Step::Idle,
                Park::Again => Step::Again,
                Park::Cancel => {
                    // SAFETY: we still have the Notified.
                    unsafe { cancel::<F, S>(task, here) };
                    Step::Done
                }
            }
        }
        Ok(Poll::Ready(())) => {
            let now = task.state().before_completion();
            if now.has_join_interest() {
                if let Some(output) = output {
                    // SAFETY: we have the Notified, and the future is gone.
                    unsafe { finish_wanted::<F, S>(task, Ok(output), now, here) };
                }
            } else if now.is_sole() {
                // Detached, and no waker left: nobody is told, and nobody can come to know of the task any more.
                if std::mem::needs_drop::<F::Output>() {
                    quietly(|| drop(output));
                }
                // SAFETY: nobody else holds a reference, and the future is gone.
                unsafe { release_to::<F, S>(task, here) };
            } else if let Some(output) = output {
                // SAFETY: we have the Notified, and the future is gone.
                unsafe { finish_detached::<F, S>(task, output, now, here) };
            }
            Step::Done
        }
        Err(panic) => {
            // SAFETY: we have the Notified.
            unsafe { end_panicked::<F, S>(task, output, panic, here) };
            Step::Done
        }
    }
}

/// Polls, and drops the future once it is ready. The output goes to `output` first, so that a panic of the future's
/// drop does not meet that of the output's.
fn poll<F: Future, S>(
    task: RawTask,
    output: &mut Option<F::Output>,
) -> Result<Poll<()>, Box<dyn Any + Send + 'static>> {
    // SAFETY: called by `run` alone, which has the Notified; it is dropped before `run` gives that up.
    let waker = unsafe { Lent::new(task) };
    let mut cx = Context::from_waker(&waker);
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: as above: the stage is ours.
        let stage = unsafe { stage::<F, S>(task) };
        stage.with_mut(|stage| {
            // SAFETY: nobody else has a reference to the stage.
            let Stage::Running(future) = (unsafe { &mut *stage }) else {
                unreachable!("a task that is not complete has a future");
            };
            let future: *mut F = future;
            // SAFETY: as above.
            let polled = unsafe { &mut *future };
            // SAFETY: it stays in the cell until it is dropped there.
            let polled = unsafe { Pin::new_unchecked(polled) };
            match polled.poll(&mut cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(value) => {
                    *output = Some(value);
                    // SAFETY: the stage is ours, and has the future.
                    unsafe { consume_future(stage, future) };
                    Poll::Ready(())
                }
            }
        })
    }))
}

/// The future panicked in its poll, or in its drop after it had an output.
///
/// # Safety
///
/// The caller has the Notified, and loses it.
#[cold]
#[inline(never)]
unsafe fn end_panicked<F: Future, S: Schedule>(
    task: RawTask,
    output: Option<F::Output>,
    panic: Box<dyn Any + Send + 'static>,
    here: Option<&S::Here>,
) {
    quietly(|| drop(output));
    // SAFETY: we have the Notified, so the stage is ours.
    let stage = unsafe { stage::<F, S>(task) };
    // SAFETY: as above; the future is dropped here unless it was.
    quietly(|| stage.with_mut(|stage| unsafe { consume(stage) }));
    // SAFETY: we have the Notified, and the future is gone.
    unsafe { finish_panicked::<F, S>(task, panic, here) };
}

/// Drops the future and completes as cancelled.
///
/// # Safety
///
/// The caller has the Notified, and loses it.
#[cold]
#[inline(never)]
unsafe fn cancel<F: Future, S: Schedule>(task: RawTask, here: Option<&S::Here>) {
    // SAFETY: we have the Notified, so the stage is ours.
    let stage = unsafe { stage::<F, S>(task) };
    // SAFETY: as above.
    match catch_unwind(AssertUnwindSafe(|| stage.with_mut(|stage| unsafe { consume(stage) }))) {
        // SAFETY: the future is gone.
        Ok(()) => unsafe { finish_late::<F, S>(task, JoinError::cancelled(task.id()), here) },
        // SAFETY: the future is gone.
        Err(panic) => unsafe { finish_panicked::<F, S>(task, panic, here) },
    }
}

/// # Safety
///
/// As for `finish`.
#[cold]
unsafe fn finish_panicked<F: Future, S: Schedule>(
    task: RawTask,
    panic: Box<dyn Any + Send + 'static>,
    here: Option<&S::Here>,
) {
    // SAFETY: the Notified keeps the cell.
    let owner = unsafe { owner::<S>(task) };
    // Whatever these do, the task completes: who waits for it, and whoever ends the scheduler, counts on that.
    quietly(|| owner.unhandled_panic(task.id()));
    quietly(|| remedy::report(format_args!("task {}", task.id()), task.label().location(), panic.as_ref()));
    // SAFETY: passed on.
    unsafe { finish_late::<F, S>(task, JoinError::panic(task.id(), panic), here) }
}

/// As `finish`, without an output.
///
/// # Safety
///
/// As for `finish`.
#[cold]
unsafe fn finish_late<F: Future, S: Schedule>(task: RawTask, error: JoinError, here: Option<&S::Here>) {
    let now = task.state().before_completion();
    if now.is_sole() {
        quietly(|| drop(error));
        // SAFETY: nobody else holds a reference, and the future is gone.
        unsafe { release_to::<F, S>(task, here) };
    } else {
        // SAFETY: passed on.
        unsafe { finish::<F, S>(task, Err(error), now, here) }
    }
}

/// Completes.
///
/// # Safety
///
/// The caller has the Notified, and loses it; the stage is `Consumed`. `now` is what the word was not long ago, and not sole.
#[inline(always)]
unsafe fn finish<F: Future, S: Schedule>(
    task: RawTask,
    result: Result<F::Output, JoinError>,
    now: Snapshot,
    here: Option<&S::Here>,
) {
    if now.has_join_interest() {
        // SAFETY: passed on.
        unsafe { finish_wanted::<F, S>(task, result, now, here) };
    } else {
        drop_result(result);
        // SAFETY: as of this function; the output is not stored.
        unsafe { complete::<F, S>(task, false, now, here) };
    }
}

/// As `finish`, where `now` has join interest.
///
/// # Safety
///
/// As for `finish`.
#[inline(always)]
unsafe fn finish_wanted<F: Future, S: Schedule>(
    task: RawTask,
    result: Result<F::Output, JoinError>,
    now: Snapshot,
    here: Option<&S::Here>,
) {
    // SAFETY: the stage is ours until COMPLETE.
    let stage = unsafe { stage::<F, S>(task) };
    // SAFETY: as above; what is overwritten is `Consumed` and needs no drop.
    stage.with_mut(|stage| unsafe { stage.write(Stage::Finished(result)) });
    if now.has_join_waker() {
        if task.state().complete_plainly(now, true) {
            // SAFETY: the transition gave us the waker, and left us the reference.
            return unsafe { wake_joiner::<S>(task, here) };
        }
    } else if task.state().complete_plainly(now, false) {
        return;
    }
    // SAFETY: as of this function; the output is stored.
    unsafe { complete::<F, S>(task, true, now, here) };
}

/// As `finish`, for a task that nobody awaits, and that somebody may wake. Out of line, so that `run` saves no registers for it.
///
/// # Safety
///
/// As for `finish`.
#[inline(never)]
unsafe fn finish_detached<F: Future, S: Schedule>(
    task: RawTask,
    output: F::Output,
    now: Snapshot,
    here: Option<&S::Here>,
) {
    // SAFETY: passed on.
    unsafe { finish::<F, S>(task, Ok(output), now, here) }
}

/// Nobody is left to be told of a panic of the output's drop.
#[inline(always)]
fn drop_result<T>(result: Result<T, JoinError>) {
    match result {
        // Without a destructor there is nothing that could panic.
        Ok(_) if !std::mem::needs_drop::<T>() => {}
        result => quietly(|| drop(result)),
    }
}

/// # Safety
///
/// As for `finish`; `stored` says whether the output is in the stage.
#[inline(always)]
unsafe fn complete<F: Future, S: Schedule>(
    task: RawTask,
    mut stored: bool,
    mut now: Snapshot,
    here: Option<&S::Here>,
) {
    loop {
        match task.state().complete(stored, now) {
            Complete::Done => return,
            Complete::Release => {
                // SAFETY: nobody else holds a reference.
                unsafe { release_to::<F, S>(task, here) };
                return;
            }
            Complete::WakeJoiner => {
                // SAFETY: the transition gave us the waker, and left us the reference.
                unsafe { wake_joiner::<S>(task, here) };
                return;
            }
            Complete::DropOutput => {
                // SAFETY: not complete, so the stage is ours.
                unsafe { drop_unwanted::<F, S>(task) };
                stored = false;
                now = task.state().before_completion();
            }
        }
    }
}

/// Wakes the one who awaits `task`: if it is a task of the same scheduler, without a look at where this is. Out of line: it is the
/// same for all futures.
///
/// # Safety
///
/// `task` is a task of an `S`. The caller has its join waker and a reference, and gives both up.
#[inline(never)]
unsafe fn wake_joiner<S: Schedule>(task: RawTask, here: Option<&S::Here>) {
    // SAFETY: the waker is the caller's.
    let waker = unsafe { task.join_waker().take_shared() };
    let (Some(joiner), Some(here)) = (waker::task_of(&waker), here) else {
        return wake_elsewhere(task, waker);
    };
    // Schedulers have an allocation each: one address is one type.
    if !std::ptr::eq(joiner.owner(), task.owner()) {
        return wake_elsewhere(task, waker);
    }
    std::mem::forget(waker);
    // First, so that nothing of the task is kept in hand meanwhile.
    if task.state().unref_shared() {
        // SAFETY: it was the last reference; the rest is passed on.
        return unsafe { release_and_queue::<S>(task, joiner, here) };
    }
    // SAFETY: the waker's reference is given up.
    unsafe { queue_joiner::<S>(joiner, here) }
}

/// # Safety
///
/// `joiner` is a task of an `S`. The caller gives a reference up.
#[inline]
unsafe fn queue_joiner<S: Schedule>(joiner: RawTask, here: &S::Here) {
    // SAFETY: passed on; who has `here` keeps the scheduler.
    if let Some(joiner) = unsafe { wake_here::<S>(joiner) } {
        S::schedule_joiner(here, joiner);
    }
}

/// The handle went meanwhile.
///
/// # Safety
///
/// As for `queue_joiner`; the last reference on `task` has been dropped.
#[cold]
#[inline(never)]
unsafe fn release_and_queue<S: Schedule>(task: RawTask, joiner: RawTask, here: &S::Here) {
    // SAFETY: promise of the caller.
    unsafe { (task.vtable().release)(task) };
    // SAFETY: passed on.
    unsafe { queue_joiner::<S>(joiner, here) }
}

/// As `wake_joiner`, for what may be anybody's waker.
#[inline(never)]
fn wake_elsewhere(task: RawTask, waker: Waker) {
    quietly(|| waker.wake());
    task.unref();
}

/// Drops an output that nobody takes.
///
/// # Safety
///
/// The stage is the caller's.
#[cold]
#[inline(never)]
unsafe fn drop_unwanted<F: Future, S>(task: RawTask) {
    // SAFETY: promise of the caller.
    let stage = unsafe { stage::<F, S>(task) };
    // SAFETY: as above.
    quietly(|| stage.with_mut(|stage| unsafe { consume(stage) }));
}

unsafe fn take_output<F: Future, S: Schedule>(task: RawTask, to: *mut ()) {
    // SAFETY: the caller is the handle of a complete task: the stage is its own.
    let stage = unsafe { stage::<F, S>(task) };
    stage.with(|stage| {
        // SAFETY: nobody else has a reference to the stage, and it is initialized.
        let Stage::Finished(result) = (unsafe { &*stage }) else {
            no_output();
        };
        // SAFETY: nobody looks at the stage after this: the bits that stay are nobody's.
        let result = unsafe { std::ptr::read(result) };
        // SAFETY: the caller gave the address of a `Result<T, JoinError>` to be written.
        unsafe { to.cast::<Result<F::Output, JoinError>>().write(result) };
    });
    if task.state().unref() {
        // SAFETY: it was the last reference.
        unsafe { release::<F, S>(task) };
    }
}

/// Out of line, and with no arguments: `take_output` needs no stack for it.
#[cold]
#[inline(never)]
fn no_output() -> ! {
    unreachable!("a complete task has an output until its handle takes it");
}

unsafe fn drop_output<F: Future, S>(task: RawTask) {
    // SAFETY: the caller is the handle of a complete task: the stage is its own.
    unsafe { drop_unwanted::<F, S>(task) }
}

/// Gives the cell back. Nothing in it needs a drop by now.
unsafe fn release<F: Future, S: Schedule>(task: RawTask) {
    // SAFETY: passed on.
    unsafe { vacate::<F, S>(task) };
    if let Home::Class(class) = const { Cell::<F, S>::HOME } {
        // SAFETY: the cell still counts as taken: the scheduler is there.
        let owner = unsafe { owner::<S>(task) };
        // SAFETY: a cell of `HOME` that nobody else can reach.
        let keep = |cache: Option<&Cache>| cache.is_some_and(|cache| unsafe { cache.try_keep(class, task) });
        if owner.with_cache(keep) {
            return;
        }
    }
    // SAFETY: as above.
    unsafe { release_late::<S>(task, const { &Cell::<F, S>::HOME }) }
}

/// As `release`, where there is no cache with room. Out of line, so that `release` saves no registers for it.
///
/// # Safety
///
/// `task` is a task of an `S` that nobody else can reach, in a cell of `home`.
#[cold]
#[inline(never)]
unsafe fn release_late<S: Schedule>(task: RawTask, home: &Home) {
    let keep = {
        // SAFETY: the cell still counts as taken: the scheduler is there.
        let owner = unsafe { owner::<S>(task) };
        // SAFETY: passed on.
        unsafe { owner.arena().release(owner, task, *home) }
    };
    // With the last cell of an arena that has retired goes the scheduler itself: no reference to it is left here.
    drop(keep);
}

/// As `release`, by the thread that ran the task.
///
/// # Safety
///
/// As for `release`.
#[inline]
unsafe fn release_to<F: Future, S: Schedule>(task: RawTask, here: Option<&S::Here>) {
    if let (Home::Class(class), Some(here)) = (const { Cell::<F, S>::HOME }, here) {
        // SAFETY: passed on.
        unsafe { vacate::<F, S>(task) };
        // SAFETY: a cell of `HOME` that nobody else can reach.
        if unsafe { S::cache(here).try_keep(class, task) } {
            return;
        }
    }
    // SAFETY: passed on.
    unsafe { release::<F, S>(task) }
}

/// For the models: what becomes of the memory is a write to both.
///
/// # Safety
///
/// As for `release`.
#[inline]
unsafe fn vacate<F: Future, S>(task: RawTask) {
    // SAFETY: nobody else can reach the cell.
    unsafe { stage::<F, S>(task) }.with_mut(|_| ());
    task.join_waker().overwrite();
}
