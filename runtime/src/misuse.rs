//! The one shape of every panic that tells a caller he used the runtime in a way it cannot work.
use reactor_hook::process::Origin;

use crate::report::say;

/// Panics with the operation, the thread, and two lines that say what to do.
#[track_caller]
#[cold]
pub(crate) fn panic(operation: &str, problem: &str, help: [&str; 2]) -> ! {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    panic!("{operation}: {problem} (thread '{name}')\n  help: {}\n  help: {}", help[0], help[1])
}

/// Panics: there is no runtime here. `instead`: what works without.
#[track_caller]
#[cold]
pub(crate) fn not_entered(operation: &str, instead: &str) -> ! {
    panic(
        operation,
        "this thread has not entered a runtime",
        [
            "call it inside a task, inside `Runtime::block_on`, or after `Runtime::enter`",
            &format!("from elsewhere keep a `Handle`, and use `{instead}`"),
        ],
    )
}

const IN_A_CHILD: [&str; 2] = [
    "make another runtime in the child, or fork before the first is made",
    "a child that is to run another program calls `exec` where it was forked: `std::process::Command` does that",
];

/// Panics unless this is the process that the runtime was made in: a child that was forked from it has none of its
/// threads.
#[track_caller]
#[inline]
pub(crate) fn refuse_in_child(operation: &str, origin: Origin) {
    if !origin.is_here() {
        panic(operation, &format!("the runtime was {origin}"), IN_A_CHILD);
    }
}

/// Ends a child whose fork returned into the runtime's own code. Going on would run the parent's tasks a second time.
#[cold]
pub(crate) fn end_child(origin: Origin) -> ! {
    say(format_args!(
        "runtime: a child came back from the task or closure that forked it, on a thread of a runtime that was \
         {origin}; the child is aborted\n  help: {}\n  help: {}",
        IN_A_CHILD[0], IN_A_CHILD[1]
    ));
    std::process::abort()
}
