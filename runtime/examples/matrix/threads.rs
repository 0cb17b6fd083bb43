//! The threads of this process.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A thread's number, as in `/proc/self/task`.
type Id = u32;

/// The threads of this process, but for those of `Watch`es.
fn present() -> BTreeSet<Id> {
    fs::read_dir("/proc/self/task")
        .expect("Linux lists a process's threads")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id| name(*id).is_some_and(|name| name != WATCH))
        .collect()
}

/// `None` once it has ended. Linux keeps fifteen bytes.
fn name(id: Id) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok()?.trim_end().to_owned())
}

/// Waits until no thread comes or goes for a while, and answers which the executor has by itself.
pub(crate) fn settled() -> BTreeSet<Id> {
    const QUIET: Duration = Duration::from_millis(20);
    let (mut threads, mut since) = (present(), Instant::now());
    while since.elapsed() < QUIET {
        thread::sleep(Duration::from_millis(2));
        let now = present();
        if now != threads {
            (threads, since) = (now, Instant::now());
        }
    }
    // Tokio's world beside a runtime of ours is started with it, and yet no part of what it needs by itself.
    threads.retain(|id| name(*id).is_some_and(|name| name != "runtime-tokio"));
    threads
}

/// Threads beyond those that there were, with their names.
pub(crate) type Extra = BTreeMap<Id, String>;

/// Which of them are still there.
pub(crate) fn remaining(extra: &Extra) -> Vec<String> {
    let present = present();
    extra.iter().filter(|(id, _)| present.contains(id)).map(|(_, name)| name.clone()).collect()
}

const WATCH: &str = "watch";
const INTERVAL: Duration = Duration::from_millis(1);

/// Looks at the threads every millisecond and keeps the moment at which there were most.
pub(crate) struct Watch {
    thread: JoinHandle<Extra>,
    over: Arc<AtomicBool>,
}

impl Watch {
    pub(crate) fn start(known: BTreeSet<Id>) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let watch = move || {
            let mut most = Extra::new();
            loop {
                // Relaxed: nothing is handed over; the look after it comes later than the end of the leaf in any case.
                let last = is_over.load(Ordering::Relaxed);
                let extra = present().into_iter().filter(|id| !known.contains(id));
                let extra: Extra = extra.filter_map(|id| Some((id, name(id)?))).collect();
                // A thread gives itself its name only once it runs: of two equal looks the later one has it.
                if extra.len() >= most.len() {
                    most = extra;
                }
                if last {
                    return most;
                }
                thread::sleep(INTERVAL);
            }
        };
        let thread = thread::Builder::new().name(WATCH.into()).spawn(watch).expect("one more thread");
        Watch { thread, over }
    }

    /// The extra threads of the moment with most of them, this one included.
    pub(crate) fn finish(self) -> Extra {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("looking does not panic")
    }
}
