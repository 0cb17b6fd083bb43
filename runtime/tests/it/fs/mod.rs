//! Files and directories: what std would answer, wherever it is done, and nobody is held up by what waits.
mod fifo;
mod files;
mod paths;
mod refused;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use runtime::Runtime;

/// A directory that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("runtime-fs-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, contents).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `test` where reads may be done by whoever polls, and where the pool does all.
fn each_way(test: impl AsyncFn(&Scratch)) {
    for inline in [true, false] {
        let runtime = Runtime::builder().worker_threads(2).fs_inline(inline).build().unwrap();
        let scratch = Scratch::new();
        runtime.block_on(test(&scratch));
    }
}
