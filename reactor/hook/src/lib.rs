//! How a future asks the thread that executes it for help.
//!
//! Most futures cannot make progress by themselves: somebody must block in `epoll_wait`, or until a deadline, and
//! then wake them. [`std::task::Context`] gives a future a way to reach its executor (the waker), and nothing the
//! other way round. This crate is the other way round. It knows no executor and no reactor, and depends on nothing.
//!
//! * An executor enters a [`Frame`] while it polls, and calls [`Frame::wait`] when everything is pending.
//! * A future that is about to be pending hands its reactor to the frame: a [`Driver`] is a function that *blocks* until it
//!   may have woken somebody, and one that *unblocks* it ([`drive`]). Timers are a [`DeadlineSource`]: passive, any number
//!   of them, and the frame blocks until the earliest deadline at most ([`time`]).
//!
//! So sockets and timers run on the thread that polls them, whoever wrote its executor. Where no frame is entered (an
//! executor that knows nothing of this crate), or where its place is taken, a thread is started that does nothing but
//! block; it ends when it has been unused for a while. Nobody is ever told that there is no reactor.
//!
//! # The executor's side
//!
//! This is the loop that everyone writes first. A waker sets a flag and unparks the thread:
//!
//! ```
//! use std::pin::Pin;
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicBool, Ordering};
//! use std::task::{Context, Wake, Waker};
//! use std::thread::{self, Thread};
//!
//! struct Flag {
//!     woken: AtomicBool,
//!     thread: Thread,
//! }
//!
//! impl Wake for Flag {
//!     fn wake(self: Arc<Self>) {
//!         self.woken.store(true, Ordering::Release);
//!         self.thread.unpark();
//!     }
//! }
//!
//! fn run(futures: Vec<Pin<Box<dyn Future<Output = ()> + '_>>>) {
//!     let flag = || Arc::new(Flag { woken: AtomicBool::new(true), thread: thread::current() });
//!     let mut tasks: Vec<_> = futures.into_iter().map(|future| (flag(), future)).collect();
//!     loop {
//!         tasks.retain_mut(|(flag, future)| {
//!             if !flag.woken.swap(false, Ordering::Acquire) {
//!                 return true;
//!             }
//!             let waker = Waker::from(Arc::clone(flag));
//!             future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
//!         });
//!         if tasks.is_empty() {
//!             return;
//!         }
//!         thread::park();
//!     }
//! }
//! # run(vec![Box::pin(async {})]);
//! ```
//!
//! The futures of this crate's users run there already, beside a thread that blocks for them. Three more lines, numbered
//! below, and that thread is not needed: the one that polls blocks for them itself. This is `examples/small/executor.rs`:
//!
//! ```
#![doc = include_str!("../examples/small/executor.rs")]
//! # fn main() {
//! #     run(vec![Box::pin(async {}), Box::pin(std::future::ready(()))]);
//! # }
//! ```
//!
//! An executor that never has nothing to do calls `wait` now and then all the same: it returns at once if it has been
//! unparked, and looks after sockets and timers. A pool of threads waits by means of its own. Its workers enter a frame of
//! [`Frame::builder`] that has its driver and its sources in it.
//!
//! # The future's side
//!
//! A future that is about to be pending does three things, in this order: it leaves its waker with its reactor, looks
//! once more, and calls [`drive`]. That is one comparison when the thread has this driver already; so it is done at every
//! poll, and a future that moved from one executor to another finds somebody who drives it there.
//!
//! A reactor says who drives it ([`Attendance`]), blocks, can be unblocked from anywhere, and wakes its waiters when
//! nobody drives it any more ([`Driver::abandoned`]), so that they ask again. It calls wakers with no lock held. This is
//! one, whole, for the kernel's timers: `examples/small/timerfd.rs`.
//!
//! ```
#![doc = include_str!("../examples/small/timerfd.rs")]
//! # fn main() {
//! #     let mut future = std::pin::pin!(sleep(Duration::from_millis(1)));
//! #     let frame = reactor_hook::Frame::open().build();
//! #     let _entered = frame.enter();
//! #     let waker = Waker::from(frame.parker().clone());
//! #     while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
//! #         frame.wait();
//! #     }
//! # }
//! ```
//!
//! A reactor that must stay on the thread of its futures is a [`LocalDriver`], and is offered by [`drive_local`]. It goes
//! before any other: a `Driver` in its place moves to a thread. Two of them in one executor are a [`DriveError`], which the
//! future that came second resolves with.
//!
//! # What else an executor offers
//!
//! A future may take part in its [`budget`], read its [clock](now), and hand it closures that block ([`offload`]). What
//! a task carries with it is kept in [`locals`].
//!
//! The README beside this crate states the protocol and proves it.
#![deny(unsafe_code)]

mod attendance;
pub mod budget;
mod clock;
mod driver;
mod error;
mod frame;
mod host;
mod local;
pub mod locals;
#[cfg(runtime_loom)]
#[doc(hidden)]
pub mod model;
mod offload;
mod parker;
pub mod process;
mod quiet;
mod source;
mod sync;
mod thread;

pub use attendance::Attendance;
pub use clock::{Clock, has_clock, now};
pub use driver::{Driver, Placement, Turn, drive, driver_of};
pub use error::DriveError;
pub use frame::{
    Blocking, Entered, Frame, FrameBuilder, current_driver, has_place, is_driven_here, lane, may_block,
    owner, with_frame, with_owner, with_owners,
};
pub use local::{LocalDriver, LocalPlace, drive_local, local_driver_of};
pub use offload::{Offload, RefusedJob, offload};
pub use parker::{Parker, Unpark};
pub use source::{DeadlineSource, SourceHere, is_timed_here, source_here, source_of, time, with_source};
pub use thread::thread_number;
