//! Where the driver wakes somebody on a worker that has much to do. Orders of polls, on one worker, and no times.
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
/// Tasks from the LIFO slot in a row, at most.
const LIFO_CAP: usize = 3;
/// Readers, each of which writes to the next one's socket: one more than may run in a row.
const READERS: usize = LIFO_CAP + 1;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Crowd,
    /// One of the crowd; it has written to the first reader's socket.
    Starter,
    /// It has read its byte.
    Reader(usize),
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

/// Who is polled from the moment that something is written to the first reader's socket, until the last reader was polled.
fn polled_after_a_write(crowd: usize) -> Vec<Polled> {
    let runtime = pool_without_spares(1);
    let log = Log { handle: runtime.handle().clone(), polled: Arc::default() };
    let stop = Arc::new(AtomicBool::new(false));
    let (tx, rx) = mpsc::channel();
    let in_task = log.clone();
    // No `block_on`: the thread in it would wait in the driver, and the worker find it taken.
    drop(runtime.spawn(async move {
        let log = in_task;
        let (theirs, ours): (Vec<_>, Vec<_>) = (0..READERS).map(|_| StdStream::pair().unwrap()).unzip();
        let theirs = Arc::new(theirs);
        for (index, ours) in ours.into_iter().enumerate() {
            ours.set_nonblocking(true).unwrap();
            let mut ours = UnixStream::from_std(ours).unwrap();
            let (log, theirs, stop, tx) = (log.clone(), Arc::clone(&theirs), Arc::clone(&stop), tx.clone());
            drop(runtime::spawn(async move {
                assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 1);
                log.note(Who::Reader(index));
                match theirs.get(index + 1) {
                    Some(mut next) => next.write_all(&[1]).unwrap(),
                    None => {
                        stop.store(true, Ordering::Relaxed);
                        tx.send(()).unwrap();
                    }
                }
            }));
        }
        for index in 0..crowd {
            let (log, theirs, stop) = (log.clone(), Arc::clone(&theirs), Arc::clone(&stop));
            drop(runtime::spawn(async move {
                // The last of the crowd, and not at once: the readers wait by then, and nobody else is to come.
                let starts_in = if index + 1 == crowd { 3 } else { usize::MAX };
                for poll in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    if poll == starts_in {
                        log.note(Who::Starter);
                        (&theirs[0]).write_all(&[1]).unwrap();
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

/// Polls of the crowd between the turn of the driver that finds what was written first, and the first reader's.
fn crowd_before_the_first_reader(polled: &[Polled]) -> usize {
    let rest = polled.iter().skip_while(|later| later.turns == polled[0].turns);
    rest.take_while(|polled| polled.who != Who::Reader(0)).count()
}

#[test]
fn on_a_crowded_worker_what_the_driver_wakes_runs_next() {
    let _watchdog = watchdog();
    let polled = polled_after_a_write(MANY);
    assert_eq!(crowd_before_the_first_reader(&polled), 0, "{polled:?}");
}

#[test]
fn on_a_crowded_worker_the_driver_is_looked_at_after_each_poll_that_caused_an_event() {
    let _watchdog = watchdog();
    let polled = polled_after_a_write(MANY);
    let first = polled.iter().position(|polled| polled.who == Who::Reader(0)).unwrap();
    let in_a_row: Vec<_> = polled[first..][..LIFO_CAP].iter().map(|polled| polled.who).collect();
    assert_eq!(in_a_row, [Who::Reader(0), Who::Reader(1), Who::Reader(2)], "{polled:?}");
}

#[test]
fn on_a_crowded_worker_those_whom_the_driver_wakes_let_the_queue_have_its_turn() {
    let _watchdog = watchdog();
    let polled = polled_after_a_write(MANY);
    let third = polled.iter().position(|polled| polled.who == Who::Reader(LIFO_CAP - 1)).unwrap();
    let crowd = polled[third + 1..].iter().take_while(|polled| polled.who == Who::Crowd).count();
    // One more from the slot would be the fourth: it is behind all who were in the queue.
    assert_eq!(crowd, MANY, "{polled:?}");
    assert_eq!(polled[third + 1 + crowd].who, Who::Reader(LIFO_CAP));
}

#[test]
fn on_a_worker_that_is_not_crowded_what_the_driver_wakes_waits_its_turn() {
    let _watchdog = watchdog();
    let polled = polled_after_a_write(FEW);
    assert_eq!(crowd_before_the_first_reader(&polled), FEW, "{polled:?}");
}
