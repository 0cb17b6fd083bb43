//! What the driver wakes on a worker that is busy: orders of polls, on one worker, and no times.
use parking_lot::Mutex;
use std::io::Write as _;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use runtime::Handle;
use runtime::net::UnixStream;
use runtime::task::yield_now;

use crate::support::{pool_without_spares, until_no_tasks, watchdog};

/// Tasks that are always ready: so many crowd a queue of 256, and so few do not.
const MANY: usize = 200;
const FEW: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Crowd,
    /// One of the crowd; it has written to the reader's socket.
    Starter,
    /// It has read its byte.
    Reader,
}

#[derive(Clone, Copy, Debug)]
struct Polled {
    who: Who,
    /// Turns of the driver so far.
    turns: u64,
}

#[derive(Clone)]
struct Log {
    handle: Handle,
    polled: Arc<Mutex<Vec<Polled>>>,
}

impl Log {
    fn note(&self, who: Who) {
        let turns = self.handle.metrics().workers[0].turns;
        self.polled.lock().push(Polled { who, turns });
    }
}

/// Who is polled from the moment that something is written to the reader's socket, until that was polled.
fn polled_after_a_write(crowd: usize) -> Vec<Polled> {
    let runtime = pool_without_spares(1);
    let log = Log { handle: runtime.handle().clone(), polled: Arc::default() };
    let stop = Arc::new(AtomicBool::new(false));
    let (tx, rx) = mpsc::channel();
    let in_task = log.clone();
    // No `block_on`: the thread in it would wait in the driver, and the worker find it taken.
    drop(runtime.spawn(async move {
        let log = in_task;
        let (theirs, ours) = StdStream::pair().unwrap();
        let theirs = Arc::new(theirs);
        ours.set_nonblocking(true).unwrap();
        let mut ours = UnixStream::from_std(ours).unwrap();
        let (reads, stopped) = (log.clone(), Arc::clone(&stop));
        drop(runtime::spawn(async move {
            assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 1);
            reads.note(Who::Reader);
            stopped.store(true, Ordering::Relaxed);
            tx.send(()).unwrap();
        }));
        for index in 0..crowd {
            let (log, theirs, stop) = (log.clone(), Arc::clone(&theirs), Arc::clone(&stop));
            drop(runtime::spawn(async move {
                // The last of the crowd, and not at once: the reader waits by then, and nobody else is to come.
                let starts_in = if index + 1 == crowd { 3 } else { usize::MAX };
                for poll in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    if poll == starts_in {
                        log.note(Who::Starter);
                        (&*theirs).write_all(&[1]).unwrap();
                    } else {
                        log.note(Who::Crowd);
                    }
                    yield_now().await;
                }
            }));
        }
    }));
    rx.recv().unwrap();
    until_no_tasks(&runtime);
    let mut polled = std::mem::take(&mut *log.polled.lock());
    let started = polled.iter().position(|polled| polled.who == Who::Starter).unwrap();
    polled.split_off(started)
}

/// Polls of the crowd between the turn of the driver that finds what was written, and the reader's.
fn crowd_before_the_reader(polled: &[Polled]) -> usize {
    let rest = polled.iter().skip_while(|later| later.turns == polled[0].turns);
    rest.take_while(|polled| polled.who != Who::Reader).count()
}

#[test]
fn what_the_driver_wakes_goes_behind_all_that_is_queued() {
    let _watchdog = watchdog();
    for crowd in [FEW, MANY] {
        let polled = polled_after_a_write(crowd);
        assert_eq!(crowd_before_the_reader(&polled), crowd, "{polled:?}");
    }
}
