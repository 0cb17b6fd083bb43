//! Where tasks wait: LIFO slot, local queue, injector. The README in this folder states who may do what.
#![allow(unreachable_pub, reason = "the loom models reach these through `model`")]

mod batch;
mod injector;
mod lifo;
mod list;
mod local;
#[cfg(all(test, not(runtime_loom)))]
pub(crate) mod tests;

use std::ptr::NonNull;

#[cfg(runtime_loom)]
pub mod model {
    //! The protocols, for their models.
    pub use super::{Batch, Injector, LifoSlot, Linked, Local, Placed, Pushed, Stealer};
}

pub use batch::Batch;
pub use injector::{Injector, Pushed};
pub use lifo::LifoSlot;
#[cfg(not(runtime_loom))]
pub(crate) use local::CAPACITY;
pub use local::{Local, Placed, Stealer};

use crate::primitives::atomic::AtomicPtr;

/// An owned handle of something that can be queued: a pointer to a node with a link.
///
/// # Safety
///
/// `into_raw` gives up the handle and `from_raw` restores it. In between `link` is good, always the same place, and
/// used by nobody but the queue that has the handle. No two handles of one node exist at a time. A node is at least
/// two bytes aligned.
#[allow(unsafe_code)]
pub unsafe trait Linked: Sized + Send {
    /// What the handle points to.
    type Node;

    /// Gives the handle up for a pointer.
    fn into_raw(self) -> NonNull<Self::Node>;

    /// The handle back.
    ///
    /// # Safety
    ///
    /// `node` came from `into_raw` of this type, once for each call.
    unsafe fn from_raw(node: NonNull<Self::Node>) -> Self;

    /// The link inside of the node.
    ///
    /// # Safety
    ///
    /// `node` came from `into_raw` and has not been taken back; the link is not used after it is.
    unsafe fn link<'a>(node: NonNull<Self::Node>) -> &'a AtomicPtr<Self::Node>;
}
