//! Tests that change or count what belongs to the whole process run it again for themselves.
use std::process::Command;

const MARK: &str = "REACTOR_TEST_CHILD";

/// Runs `body` in a process of its own, for the test of that path (`module::name`).
pub(crate) fn alone(path: &str, body: impl FnOnce()) {
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let output = Command::new(std::env::current_exe().expect("a test has a path"))
        .args([path, "--exact", "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .output()
        .expect("the test can be run again");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{path}, run alone, ended with {}:\n{text}", output.status);
    assert!(text.contains("1 passed"), "{path} is no test's path:\n{text}");
}

/// Sets the soft limit of open files, to the hard one if that is less; returns what it is now.
pub(crate) fn limit_open_files(limit: u64) -> u64 {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live variable of the type asked for.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limits) }, 0);
    limits.rlim_cur = limit.min(limits.rlim_max);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limits) }, 0);
    limits.rlim_cur
}

/// How many descriptors are open.
pub(crate) fn open_files() -> usize {
    // The directory itself is one of them.
    std::fs::read_dir("/proc/self/fd").expect("Linux lists descriptors").count() - 1
}

/// Opens files until there are no more descriptors.
pub(crate) fn exhaust_descriptors() -> Vec<std::fs::File> {
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    files
}

/// The CPU time that the process has used.
pub(crate) fn cpu_time() -> std::time::Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live variable of the type asked for.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) }, 0);
    std::time::Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
