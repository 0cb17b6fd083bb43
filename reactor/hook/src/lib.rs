//! How a future asks the thread that executes it for help.
//!
//! Most futures cannot make progress by themselves: somebody must block in `epoll_wait`, or until a deadline, and
//! then wake them. [`std::task::Context`] gives a future a way to reach its executor (the waker), and nothing the
//! other way round. This crate is the other way round. It knows no executor and no reactor.
//!
//! An executor enters a [`Frame`] while it polls. Through it a future may
//!
//! * hand over a [`Driver`]: a function that *blocks* until it may have woken somebody, and one that *unblocks* it
//!   ([`drive`]). At most one driver is in a frame; one that finds the place taken gets a thread of its own;
//! * hand over a [`DeadlineSource`]: passive, any number of them ([`time`]). The frame passes the earliest deadline
//!   to the driver's `block`, or parks until then;
//! * take part in what the executor offers: the [`budget`], the [clock](now), [`offload`] for closures that block.
//!
//! When everything an executor runs is pending it calls [`Frame::wait`], which does the blocking. Where no frame is
//! entered (an executor that knows nothing of this crate), drivers and sources are hosted by threads of their own,
//! started on demand and ended when unused.
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
mod source;
mod sync;
mod thread;

pub use attendance::Attendance;
pub use clock::{Clock, now};
pub use driver::{Driver, Placement, Turn, drive, driver_of};
pub use error::DriveError;
pub use frame::{
    Blocking, Entered, Frame, FrameBuilder, current_driver, has_place, is_driven_here, lane, may_block,
    with_frame, with_owner, with_owners,
};
pub use local::{LocalDriver, LocalPlace, drive_local, local_driver_of};
pub use offload::{Offload, RefusedJob, offload};
pub use parker::{Parker, Unpark};
pub use source::{DeadlineSource, is_timed_here, source_of, time, with_source};
pub use thread::thread_number;
