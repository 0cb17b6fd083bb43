//! What the operating system says about this process.
use std::fs;

/// Open file descriptors.
pub(crate) fn open_fds() -> usize {
    // One of them is the directory being read.
    fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

/// Threads.
pub(crate) fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// Context switches of each thread whose name begins with `prefix`, summed; and how many threads these are.
pub(crate) fn context_switches(prefix: &str) -> (usize, u64) {
    let mut threads = 0;
    let mut switches = 0;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let Ok(status) = fs::read_to_string(task.unwrap().path().join("status")) else {
            continue;
        };
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim();
        if field("Name:").starts_with(prefix) {
            threads += 1;
            switches += field("voluntary_ctxt_switches:").parse::<u64>().unwrap();
            switches += field("nonvoluntary_ctxt_switches:").parse::<u64>().unwrap();
        }
    }
    (threads, switches)
}

/// `write` and the like that this process has called so far; nothing where the kernel does not say.
pub(crate) fn write_calls() -> Option<u64> {
    let io = fs::read_to_string("/proc/self/io").ok()?;
    io.lines().find_map(|line| line.strip_prefix("syscw:"))?.trim().parse().ok()
}

/// The names of all threads, each cut to 15 bytes by the kernel.
pub(crate) fn thread_names() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    tasks.filter_map(|task| name(task.unwrap())).map(|name| name.trim_end().to_owned()).collect()
}
