//! Which threads the process has.
use std::io;

/// The names of all threads.
pub(crate) fn names() -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task")? {
        // One that has ended since it was listed is none.
        if let Ok(name) = std::fs::read_to_string(thread?.path().join("comm")) {
            names.push(name.trim_end().to_owned());
        }
    }
    Ok(names)
}
