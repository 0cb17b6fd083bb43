//! The supervisor: one thread that sees to it that no task can stop the others. The README in this folder walks through it.
mod alarm;
#[cfg(not(runtime_loom))]
pub(crate) mod births;
pub(crate) mod cover;
#[cfg(not(runtime_loom))]
mod exhausted;
pub(crate) mod heartbeat;
pub(crate) mod members;
#[cfg(not(runtime_loom))]
mod stalls;
#[cfg(all(test, not(runtime_loom)))]
mod tests;
#[cfg(not(runtime_loom))]
mod thread;
#[cfg(not(runtime_loom))]
mod timer;
#[cfg(not(runtime_loom))]
mod watch;

#[cfg(not(runtime_loom))]
pub(crate) use thread::{EXCUSED, Supervised, Supervisor, run};

#[cfg(runtime_loom)]
pub mod model {
    //! Books, membership and the alarm, for their models.
    pub use super::alarm::{Alarm, Timer, Woken};
    pub use super::cover::{By, Cover, StandIn};
    pub use super::members::{Left, Members};

    use super::heartbeat::Heartbeat;

    /// A heartbeat, of polls of tasks with this number and in this cell.
    #[derive(Debug, Default)]
    pub struct Pulse(Heartbeat);

    impl Pulse {
        /// A poll begins, and ends.
        pub fn poll(&self, id: u64, cell: *const ()) {
            self.begin(id, cell);
            self.end();
        }

        /// A poll begins.
        pub fn begin(&self, id: u64, cell: *const ()) {
            self.0.begin(id, cell.cast());
        }

        /// The poll ends.
        pub fn end(&self) {
            self.0.end();
        }

        /// The thread is inside of something else that may block, for as long as `what` takes.
        pub fn away<R>(&self, what: impl FnOnce() -> R) -> R {
            let _away = self.0.go_away();
            what()
        }

        /// Whether something is being polled, or the thread is away.
        pub fn is_inside(&self) -> bool {
            self.0.is_inside()
        }

        /// What is being polled.
        pub fn look(&self) -> Option<(u64, u64, usize)> {
            let poll = self.0.poll()?;
            Some((poll.beat, poll.id.as_nonzero().get(), poll.cell.addr()))
        }
    }
}
