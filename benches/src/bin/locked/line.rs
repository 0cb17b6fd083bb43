//! Whose cache line a locked operation is on, told from the source it comes from.
use super::code::Frame;

/// Whose cache line it is: what more cores make dearer, and what they do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    /// Every worker's: a queue, count or lock that all of them write.
    Everybody,
    /// One worker's, which others write when they steal from it or wake it.
    Worker,
    /// The task's, timer's or socket's own, which goes to another core with it.
    Task,
    /// The workload's: the channel between two tasks.
    Channel,
    /// One of the allocator's arenas, of which each thread has one; who frees elsewhere writes it as well.
    Allocator,
    /// The thread's own, whatever comes.
    Thread,
    /// None: a full fence.
    Fence,
    /// Nobody has said so far: see `RULES`.
    Unknown,
}

impl Line {
    /// In the order of the table.
    pub(crate) const ALL: [Line; 8] = [
        Line::Everybody,
        Line::Worker,
        Line::Task,
        Line::Channel,
        Line::Allocator,
        Line::Thread,
        Line::Fence,
        Line::Unknown,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Line::Everybody => "everybody",
            Line::Worker => "worker",
            Line::Task => "task",
            Line::Channel => "channel",
            Line::Allocator => "allocator",
            Line::Thread => "thread",
            Line::Fence => "fence",
            Line::Unknown => "unknown",
        }
    }

    /// By the innermost frame that a rule knows.
    pub(crate) fn of(object: &str, frames: &[Frame]) -> Line {
        let is_count = frames.iter().any(|frame| frame.source.contains("/alloc/src/sync.rs"));
        for frame in frames {
            for (path, line) in RULES {
                if frame.source.contains(path) {
                    let of_tokio = frame.source.contains("/tokio-");
                    // The counts that tokio keeps are those of its handle, which all tasks share.
                    return if is_count && of_tokio { Line::Everybody } else { *line };
                }
            }
        }
        // Where no line is told.
        let function = frames.last().map_or("", |frame| &*frame.function);
        let by_function = FUNCTIONS.iter().find(|(piece, _)| function.contains(piece));
        match by_function {
            Some((_, line)) => *line,
            None if object.contains("/libc.so") || object.contains("/libc-") => Line::Allocator,
            None => Line::Unknown,
        }
    }
}

/// Pieces of paths, the first that matches counts.
const RULES: &[(&str, Line)] = &[
    ("/futures-channel-", Line::Channel),
    // Inlined from a host, with no line of its own.
    ("/benches/src/host/", Line::Unknown),
    ("/benches/src/bin/", Line::Channel),
    // Ours.
    ("runtime/src/queue/injector.rs", Line::Everybody),
    ("runtime/src/queue/", Line::Worker),
    ("runtime/src/idle/parker.rs", Line::Worker),
    ("runtime/src/idle/", Line::Everybody),
    ("runtime/src/task/arena/", Line::Everybody),
    ("runtime/src/task/id.rs", Line::Everybody),
    // The lock under which outsiders spawn.
    ("runtime/src/task/spawn.rs", Line::Everybody),
    ("runtime/src/task/", Line::Task),
    ("runtime/src/scheduler/", Line::Everybody),
    ("runtime/src/driver/", Line::Everybody),
    ("reactor/src/cell/", Line::Task),
    ("reactor/src/", Line::Everybody),
    // A wheel a worker.
    ("timer/src/shard.rs", Line::Worker),
    ("timer/src/entry.rs", Line::Task),
    ("timer/src/", Line::Worker),
    ("runtime/src/hold.rs", Line::Everybody),
    // Tokio.
    ("/src/runtime/task/id.rs", Line::Everybody),
    ("/src/runtime/task/list.rs", Line::Everybody),
    ("/src/util/sharded_list.rs", Line::Everybody),
    ("/src/runtime/task/", Line::Task),
    ("/src/runtime/scheduler/multi_thread/queue.rs", Line::Worker),
    ("/src/runtime/scheduler/multi_thread/park.rs", Line::Worker),
    ("/src/runtime/scheduler/", Line::Everybody),
    ("/src/util/try_lock.rs", Line::Everybody),
    ("/src/sync/task/atomic_waker.rs", Line::Task),
    ("/src/runtime/time/entry.rs", Line::Task),
    ("/src/runtime/time/", Line::Everybody),
    ("/src/runtime/io/scheduled_io.rs", Line::Task),
    ("/src/runtime/", Line::Everybody),
    // The smol family.
    ("/async-task-", Line::Task),
    ("/concurrent-queue-", Line::Everybody),
    ("/async-executor-", Line::Everybody),
    ("/async-io-", Line::Everybody),
    ("/polling-", Line::Everybody),
    ("/event-listener-", Line::Everybody),
    ("/parking-2", Line::Worker),
    ("/futures-lite-", Line::Task),
    // The C library.
    ("/nptl/cancellation.c", Line::Thread),
];

/// Pieces of the names of functions.
const FUNCTIONS: &[(&str, Line)] = &[
    ("asynccancel", Line::Thread),
    ("futures_channel", Line::Channel),
    // The handle's count.
    ("tokio::runtime::task::core::Cell", Line::Everybody),
    ("tokio::runtime::Timer", Line::Everybody),
    ("tokio::runtime::scheduler", Line::Everybody),
    ("BlockOnWaker", Line::Worker),
    ("condvar", Line::Worker),
    ("thread::functions::park", Line::Worker),
    ("async_executor", Line::Everybody),
    ("Mutex>::lock_contended", Line::Everybody),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(sources: &[&str]) -> Vec<Frame> {
        sources.iter().map(|source| Frame { function: String::new(), source: (*source).to_owned() }).collect()
    }

    #[test]
    fn the_innermost_frame_that_is_known_decides() {
        let lifo = frames(&[
            "/rustc/1/library/core/src/sync/atomic.rs:1",
            "/r/runtime/src/queue/lifo.rs:9",
            "/r/runtime/src/scheduler/worker.rs:1",
        ]);
        assert_eq!(Line::of("/r/target/it", &lifo), Line::Worker);
        assert_eq!(Line::of("/r/target/it", &lifo[2..]), Line::Everybody);
        assert_eq!(Line::of("/r/target/it", &lifo[..1]), Line::Unknown);
    }

    #[test]
    fn tokios_reference_counts_are_of_what_all_tasks_share() {
        let count =
            frames(&["/rustc/1/library/alloc/src/sync.rs:1", "/c/tokio-1.54.1/src/runtime/task/core.rs:1"]);
        assert_eq!(Line::of("/r/target/it", &count), Line::Everybody);
        assert_eq!(Line::of("/r/target/it", &count[1..]), Line::Task);
    }
}
