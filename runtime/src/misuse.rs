//! The one shape of every panic that tells a caller he used the runtime in a way it cannot work.

/// Panics with the operation, the thread, and two lines that say what to do.
#[track_caller]
#[cold]
pub(crate) fn panic(operation: &str, problem: &str, help: [&str; 2]) -> ! {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    panic!("{operation}: {problem} (thread '{name}')\n  help: {}\n  help: {}", help[0], help[1])
}
