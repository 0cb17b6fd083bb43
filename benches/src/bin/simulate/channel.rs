//! Channels between tasks, as those of `futures`: a sender that finds more in the channel than its buffer holds is parked
//! until one is taken out, and sends no more meanwhile.
use std::collections::VecDeque;

use super::job::TaskId;
use super::line::Line;

/// Lines that sending and receiving a message write: the channel's state and ends, and the message's node.
pub(crate) const LINES: u64 = 3;

#[derive(Clone, Debug, Default)]
pub(crate) struct Channel {
    /// For one message ever.
    pub(crate) oneshot: bool,
    pub(crate) buffer: usize,
    pub(crate) queue: VecDeque<u32>,
    /// Waits for a message.
    pub(crate) receiver: Option<TaskId>,
    /// Who has found it full.
    pub(crate) parked: VecDeque<TaskId>,
    pub(crate) line: Line,
}

impl Channel {
    /// Of a capacity, as the library counts it, with a message in it or none.
    pub(crate) fn bounded(capacity: usize, first: Option<u32>) -> Channel {
        Channel { buffer: capacity - 1, queue: first.into_iter().collect(), ..Channel::default() }
    }

    pub(crate) fn oneshot() -> Channel {
        Channel { oneshot: true, buffer: 1, ..Channel::default() }
    }

    /// Puts a message in. True when its sender is parked by that.
    pub(crate) fn put(&mut self, message: u32, sender: TaskId) -> bool {
        self.queue.push_back(message);
        let parks = self.queue.len() > self.buffer;
        if parks {
            self.parked.push_back(sender);
        }
        parks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_more_than_the_buffer_holds_is_parked() {
        let mut channel = Channel::bounded(2, None);
        assert!(!channel.put(0, 7));
        assert!(channel.put(0, 8));
        assert_eq!(channel.parked, [8]);
        assert!(Channel::bounded(1, None).put(0, 7));
    }
}
