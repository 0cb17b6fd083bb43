//! What the tests share.
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use std::{env, fs, process, thread};

/// Ends the process, naming the test, if it still runs after a minute.
pub(crate) fn watchdog() -> mpsc::Sender<Infallible> {
    let (sender, receiver) = mpsc::channel();
    let test = thread::current().name().unwrap_or("a test").to_owned();
    thread::spawn(move || {
        if receiver.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("watchdog: {test} hangs");
            process::abort();
        }
    });
    sender
}

/// A directory that goes with this.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        let path = env::temp_dir().join(format!("benches-{name}-{}", process::id()));
        fs::create_dir(&path).expect("nobody else has our number");
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
